#!/usr/bin/env python3
"""Records a corpus: programs with CPython's traces, for tests on machines that have no CPython.

    record.py OUTPUT.gz --feat c,ce --count 2000 [--from SEED] [--work-dir DIR] [--oracle auto]

Of several times as many candidates it takes those that show what few others show, an operation with an
outcome, a report, a final state, and fills up with the first of the rest.  The same arguments and the same
CPython give the same file.  ../README.md describes its format.
"""

import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

import argparse
import gzip
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from generate import generate
from interpreters import Interpreter, NoOracle, find_oracle
from program import dump

ORACLE_TIMEOUT_S = 120
CANDIDATES = 6  # for each program that is taken
ENOUGH = 40  # programs that show the same thing

_LINE = re.compile(r"I\d+ t\d+ (\S+) (.*)")
_DIGITS = re.compile(r"\d+")
_MEMBERS = re.compile(r"\[.*")  # of lists and of groups of errors: no two are the same


class Recording(NamedTuple):
    """A program and its trace."""

    seed: int
    features: str
    program: str
    trace: str

    @property
    def size(self) -> int:
        return len(self.program) + len(self.trace)


def shown(trace: str) -> set[str]:
    """What a trace shows, regardless of numbers: `operation = outcome`, and the lines that are no
    operations."""
    found = set()
    for line in trace.splitlines():
        what = _LINE.fullmatch(line)[2]
        before, equals, outcome = what.partition(" = ")
        if equals:
            what = f"{before.split()[0]} = {outcome}"
        found.add(_DIGITS.sub("#", _MEMBERS.sub("[...]", what)))
    return found


def executed(trace: str) -> Counter:
    """How often each operation was run."""
    names = Counter()
    for line in trace.splitlines():
        before, equals, _ = _LINE.fullmatch(line)[2].partition(" = ")
        word = before.split()[0]
        if equals and word != "end":
            names[word] += 1
        elif word in (
            "raise",
            "return",
            "caught",
            "finally",
            "timeout-exit",
            "tg-exit",
            "EXC-HANDLER",
            "SLOW",
        ):
            names[word] += 1
    return names


def candidates(
    oracle: Interpreter, features: list[str], first: int, count: int, largest: int
) -> Iterator[Recording]:
    """Programs with their traces; those too large are left out."""
    for seed, turn in zip(range(first, first + count), itertools.cycle(features)):
        program = dump(generate(seed, turn))
        answer = oracle.run(program)
        if answer.kind != "trace":
            raise SystemExit(f"seed {seed}: {answer.kind}: {answer.text}")
        recording = Recording(seed, turn, program, answer.text)
        if recording.size <= largest:
            yield recording


def choose(found: Iterable[Recording], count: int) -> list[Recording]:
    chosen, rest = [], []
    times = Counter()
    for recording in found:
        news = shown(recording.trace)
        if len(chosen) < count and any(times[what] < ENOUGH for what in news):
            chosen.append(recording)
            times.update(news)
        else:
            rest.append(recording)
    chosen += rest[: count - len(chosen)]
    return sorted(chosen)


def write(recordings: list[Recording], path: Path) -> None:
    with open(path, "wb") as file, gzip.GzipFile(
        filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0
    ) as packed:
        for seed, features, program, trace in recordings:
            packed.write(
                f"program {seed} {features or '-'} {len(program)} {len(trace)}\n{program}{trace}".encode()
            )


def _report(recordings: list[Recording], path: Path) -> None:
    runs, programs, facts = Counter(), Counter(), Counter()
    for recording in recordings:
        names = executed(recording.trace)
        runs.update(names)
        programs.update(names.keys())
        facts.update(shown(recording.trace))
    size = sum(recording.size for recording in recordings)
    packed = path.stat().st_size
    print(f"{path}: {len(recordings)} programs, {size} bytes, {packed} packed, {len(facts)} things shown")
    for name, count in sorted(runs.items()):
        print(f"  {name:14} run {count:6} times in {programs[name]:5} programs")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="record.py", description="Record programs with CPython's traces.")
    parser.add_argument("output", type=Path, metavar="OUTPUT.gz")
    parser.add_argument(
        "--feat", default="c,ce", metavar="F,F...", help="features; seeds take turns (default: c,ce)"
    )
    parser.add_argument(
        "--count", type=int, default=2000, metavar="N", help="how many programs (default: 2000)"
    )
    parser.add_argument(
        "--from", dest="first", type=int, default=0, metavar="SEED", help="the first seed (default: 0)"
    )
    parser.add_argument(
        "--largest",
        type=int,
        default=6000,
        metavar="BYTES",
        help="leave out programs that are larger, together with their traces (default: 6000)",
    )
    parser.add_argument(
        "--oracle", default="auto", help="auto, pyodide, or the command of a Python (default: auto)"
    )
    parser.add_argument(
        "--work-dir",
        type=Path,
        default=Path("build"),
        metavar="DIR",
        help="where to install pyodide, if that is needed (default: build)",
    )
    arguments = parser.parse_args(argv)
    try:
        found = find_oracle(
            arguments.oracle, arguments.work_dir.resolve(), lambda text: print(text, file=sys.stderr)
        )
    except NoOracle as error:
        print(error, file=sys.stderr)
        return 2
    print(f"recording {found.name}", file=sys.stderr)
    oracle = Interpreter([*found.command, "--fifo"], ORACLE_TIMEOUT_S)
    stream = candidates(
        oracle, arguments.feat.split(","), arguments.first, CANDIDATES * arguments.count, arguments.largest
    )
    recordings = choose(stream, arguments.count)
    oracle.stop()
    write(recordings, arguments.output)
    _report(recordings, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
