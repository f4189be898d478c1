"""Where coil's traces differ from CPython's on purpose.

Each difference is an entry of the table, with the reason.  It applies to the programs that its predicate
picks, and its normaliser rewrites a trace so that what differs on purpose is the same on both sides, and
nothing else.  A program whose traces are equal after that counts as equal, and is counted apart as explained.

That timers with equal deadlines fire in the order of their creation is no entry: the oracle's option `fifo`
makes CPython do the same, and all comparisons use it.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    """One deliberate difference."""

    name: str
    reason: str
    applies: Callable[[list], bool]  # of a program
    normalise: Callable[[list[str]], list[str]]  # of the lines of a trace


DEVIATIONS: tuple[Deviation, ...] = ()


def explain(program: list, one: str, other: str, table: tuple[Deviation, ...] = DEVIATIONS) -> list[str]:
    """The names of the deviations that make these different traces equal; none, if they stay different."""
    applying = [deviation for deviation in table if deviation.applies(program)]
    lines = [one.splitlines(), other.splitlines()]
    for deviation in applying:
        lines = [deviation.normalise(side) for side in lines]
    return [deviation.name for deviation in applying] if lines[0] == lines[1] else []
