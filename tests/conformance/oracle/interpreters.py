"""Interpreters as child processes: coil's, or CPython's, behind the batch protocol.

A child serves one program at a time, so that it is always known which program it crashed or hung on; after
that it is started anew for the next one.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from batch import EXIT_OK, EXIT_UNSUPPORTED

HERE = Path(__file__).resolve().parent
PYODIDE = "314.0.7"  # CPython 3.14.2
EXACT, LEAST = (3, 14), (3, 13)  # the CPython that coil follows; the oldest that has all of the language


class Answer(NamedTuple):
    """What became of a program."""

    kind: str  # "trace", "unsupported", "exit N", "crash SIGNAL", "end", "hang" or "nonsense"
    text: str  # the trace; of the others, what there is to say about it


class Interpreter:
    """A child process, started when it is needed."""

    def __init__(self, command: list[str], timeout_s: float):
        self.command = command
        self.timeout_s = timeout_s
        self._child: subprocess.Popen | None = None
        self._output = bytearray()
        self._errors: BinaryIO | None = None

    def run(self, text: str) -> Answer:
        self.send(text)
        return self.receive()

    def send(self, text: str) -> None:
        """Asks for one program's run; `receive` returns its answer."""
        if self._child is None:
            self._start()
        self._errors.seek(0)
        self._errors.truncate()
        data = text.encode()
        try:
            self._child.stdin.write(b"program %d\n%b" % (len(data), data))
        except BrokenPipeError:
            pass  # receive() will see why

    def receive(self) -> Answer:
        deadline = time.monotonic() + self.timeout_s
        try:
            return self._read_answer(deadline)
        except TimeoutError:
            return Answer("hang", f"no answer within {self.timeout_s:g} s\n{self._last_words()}")
        except ValueError as error:
            return Answer("nonsense", f"{error}\n{self._last_words()}")
        except EOFError:
            status = self._child.wait()
            kind = f"crash {signal.Signals(-status).name}" if status < 0 else "end"
            return Answer(kind, f"ended with status {status}\n{self._last_words()}")

    def stop(self) -> None:
        if self._child is None:
            return
        self._child.kill()
        self._child.wait()
        self._child.stdin.close()
        self._child.stdout.close()
        self._errors.close()
        self._child = None

    def _start(self) -> None:
        self._output.clear()
        self._errors = tempfile.TemporaryFile()
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        self._child = subprocess.Popen(
            self.command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
        )

    def _read_answer(self, deadline: float) -> Answer:
        while (end := self._output.find(b"\n")) < 0:
            self._read_more(deadline)
        line = self._output[:end].decode(errors="replace")
        word, length, code = (line.split() + ["", "", ""])[:3]
        if word != "trace" or not length.isdigit() or not code.isdigit():
            raise ValueError(f"not an answer: {line[:200]!r}")
        beyond = end + 1 + int(length)
        while len(self._output) < beyond:
            self._read_more(deadline)
        text = self._output[end + 1 : beyond].decode(errors="replace")
        del self._output[:beyond]
        kinds = {EXIT_OK: "trace", EXIT_UNSUPPORTED: "unsupported"}
        return Answer(kinds.get(int(code), f"exit {code}"), text)

    def _read_more(self, deadline: float) -> None:
        readable, _, _ = select.select([self._child.stdout], [], [], max(0, deadline - time.monotonic()))
        if not readable:
            raise TimeoutError
        data = os.read(self._child.stdout.fileno(), 1 << 18)
        if not data:
            raise EOFError
        self._output += data

    def _last_words(self) -> str:
        """Stops the child; returns the end of what it has said on its standard error about this program."""
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace")[-4000:]
        self.stop()
        return words


# ------------------------------------------------------------------------------------------------------------
# Which CPython to ask.


class Oracle(NamedTuple):
    """A CPython that runs the language."""

    name: str
    exact: bool  # is it of the version that coil follows?
    command: list[str]


class NoOracle(Exception):
    """There is no CPython that could be asked."""


def find_oracle(wanted: str, work_dir: Path, say: Callable[[str], None]) -> Oracle:
    """`wanted` is the command of a Python, "pyodide", or "auto": a Python 3.14, else pyodide, else the best
    Python."""
    if wanted == "pyodide":
        return _pyodide(work_dir, say)
    if wanted != "auto":
        found = _python(wanted)
        if found is None:
            raise NoOracle(f"{wanted} is no Python of version {LEAST[0]}.{LEAST[1]} or later")
        return found
    pythons = [
        found for found in map(_python, ("python3.14", "python3", "python3.15", "python3.13")) if found
    ]
    for python in pythons:
        if python.exact:
            return python
    try:
        return _pyodide(work_dir, say)
    except NoOracle as error:
        if not pythons:
            raise NoOracle(f"no Python of version 3.14 on PATH, and {error}") from None
        say(f"{error}; {pythons[0].name} differs from CPython 3.14 in about one program of a hundred")
        return pythons[0]


def _python(command: str) -> Oracle | None:
    path = shutil.which(command)
    if path is None:
        return None
    question = "import platform, sys; print(*sys.version_info[:2], platform.python_version())"
    answer = subprocess.run([path, "-c", question], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return None
    major, minor, version = answer.stdout.split()
    if (int(major), int(minor)) < LEAST:
        return None
    exact = (int(major), int(minor)) == EXACT
    return Oracle(f"CPython {version} ({path})", exact, [path, str(HERE / "oracle.py"), "batch"])


def _pyodide(work_dir: Path, say: Callable[[str], None]) -> Oracle:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        raise NoOracle("there is no node to run pyodide with")
    directory = work_dir / f"pyodide-{PYODIDE}"
    if not (directory / "node_modules/pyodide/pyodide.mjs").exists():
        if npm is None:
            raise NoOracle("there is no npm to install pyodide with")
        say(f"installing pyodide@{PYODIDE} into {directory}")
        directory.mkdir(parents=True, exist_ok=True)
        install = [
            npm,
            "install",
            "--prefix",
            str(directory),
            "--no-audit",
            "--no-fund",
            f"pyodide@{PYODIDE}",
        ]
        done = subprocess.run(install, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise NoOracle(f"npm could not install pyodide@{PYODIDE}")
    return Oracle(
        f"CPython 3.14.2 (pyodide {PYODIDE})", True, [node, str(HERE / "pyodide.mjs"), str(directory)]
    )
