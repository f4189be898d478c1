#!/usr/bin/env python3
"""The oracle: random programs, and their traces on the asyncio of the Python that runs this.

    oracle.py gen SEED [FEATURES]              the program of a seed
    oracle.py run FILE [OPTIONS]               the trace of a program; FILE may be -
    oracle.py seed SEED [FEATURES] [OPTIONS]   the trace of the program of a seed
    oracle.py batch [OPTIONS]                  many programs, by the protocol of batch.py

FEATURES is a word of letters, see generate.py.
"""

import argparse
import sys

import batch
from generate import generate
from machine import Options
from program import dump


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="oracle.py", description="Random asyncio programs and their traces."
    )
    running = argparse.ArgumentParser(add_help=False)
    running.add_argument(
        "--fifo", action="store_true", help="equal timers fire in the order of their creation"
    )
    running.add_argument(
        "--rank", action="store_true", help="count only the iterations that show in the trace"
    )
    running.add_argument("--noiter", action="store_true", help="leave the iterations out of the trace")
    seed = argparse.ArgumentParser(add_help=False)
    seed.add_argument("seed", type=int)
    seed.add_argument("features", nargs="?", default="")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("gen", parents=[seed], help="print the program of a seed")
    commands.add_parser("run", parents=[running], help="run a program").add_argument("file")
    commands.add_parser("seed", parents=[seed, running], help="run the program of a seed")
    commands.add_parser("batch", parents=[running], help="run the programs on standard input")
    return parser.parse_args(argv)


def prepare(arguments: argparse.Namespace) -> Options:
    """Makes this process ready to run programs with these options."""
    batch.prepare(arguments.fifo)
    return Options(iterations=not arguments.noiter, rank=arguments.rank)


def main(argv: list[str]) -> int:
    arguments = parse_arguments(argv)
    if arguments.command == "gen":
        sys.stdout.write(dump(generate(arguments.seed, arguments.features)))
        return 0
    options = prepare(arguments)
    if arguments.command == "batch":
        batch.serve(options)
        return 0
    if arguments.command == "seed":
        text = dump(generate(arguments.seed, arguments.features))
    elif arguments.file == "-":
        text = sys.stdin.read()
    else:
        with open(arguments.file, encoding="utf-8") as file:
            text = file.read()
    answer, code = batch.run_text(text, options)
    (sys.stdout if code == 0 else sys.stderr).write(answer)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
