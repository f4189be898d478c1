"""The random generator of programs: the same seed and features give the same program, anywhere and for ever.

Recorded traces and reports name a program by its seed, so the order in which random numbers are drawn is part
of the definition, and the self-test holds it to recorded hashes.  That order is that of a generator which,
wherever it has a choice, first makes *every* alternative, with all its arguments, and then takes one.  Most
of the numbers drawn are thus for things that are thrown away.  The numbers come from a counter, however, so
that they need not be computed to be passed over: an alternative is a row in a table, which knows how many
numbers it would draw, and only the one that is taken is made.

Features are letters:

    e   programs in which tasks start eagerly
    q   Queue.shutdown
    c   "core": only operations that need neither a synchronisation primitive nor a thread
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

TASK_SLOTS, FUTURES, GATHERS = 8, 3, 2
FIRST_FUTURE, FIRST_GATHER = 100, 200
NO_TIMEOUT = 99

THEMES = tuple("task fut lock event cond sem barrier queue gather wait timeout tg cb exec".split())
CORE_THEMES = ("task", "fut", "gather", "wait", "timeout", "tg", "cb")


class Random:
    """splitmix64, with a position that can be moved: the number at each position depends on the seed
    alone."""

    _MASK = (1 << 64) - 1
    _STEP = 0x9E3779B97F4A7C15

    def __init__(self, seed: int):
        self._origin = seed * self._STEP + 0x1234567
        self.position = 0

    def below(self, limit: int) -> int:
        """The next number, 0 <= number < limit."""
        self.position += 1
        mixed = (self._origin + self.position * self._STEP) & self._MASK
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & self._MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & self._MASK
        return ((mixed ^ (mixed >> 31)) >> 11) % limit

    def pick(self, choices):
        return choices[self.below(len(choices))]


# ------------------------------------------------------------------------------------------------------------
# Arguments: what can stand behind an operation's name.


class Argument(NamedTuple):
    """How an argument is drawn: `make` returns its words; `width` is how many numbers it draws, or, where
    that depends on numbers, a function that passes over them."""

    make: Callable[["Generator"], list]
    width: int | Callable[["Generator"], None]


def constant(word) -> Argument:
    return Argument(lambda g: [word], 0)


def number(limit: int, first: int = 0) -> Argument:
    """first <= number < first + limit"""
    return Argument(lambda g: [first + g.random.below(limit)], 1)


def one_of(*words) -> Argument:
    return Argument(lambda g: [g.random.pick(words)], 1)


def _reference(g: "Generator") -> list:
    """A task's slot, a future or a gather.  Always two numbers, whichever it becomes."""
    kind = g.random.below(8)
    if kind == 0:
        return [g.random.below(TASK_SLOTS)]
    if kind <= 2 and "fut" in g.themes:
        return [FIRST_FUTURE + g.random.below(FUTURES)]
    if kind == 3 and "gather" in g.themes:
        return [FIRST_GATHER + g.random.below(GATHERS)]
    return [g.random.below(g.main_tasks)]


def _references(g: "Generator") -> list:
    return [_reference(g)[0] for _ in range(1 + g.random.below(3))]


def _pass_references(g: "Generator") -> None:
    count = 1 + g.random.below(3)
    g.random.position += 2 * count


def _child(g: "Generator") -> list:
    """A coroutine with a higher number than the one being made, so that no program starts tasks without
    end."""
    return [g.coroutine + 1 + g.random.below(g.coroutines - g.coroutine - 1)]


def _children(g: "Generator") -> list:
    return [_child(g)[0] for _ in range(1 + g.random.below(3))]


def _pass_children(g: "Generator") -> None:
    count = 1 + g.random.below(3)
    g.random.position += count


def _callback_body(g: "Generator") -> list:
    return [[g.callback_action() for _ in range(1 + g.random.below(2))]]


def _pass_callback_body(g: "Generator") -> None:
    for _ in range(1 + g.random.below(2)):
        g.pass_callback_action()


ANY_REFERENCE = Argument(_reference, 2)
REFERENCES = Argument(_references, _pass_references)
MAIN_TASK = Argument(lambda g: [g.random.below(g.main_tasks)], 1)
FUTURE = Argument(lambda g: [FIRST_FUTURE + g.random.below(FUTURES)], 1)
GATHER = Argument(lambda g: [FIRST_GATHER + g.random.below(GATHERS)], 1)
CHILD = Argument(_child, 1)
CHILDREN = Argument(_children, _pass_children)
CALLBACKS = Argument(_callback_body, _pass_callback_body)
DELAY = one_of(0, 0, 1, 1, 2, 2, 3, 4, 6)
TIMEOUT = one_of(0, 1, 1, 2, 2, 3, 4, 5, NO_TIMEOUT, -1)
PROPAGATE = one_of(0, 1, 1)  # does an error leave the statement?
FLAG = number(2)
VALUE = number(9)
FIRST_SLOTS = number(4)
TASK_SLOT = number(TASK_SLOTS)
CALLBACK = HANDLE = number(4)


# ------------------------------------------------------------------------------------------------------------
# Tables: the alternatives at one place of a program.


class Alternative:
    """An operation with its arguments; words and integers stand for themselves."""

    def __init__(self, name: str, *arguments):
        self.name = name
        self.arguments = [a if isinstance(a, Argument) else constant(a) for a in arguments]
        widths = [argument.width for argument in self.arguments]
        self.width = sum(widths) if all(isinstance(width, int) for width in widths) else None

    def make(self, g: "Generator") -> list:
        statement = [self.name]
        for argument in self.arguments:
            statement += argument.make(g)
        return statement

    def pass_over(self, g: "Generator") -> None:
        if self.width is not None:
            g.random.position += self.width
            return
        for argument in self.arguments:
            if isinstance(argument.width, int):
                g.random.position += argument.width
            else:
                argument.width(g)


class Row(NamedTuple):
    """Alternatives that are in a table together."""

    needs: frozenset[str]  # the row is there only for programs and places that have all of these
    times: int  # how often the sequence of alternatives stands there, drawn once
    odds: int  # drawn first: the row is there in one of so many cases; 1: always, nothing is drawn
    alternatives: tuple[Alternative, ...]


def row(*alternatives: Alternative, needs: str = "", times: int = 1, odds: int = 1) -> Row:
    return Row(frozenset(needs.split()), times, odds, alternatives)


A = Alternative

# What does not suspend a coroutine; most of it, callbacks can do, too.  Beside themes, rows need: "coroutine",
# a place in a coroutine; "child", one from which there is a coroutine to start; "shallow", callbacks that are
# not nested deeply; and "shutdown", the feature q.
ACTIONS = (
    row(
        A("cancel", ANY_REFERENCE),
        A("cancel", MAIN_TASK),
        A("cancel", MAIN_TASK, VALUE),
        A("state", ANY_REFERENCE),
        A("result", ANY_REFERENCE),
        A("exception", ANY_REFERENCE),
        A("adddone", ANY_REFERENCE, CALLBACK),
    ),
    row(
        A("spawn", TASK_SLOT, CHILD),
        A("spawn", FIRST_SLOTS, CHILD),
        A("spawn", FIRST_SLOTS, CHILD),
        needs="child",
    ),
    row(
        A("uncancel"), A("cancelling", FIRST_SLOTS), A("busy", number(7, first=1)), needs="coroutine", odds=3
    ),
    row(
        A("setres", number(FUTURES), VALUE),
        A("setexc", number(FUTURES), VALUE),
        A("newfut", number(FUTURES)),
        A("cancel", FUTURE),
        A("rmdone", ANY_REFERENCE, CALLBACK),
        needs="fut",
    ),
    row(A("rel", number(2)), A("locked", number(2)), needs="lock"),
    row(A("eset", number(2)), A("eset", number(2)), A("eclr", number(2)), needs="event"),
    row(A("setvar", number(4)), A("cnotify", 0, number(3)), A("cnall", 0), A("crel", 0), needs="cond"),
    row(A("srel", number(2)), A("srel", number(2)), A("slocked", number(2)), needs="sem"),
    row(
        A("putn", number(3), VALUE),
        A("getn", number(3)),
        A("tdone", number(3)),
        A("qsize", number(3)),
        needs="queue",
    ),
    row(A("qshut", number(3), FLAG), needs="queue shutdown", odds=4),
    row(A("gather", number(GATHERS), FLAG, REFERENCES), A("cancel", GATHER), needs="gather"),
    row(A("resched", number(2), number(5, first=-1)), A("expired", number(2)), needs="timeout"),
    row(A("tgspawn", number(2), FIRST_SLOTS, CHILD), needs="tg child", times=3),
    row(
        A("soon", HANDLE, CALLBACKS),
        A("later", HANDLE, DELAY, CALLBACKS),
        A("at", HANDLE, VALUE, CALLBACKS),
        A("soonts", HANDLE, CALLBACKS),
        A("hcancel", HANDLE),
        needs="cb shallow",
    ),
)

# What suspends a coroutine.
AWAITS = (
    row(
        A("await", PROPAGATE, ANY_REFERENCE),
        A("await", PROPAGATE, FIRST_SLOTS),
        A("shield", PROPAGATE, ANY_REFERENCE),
        A("waitfor", PROPAGATE, ANY_REFERENCE, TIMEOUT),
        A("sleep", 1, DELAY),
    ),
    row(A("waitfor", PROPAGATE, ANY_REFERENCE, TIMEOUT), needs="timeout", times=2),
    row(A("waitforc", PROPAGATE, CHILD, TIMEOUT), needs="child"),
    row(A("await", PROPAGATE, FUTURE), needs="fut", times=2),
    row(A("acq", 1, number(2)), needs="lock", times=3),
    row(A("ewait", 1, number(2)), needs="event", times=3),
    row(A("cwait", PROPAGATE, 0), A("cwaitp", PROPAGATE, 0, number(4)), needs="cond", times=2),
    row(A("sacq", 1, number(2)), needs="sem", times=3),
    row(A("bwait", PROPAGATE, 0), needs="barrier", times=4),
    row(A("breset", 1, 0), needs="barrier", odds=4),
    row(A("babort", 1, 0), needs="barrier"),
    row(
        A("put", PROPAGATE, number(3), VALUE),
        A("get", PROPAGATE, number(3)),
        A("get", PROPAGATE, number(3)),
        A("put", PROPAGATE, number(3), VALUE),
        A("join", 1, number(3)),
        needs="queue",
    ),
    row(A("gatherw", PROPAGATE, FLAG, REFERENCES), A("await", PROPAGATE, GATHER), needs="gather", times=2),
    row(A("gatherc", PROPAGATE, FLAG, CHILDREN), needs="gather child"),
    row(
        A("wait", PROPAGATE, number(3), TIMEOUT, REFERENCES),
        A("ascomp", PROPAGATE, TIMEOUT, REFERENCES),
        needs="wait",
        times=3,
    ),
    row(A("exec", PROPAGATE, DELAY, number(9, first=-2)), needs="exec", times=3),
)

# Inside of a `with cond`, to have the lock put to use.
WITH_CONDITION = (
    row(
        A("cwait", PROPAGATE, 0),
        A("cwait", PROPAGATE, 0),
        A("cwaitp", PROPAGATE, 0, number(4)),
        A("cnotify", 0, number(3)),
        A("cnall", 0),
        A("setvar", number(4)),
    ),
)

RAISE = A("raise", VALUE)
RETURN = A("return", number(9, first=50))
SLEEP = A("sleep", 1, DELAY)
GROUP_SPAWN = A("tgspawn", number(2), FIRST_SLOTS, CHILD)


class Stretch:
    """Alternatives that stand in a menu one after the other, with no condition in between."""

    def __init__(self, odds: int, alternatives: Iterable[Alternative], times: int):
        self.odds = odds
        self.alternatives = list(alternatives)
        self.order = list(range(len(self.alternatives))) * times
        widths = [alternative.width for alternative in self.alternatives]
        self.width = None if None in widths else sum(widths)

    def join(self, other: "Stretch") -> bool:
        """Takes in the stretch that follows, where that changes nothing but the time it takes to pass over
        it."""
        if self.odds != 1 or other.odds != 1 or self.width is None or other.width is None:
            return False
        self.order += [len(self.alternatives) + index for index in other.order]
        self.alternatives += other.alternatives
        self.width += other.width
        return True

    def pass_over(self, g: "Generator") -> None:
        if self.width is not None:
            g.random.position += self.width
            return
        for alternative in self.alternatives:
            alternative.pass_over(g)

    def make(self, g: "Generator", index: int) -> list:
        """Makes one alternative; the generator's position is at the beginning of the stretch."""
        chosen = self.order[index]
        for alternative in self.alternatives[:chosen]:
            alternative.pass_over(g)
        return self.alternatives[chosen].make(g)


class Menu:
    """The rows of a table that apply at a place."""

    def __init__(self, table: Iterable[Row], have: frozenset[str]):
        self.stretches: list[Stretch] = []
        for needs, times, odds, alternatives in table:
            if not needs <= have:
                continue
            stretch = Stretch(odds, alternatives, times)
            if not self.stretches or not self.stretches[-1].join(stretch):
                self.stretches.append(stretch)

    def pass_over(self, g: "Generator") -> None:
        """Passes over all alternatives, not over the choice."""
        for stretch in self.stretches:
            if stretch.odds == 1 or g.random.below(stretch.odds) == 0:
                stretch.pass_over(g)

    def read(self, g: "Generator") -> list[tuple[Stretch, int]]:
        """Passes over all alternatives; what there is, and where it begins."""
        found = []
        for stretch in self.stretches:
            if stretch.odds == 1 or g.random.below(stretch.odds) == 0:
                found.append((stretch, g.random.position))
                stretch.pass_over(g)
        return found

    def choose(self, g: "Generator", found: list[tuple[Stretch, int]]) -> list:
        """Draws one of the alternatives that `read` found, and makes it."""
        index = g.random.below(sum(len(stretch.order) for stretch, _ in found))
        after = g.random.position
        for stretch, beginning in found:
            if index < len(stretch.order):
                break
            index -= len(stretch.order)
        g.random.position = beginning
        statement = stretch.make(g, index)
        g.random.position = after
        return statement


# ------------------------------------------------------------------------------------------------------------
# Programs.


class Generator:
    """Makes one program."""

    MAX_NESTING = 3
    MAX_CALLBACK_NESTING = 2

    def __init__(self, seed: int, features: str):
        self.random = Random(seed)
        self.features = features
        self.core = "c" in features
        self.themes: frozenset[str] = frozenset()
        self.coroutines = 0  # how many the program has
        self.main_tasks = 0  # how many tasks main starts at once
        self.coroutine = 0  # the one being made
        self.callback_depth = 0
        self._menus: dict[tuple, Menu] = {}

    def program(self) -> list:
        below = self.random.below
        count = 1 + below(4)
        themes = CORE_THEMES if self.core else THEMES
        self.themes = frozenset([self.random.pick(themes) for _ in range(count)] + ["task"])
        self.coroutines = 3 + below(4)
        objects = self._objects()
        program = ["prog"] if self.core else ["prog", *objects]
        if below(12) == 0:
            program.append(["debug", 1])
        if "e" in self.features and below(3) == 0:
            program.append(["eager", 1])
        self.main_tasks = 2 + below(3)
        for self.coroutine in range(self.coroutines):
            program.append(["co", self.coroutine, *self._coroutine()])
        for _ in range(below(3)):
            action = self._external_action()
            program.append(["ext", below(10), action])
        return program

    def _objects(self) -> list:
        below = self.random.below
        return [
            ["lock"],
            ["lock"],
            ["event"],
            ["event"],
            ["cond"],
            ["sem", below(3)],
            ["bsem", 1 + below(2)],
            ["barrier", 2 + below(2)],
            ["queue", below(3)],
            ["pqueue", below(3)],
            ["lqueue", below(3)],
        ]

    def _coroutine(self) -> list:
        body = [self._statement(0) for _ in range(2 + self.random.below(5))]
        if self.coroutine > 0:
            return body
        spawns = [["spawn", slot, *_child(self)] for slot in range(self.main_tasks)]
        return spawns + body + [["sleep", 1, self.random.below(12)]]

    def _external_action(self) -> list:
        """What another thread does.  The core has a loop to call, but neither futures nor coroutines of
        threads."""
        run = ["rcts", self.random.below(2), 1 + self.random.below(self.coroutines - 1)]
        cancel = ["cfcancel", self.random.below(2)]
        actions = [self.callback_action(nested=False), self.callback_action(nested=False)]
        return self.random.pick(actions if self.core else [run, cancel, *actions])

    # -- places

    @property
    def _has_child(self) -> bool:
        return self.coroutine < self.coroutines - 1

    def _menu(self, table: tuple[Row, ...], *places: str) -> Menu:
        """The menu of a table at a place, compiled when it is first needed."""
        key = (id(table), self._has_child, places)
        menu = self._menus.get(key)
        if menu is None:
            have = self.themes.union(places)
            if "coroutine" in places and self._has_child:
                have |= {"child"}
            if "q" in self.features:
                have |= {"shutdown"}
            menu = self._menus[key] = Menu(table, have)
        return menu

    # -- statements

    def _action(self) -> list:
        """A statement of a coroutine that does not suspend it."""
        menu = self._menu(ACTIONS, "coroutine", "shallow")
        found = menu.read(self)
        if self.random.below(30) == 0:
            return RAISE.make(self)
        if self.random.below(40) == 0:
            return RETURN.make(self)
        return menu.choose(self, found)

    def callback_action(self, nested: bool = True) -> list:
        """What a callback does, or, not nested, another thread."""
        self.callback_depth += nested
        menu = self._callback_menu()
        found = menu.read(self)
        action = RAISE.make(self) if self.random.below(30) == 0 else menu.choose(self, found)
        self.callback_depth -= nested
        return action

    def pass_callback_action(self) -> None:
        self.callback_depth += 1
        self._callback_menu().pass_over(self)
        self.random.position += 2  # whether to raise, and then: what to raise, or the choice
        self.callback_depth -= 1

    def _callback_menu(self) -> Menu:
        shallow = self.callback_depth < self.MAX_CALLBACK_NESTING
        return self._menu(ACTIONS, "shallow") if shallow else self._menu(ACTIONS)

    def _statement(self, nesting: int, context: str = "") -> list:
        kind = self.random.below(100)
        if context == "cond" and kind < 60:
            menu = self._menu(WITH_CONDITION)
            return menu.choose(self, menu.read(self))
        if context == "tg" and kind < 25 and self._has_child:
            return GROUP_SPAWN.make(self)
        if kind < 30:
            return self._action()
        if kind < 45:
            return SLEEP.make(self)
        if kind < 72 and nesting < self.MAX_NESTING:
            return self._block(nesting)
        menu = self._menu(AWAITS, "coroutine")
        return menu.choose(self, menu.read(self))

    def _block(self, nesting: int) -> list:
        """A statement that has statements inside."""
        below = self.random.below

        def body(limit: int = 3, context: str = "") -> list:
            return [self._statement(nesting + 1, context) for _ in range(1 + below(limit))]

        kinds = ["try"] * 3 + ["rep"]
        kinds += [
            kind
            for kind, times in (("timeout", 5), ("tg", 5), ("lock", 3), ("sem", 3), ("cond", 3))
            if kind in self.themes
            for _ in range(times)
        ]
        kind = self.random.pick(kinds)
        if kind == "try":
            caught = self.random.pick(("cancel", "cancel", "err", "timeout", "all", "none"))
            return ["try", caught, body(), body(2), body(2) if below(4) == 0 else []]
        if kind == "rep":
            return ["rep", 1 + below(3), body()]
        if kind == "timeout":
            return ["timeout", below(2), *TIMEOUT.make(self), body()]
        if kind == "tg":
            return self._group(below(2), body(3, "tg"))
        return ["with", kind, 0 if kind == "cond" else below(2), body(3, kind)]

    def _group(self, group: int, body: list) -> list:
        spawns = []
        if self._has_child:
            for _ in range(1 + self.random.below(3)):
                spawns.append(["tgspawn", group, self.random.below(4), *_child(self)])
        return ["tg", group, spawns + body]


def generate(seed: int, features: str = "") -> list:
    """The program of a seed."""
    return Generator(seed, features).program()
