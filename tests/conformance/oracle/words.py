"""The words of a trace: how outcomes are written, and what may be left out of a trace."""

import asyncio


class UserError(Exception):
    """The error number `number` that a program raises."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


_ERRORS = (
    (asyncio.TimeoutError, "Timeout"),
    (asyncio.InvalidStateError, "Invalid"),
    (asyncio.BrokenBarrierError, "Broken"),
)
_ERROR_NAMES = {"RuntimeError": "Runtime", "ValueError": "Value"}


def error_word(error: BaseException) -> str:
    """Cancelled, Cancelled:message, E<number>, EG[errors...] or the name of the class, shortened."""
    if isinstance(error, asyncio.CancelledError):
        message = error.args[0] if error.args else None
        return "Cancelled" if message in (None, "") else f"Cancelled:{message}"
    if isinstance(error, UserError):
        return f"E{error.number}"
    if isinstance(error, BaseExceptionGroup):
        return "EG[" + ",".join(map(error_word, error.exceptions)) + "]"
    for kind, word in _ERRORS:
        if isinstance(error, kind):
            return word
    name = type(error).__name__
    return _ERROR_NAMES.get(name, name)


def value_word(value) -> str:
    """nil, 1 and 0 for what has no number, else the number; lists in brackets, errors as words; words are
    words."""
    if value is None:
        return "nil"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, BaseException):
        return error_word(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(value_word, value)) + "]"
    return value


def rank_iterations(lines: list[str]) -> list[str]:
    """Numbers the iterations that left a line in the trace from 0, so that idle ones do not count."""
    ranks: dict[str, int] = {}
    ranked = []
    for line in lines:
        iteration, rest = line.split(" ", 1)
        ranked.append(f"I{ranks.setdefault(iteration, len(ranks))} {rest}")
    return ranked
