#!/usr/bin/env python3
"""Compares coil with CPython on random programs, and shrinks the first difference.

    compare.py --coil CONFORMANCE_RUN [--from SEED] [--to SEED | --count N] [--feat c,ce] [--oracle auto]
    compare.py --coil CONFORMANCE_RUN FILE...

Without --from, the seeds begin at a random number.  The exit status is 0 if no program differs, 1 if one
does, and 2 if nothing could be compared.
"""

import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

import argparse
import itertools
import multiprocessing
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from deviations import explain
from generate import generate
from interpreters import Answer, Interpreter, NoOracle, Oracle, find_oracle
from program import dump, parse
from shrink import shrink

ORACLE_TIMEOUT_S = 120  # it has to start, too
SEEDS_PER_JOB = 100
SHRINK_HANG_TIMEOUT_S = 3


class OracleFailed(Exception):
    """CPython gave no trace: nothing can be said about coil."""


class Verdict(NamedTuple):
    """What the comparison of one program came to."""

    kind: str  # "same", "explained", "unsupported", "differs", or as Answer.kind where coil gave no trace
    coil: str
    oracle: str

    @property
    def bad(self) -> bool:
        return self.kind not in ("same", "explained", "unsupported")


class Comparer:
    """A process of each side."""

    def __init__(self, coil_command: list[str], oracle_command: list[str], timeout_s: float):
        self.coil = Interpreter([*coil_command, "--batch", "--fifo"], timeout_s)
        self.oracle = Interpreter([*oracle_command, "--fifo"], ORACLE_TIMEOUT_S)

    def compare(self, program: list, need_oracle: bool = False) -> Verdict:
        """Asks the oracle only for programs that coil could run, unless told otherwise."""
        text = dump(program)
        coil = self.coil.run(text)
        if coil.kind != "trace" and not need_oracle:
            return Verdict(coil.kind, coil.text, "")
        oracle = self.oracle.run(text)
        if oracle.kind != "trace":
            raise OracleFailed(f"{oracle.kind}: {oracle.text}\n{text}")
        return Verdict(self._kind(program, coil, oracle), coil.text, oracle.text)

    @staticmethod
    def _kind(program: list, coil: Answer, oracle: Answer) -> str:
        if coil.kind != "trace":
            return coil.kind
        if coil.text == oracle.text:
            return "same"
        return "explained" if explain(program, coil.text, oracle.text) else "differs"

    def shrink(self, program: list, kind: str) -> list:
        """The smallest program found whose verdict is of the same kind."""
        usual_timeout_s = self.coil.timeout_s
        if kind == "hang":
            self.coil.timeout_s = min(usual_timeout_s, SHRINK_HANG_TIMEOUT_S)
        try:
            return shrink(program, lambda candidate: self._verdict_kind(candidate) == kind)
        finally:
            self.coil.timeout_s = usual_timeout_s

    def _verdict_kind(self, program: list) -> str:
        try:
            return self.compare(program).kind
        except OracleFailed:
            return "oracle failed"  # the shrinker has made a program that nobody can run

    def stop(self) -> None:
        self.coil.stop()
        self.oracle.stop()


# ------------------------------------------------------------------------------------------------------------
# Worker processes.


class Job(NamedTuple):
    """Seeds to compare."""

    features: str
    first: int
    beyond: int


class Result(NamedTuple):
    """What came of a job."""

    kinds: Counter
    unsupported: Counter  # by operation
    bad: list[tuple[int, str, str]]  # seed, features, kind


_comparer: Comparer | None = None


def _start_worker(*arguments) -> None:
    global _comparer
    _comparer = Comparer(*arguments)


def _work(job: Job) -> Result:
    result = Result(Counter(), Counter(), [])
    for seed in range(job.first, job.beyond):
        verdict = _comparer.compare(generate(seed, job.features))
        result.kinds[verdict.kind] += 1
        if verdict.kind == "unsupported":
            result.unsupported[verdict.coil.removeprefix("unsupported").strip()] += 1
        if verdict.bad:
            result.bad.append((seed, job.features, verdict.kind))
    return result


# ------------------------------------------------------------------------------------------------------------
# The command line.


def _parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="compare.py", description="Compare coil with CPython's asyncio.")
    parser.add_argument("--coil", required=True, type=Path, metavar="PATH", help="coil's conformance_run")
    parser.add_argument(
        "--from", dest="first", type=int, metavar="SEED", help="the first seed (default: a random one)"
    )
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--to", dest="beyond", type=int, metavar="SEED", help="the seed to stop before")
    end.add_argument("--count", type=int, default=1000, metavar="N", help="how many seeds (default: 1000)")
    parser.add_argument(
        "--feat",
        default="ce",
        metavar="F,F...",
        help="features, see generate.py; with several, seeds take turns (default: ce)",
    )
    parser.add_argument(
        "--oracle", default="auto", help="auto, pyodide, or the command of a Python (default: auto)"
    )
    parser.add_argument(
        "--work-dir",
        type=Path,
        metavar="DIR",
        help="where to install pyodide, if that is needed (default: beside conformance_run)",
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many at a time"
    )
    parser.add_argument(
        "--timeout", type=float, default=20, metavar="S", help="a program that takes coil longer hangs"
    )
    parser.add_argument(
        "--stop-after", type=int, default=100, metavar="N", help="give up after so many differences"
    )
    parser.add_argument("--no-shrink", action="store_true", help="show the first difference as it is")
    parser.add_argument(
        "programs", nargs="*", type=Path, metavar="FILE", help="compare these programs instead"
    )
    return parser.parse_args(argv)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _jobs(arguments: argparse.Namespace) -> list[Job]:
    features = arguments.feat.split(",")
    first = arguments.first if arguments.first is not None else random.randrange(1 << 40)
    beyond = arguments.beyond if arguments.beyond is not None else first + arguments.count
    starts = range(first, beyond, SEEDS_PER_JOB)
    turns = itertools.cycle(features)
    return [Job(turn, start, min(start + SEEDS_PER_JOB, beyond)) for start, turn in zip(starts, turns)]


class Progress:
    """Now and then says how far it has come."""

    EVERY_S = 10

    def __init__(self) -> None:
        self._started = self._said = time.monotonic()

    def note(self, total: Result) -> None:
        now = time.monotonic()
        if now - self._said >= self.EVERY_S:
            self._said = now
            done = total.kinds.total()
            _say(f"{done} programs, {len(total.bad)} differing, {done / (now - self._started):.0f}/s")


def _compare_seeds(jobs: list[Job], worker: tuple, processes: int, stop_after: int) -> Result:
    total = Result(Counter(), Counter(), [])
    progress = Progress()
    with multiprocessing.Pool(processes, _start_worker, worker) as pool:
        for result in pool.imap_unordered(_work, jobs):
            total.kinds.update(result.kinds)
            total.unsupported.update(result.unsupported)
            total.bad.extend(result.bad)
            progress.note(total)
            if len(total.bad) >= stop_after:
                _say(f"stopping after {len(total.bad)} differences")
                break
    total.bad.sort()
    return total


def _report(total: Result) -> None:
    for seed, features, kind in total.bad:
        print(f"seed {seed} feat {features or '-'}: {kind}")
    unsupported, explained = total.kinds["unsupported"], total.kinds["explained"]
    compared = total.kinds.total() - unsupported
    notes = f" ({explained} explained)" if explained else ""
    print(f"{compared} programs compared{notes}, {unsupported} unsupported, {len(total.bad)} differing")
    for operation, count in total.unsupported.most_common():
        print(f"  unsupported {operation}: {count}")


def _show(comparer: Comparer, program: list, title: str) -> None:
    verdict = comparer.compare(program, need_oracle=True)
    print(f"--- {title}: {verdict.kind}", dump(program).rstrip(), sep="\n")
    print("--- coil", verdict.coil.rstrip(), "--- CPython", verdict.oracle.rstrip(), sep="\n")


def _show_first(comparer: Comparer, total: Result, no_shrink: bool) -> None:
    seed, features, kind = total.bad[0]
    program = generate(seed, features)
    if not no_shrink:
        _say(f"shrinking seed {seed}")
        program = comparer.shrink(program, kind)
    _show(comparer, program, f"seed {seed} feat {features or '-'}{'' if no_shrink else ', shrunk'}")


def _compare_files(comparer: Comparer, files: list[Path]) -> int:
    kinds = Counter()
    for file in files:
        program = parse(file.read_text(encoding="utf-8"))
        verdict = comparer.compare(program)
        kinds[verdict.bad] += 1
        if verdict.bad:
            _show(comparer, program, str(file))
        else:
            print(f"{file}: {verdict.kind}")
    return 1 if kinds[True] else 0


def _run(arguments: argparse.Namespace, oracle: Oracle) -> int:
    worker = ([str(arguments.coil.resolve())], oracle.command, arguments.timeout)
    comparer = Comparer(*worker)
    try:
        if arguments.programs:
            return _compare_files(comparer, arguments.programs)
        jobs = _jobs(arguments)
        if jobs:
            seeds = f"seeds {jobs[0].first} to {jobs[-1].beyond}"
            _say(f"{seeds}, features {arguments.feat or '-'}, against {oracle.name}")
        total = _compare_seeds(jobs, worker, arguments.jobs, arguments.stop_after)
        _report(total)
        if total.bad:
            _show_first(comparer, total, arguments.no_shrink)
            return 1
        return 0 if total.kinds.total() > total.kinds["unsupported"] else 2
    finally:
        comparer.stop()


def main(argv: list[str]) -> int:
    arguments = _parse_arguments(argv)
    work_dir = arguments.work_dir or arguments.coil.resolve().parent
    if not os.access(arguments.coil, os.X_OK):
        _say(f"{arguments.coil} cannot be run")
        return 2
    try:
        return _run(arguments, find_oracle(arguments.oracle, work_dir.resolve(), _say))
    except (NoOracle, OracleFailed) as error:
        _say(f"no comparison: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
