"""The shrinker: from a program that shows something, to a small one that still shows it.

It cuts statements, from halves of bodies down to single ones; puts the statements inside of a block in the
block's place; removes declarations that are used no more; and makes times small.  It goes on until nothing of
that helps.
"""

import copy
from collections.abc import Callable, Iterator

from program import is_body, operations, statements

# Where a statement has a time, a timeout or a number of repetitions.
_TIMES = {
    "sleep": 2,
    "later": 2,
    "at": 2,
    "busy": 1,
    "rep": 1,
    "timeout": 2,
    "waitfor": 3,
    "waitforc": 3,
    "wait": 3,
    "ascomp": 2,
    "exec": 2,
}

# Which operations use a kind of object, and what they are called where that is not the kind's own name.
_USES = {
    "lock": {"acq", "rel", "locked"},
    "event": {"ewait", "eset", "eclr"},
    "cond": {"cwait", "cwaitp", "cnotify", "cnall", "crel"},
    "sem": {"sacq", "srel", "slocked"},
    "barrier": {"bwait", "breset", "babort"},
    "queue": {"put", "get", "join", "putn", "getn", "tdone", "qsize", "qshut"},
}
_SAME_NUMBERS = {"bsem": "sem", "pqueue": "queue", "lqueue": "queue"}

# Which operations start coroutines, and which of their words, to the last, are the coroutines' numbers.
_STARTS = {"spawn": 2, "tgspawn": 3, "waitforc": 2, "gatherc": 3, "rcts": 2}

_Path = tuple[int, ...]


def shrink(program: list, shows: Callable[[list], bool], max_tries: int = 5000) -> list:
    """The smallest program found, after at most so many calls of `shows`."""
    return _Shrinker(program, shows, max_tries).run()


class _Exhausted(Exception):
    """All tries are used up."""


class _Shrinker:
    def __init__(self, program: list, shows: Callable[[list], bool], max_tries: int):
        self._program = _open_bodies(program)
        self._shows = shows
        self._tries_left = max_tries

    def run(self) -> list:
        try:
            while self._cut() | self._unwrap() | self._drop_unused() | self._shorten_times():
                pass
        except _Exhausted:
            pass
        return _close_bodies(self._program)

    def _accept(self, candidate: list) -> bool:
        if self._tries_left == 0:
            raise _Exhausted
        self._tries_left -= 1
        if not self._shows(_close_bodies(candidate)):
            return False
        self._program = candidate
        return True

    def _cut(self) -> bool:
        """Cuts pieces out of every body, the outermost bodies and the largest pieces first."""
        changed = False
        index = 0
        while index < len(paths := _body_paths(self._program)):
            # What is cut here changes the paths of bodies deeper down only, and those come later.
            path = paths[index]
            size = len(_at(self._program, path))
            while size > 0:
                changed |= self._cut_pieces(path, size)
                size //= 2
            index += 1
        return changed

    def _cut_pieces(self, path: _Path, size: int) -> bool:
        changed = False
        start = 0
        while start < len(_at(self._program, path)):
            candidate = copy.deepcopy(self._program)
            del _at(candidate, path)[start : start + size]
            if self._accept(candidate):
                changed = True
            else:
                start += size
        return changed

    def _unwrap(self) -> bool:
        """Puts the inside of a block in the block's place."""
        changed = False
        index = 0
        while index < len(places := list(_blocks(self._program))):
            if self._accept(_unwrapped(self._program, *places[index])):
                changed = True
            else:
                index += 1
        return changed

    def _drop_unused(self) -> bool:
        """Removes coroutines that nothing starts, and kinds of objects that nothing uses."""
        used = _used_declarations(_close_bodies(self._program))
        kept = [item for item in self._program[1:] if _declaration_key(item) in used]
        smaller = [self._program[0], *kept]
        return len(smaller) < len(self._program) and self._accept(smaller)

    def _shorten_times(self) -> bool:
        changed = False
        for path, position in list(_times(self._program)):
            for value in (0, 1):
                if _at(self._program, path)[position] in range(value + 1):
                    break
                candidate = copy.deepcopy(self._program)
                _at(candidate, path)[position] = value
                if self._accept(candidate):
                    changed = True
                    break
        return changed


# ------------------------------------------------------------------------------------------------------------
# While it shrinks, a program has a list of its own for what follows the number in `co` and the time in `ext`,
# so that all statements are in bodies; and one body more, at the end, with the declarations that can go like
# statements.


def _open_bodies(program: list) -> list:
    fixed = [
        ["co", item[1], item[2:]] if item[0] == "co" else item
        for item in program[1:]
        if item[0] not in ("ext", "debug", "eager")
    ]
    extras = [
        ["ext", item[1], item[2:]] if item[0] == "ext" else item
        for item in program[1:]
        if item[0] in ("ext", "debug", "eager")
    ]
    return copy.deepcopy(["prog", *fixed, ["extras", extras]])


_ORDER = {"debug": 1, "eager": 1, "co": 2, "ext": 3}  # and all others before


def _close_bodies(opened: list) -> list:
    items = []
    for item in opened[1:]:
        items += item[1] if item[0] == "extras" else [item]
    items.sort(key=lambda item: _ORDER.get(item[0], 0))
    return ["prog", *([*item[:2], *item[2]] if item[0] in ("co", "ext") else item for item in items)]


def _at(item: list, path: _Path) -> list:
    for index in path:
        item = item[index]
    return item


def _all_body_paths(item: list, path: _Path = ()) -> Iterator[_Path]:
    for index, argument in enumerate(item):
        if isinstance(argument, list):
            here = (*path, index)
            # The program itself is a list of lists, but no body.
            if path and is_body(argument):
                yield here
            yield from _all_body_paths(argument, here)


def _body_paths(program: list) -> list[_Path]:
    return sorted(_all_body_paths(program), key=len)


def _statement_paths(program: list) -> Iterator[_Path]:
    for path in _body_paths(program):
        for index in range(len(_at(program, path))):
            yield (*path, index)


def _blocks(program: list) -> Iterator[tuple[_Path, list[int]]]:
    """What could take the place of a block: its path, and where in it the bodies are, one or all of them."""
    for path in _statement_paths(program):
        statement = _at(program, path)
        if statement[0] == "ext":
            continue
        positions = [
            position for position, argument in enumerate(statement) if position > 0 and is_body(argument)
        ]
        for position in positions:
            yield path, [position]
        if len(positions) > 1:
            yield path, positions


def _unwrapped(program: list, path: _Path, positions: list[int]) -> list:
    candidate = copy.deepcopy(program)
    *above, index = path
    body = _at(candidate, tuple(above))
    body[index : index + 1] = [statement for position in positions for statement in body[index][position]]
    return candidate


def _times(program: list) -> Iterator[tuple[_Path, int]]:
    for path in _statement_paths(program):
        name = _at(program, path)[0]
        position = 1 if name == "ext" else _TIMES.get(name)
        if position is not None:
            yield path, position


def _declaration_key(item: list):
    if item[0] == "co":
        return "co", item[1]
    return _SAME_NUMBERS.get(item[0], item[0])


def _used_declarations(program: list) -> set:
    """The keys of all declarations that something in the program needs."""
    names = operations(program)
    used = {"extras", ("co", 0)}
    used |= {kind for kind, uses in _USES.items() if names & uses}
    for item in program[1:]:
        for statement in statements(item[2:] if item[0] in ("co", "ext") else []):
            if statement[0] == "with":
                used.add(statement[1])
            first = _STARTS.get(statement[0])
            if first is not None:
                used |= {("co", number) for number in statement[first:]}
    return used
