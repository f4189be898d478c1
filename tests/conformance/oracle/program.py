"""The programs of the conformance tests, as data.

A program is an S-expression of words and integers.  In memory it is nothing but nested lists, with `str` for
words and `int` for integers, so that the generator builds it, the interpreter walks it and the shrinker cuts
it without any class in between.  ../README.md describes the language; this module knows its shape only: what
is a list, a declaration, a statement.
"""

import re
from typing import Iterator

_TOKEN = re.compile(r"[()]|[^\s()]+")

# Kinds of objects that a program declares, each of which an interpreter makes before the program starts.
OBJECT_KINDS = ("lock", "event", "cond", "sem", "bsem", "barrier", "queue", "pqueue", "lqueue")


class Malformed(ValueError):
    """The text is not a program."""


def parse(text: str) -> list:
    """Reads the one S-expression of `text`."""
    found: list = []
    current, outer = found, []
    for token in _TOKEN.findall(text):
        if token == "(":
            inner: list = []
            current.append(inner)
            outer.append(current)
            current = inner
        elif token == ")":
            if not outer:
                raise Malformed("a ')' that closes nothing")
            current = outer.pop()
        else:
            current.append(_atom(token))
    if outer:
        raise Malformed("a '(' that is never closed")
    if len(found) != 1 or not isinstance(found[0], list) or found[0][:1] != ["prog"]:
        raise Malformed("expected one (prog ...)")
    return found[0]


def _atom(token: str) -> str | int:
    if token[0] not in "-0123456789":
        return token
    try:
        return int(token)
    except ValueError:
        raise Malformed(f"neither a word nor an integer: {token}") from None


def dump(program: list) -> str:
    """The text of a program, one declaration a line; the same program always has the same text."""
    return "(prog\n " + "\n ".join(map(_dump_item, program[1:])) + ")\n"


def _dump_item(item) -> str:
    if isinstance(item, list):
        return "(" + " ".join(map(_dump_item, item)) + ")"
    return str(item)


def is_body(item) -> bool:
    """Whether an argument of a statement is a list of statements; an empty list is one, too."""
    return isinstance(item, list) and (not item or isinstance(item[0], list))


def bodies(program: list) -> Iterator[list]:
    """Every list of statements directly below a declaration.  They are copies: the lists inside are not."""
    for declaration in program[1:]:
        if declaration[0] in ("co", "ext"):
            yield declaration[2:]


def statements(body: list) -> Iterator[list]:
    """Every statement in a list of statements, and those inside of it, in the order of the text."""
    for statement in body:
        yield statement
        for argument in statement[1:]:
            if is_body(argument):
                yield from statements(argument)


def operations(program: list) -> set[str]:
    """The names of all operations that a program may run, and of the kinds of objects it declares."""
    names = {declaration[0] for declaration in program[1:] if declaration[0] in OBJECT_KINDS}
    for body in bodies(program):
        names.update(statement[0] for statement in statements(body))
    return names
