"""The batch protocol: one process runs many programs, one after the other.

A request is a line `program LENGTH` and LENGTH bytes of a program's text; its answer is a line `trace LENGTH
EXITCODE` and LENGTH bytes.  Answers come in the order of the requests.  EXITCODE is what the process would
have exited with, had it been given this program alone: 0 with a trace, 3 with `unsupported OPERATION`, and
anything else with a message.  coil's interpreter speaks the same protocol; ../README.md describes it for
both.
"""

import gc
import os
import sys
import warnings

import machine
import program
import vloop

EXIT_OK, EXIT_UNREADABLE, EXIT_UNSUPPORTED = 0, 2, 3


def prepare(fifo: bool) -> None:
    """Makes this process ready to run programs.  Call it once."""
    vloop.install(fifo)
    machine.catch_log()
    warnings.simplefilter("ignore")  # of coroutines that were never awaited, which programs leave behind
    sys.unraisablehook = lambda unraisable: None  # errors of coroutines that are collected
    gc.collect()
    gc.freeze()
    # Collecting garbage ends the coroutines in it: it must never happen while a program runs.
    gc.disable()


def run_text(text: str, options: machine.Options) -> tuple[str, int]:
    """Runs the text of a program: the trace, or a message, and the exit code."""
    try:
        lines = machine.run(program.parse(text), options)
    except program.Malformed as error:
        return f"{error}\n", EXIT_UNREADABLE
    except machine.UnknownOperation as error:
        return f"unsupported {error}\n", EXIT_UNSUPPORTED
    return "".join(line + "\n" for line in lines), EXIT_OK


class Server:
    """Answers requests; the bytes may come cut in any way."""

    PROGRAMS_PER_COLLECTION = 50

    def __init__(self, options: machine.Options):
        self._options = options
        self._input = bytearray()
        self._since_collection = 0

    def feed(self, data: bytes) -> bytes:
        """Takes more bytes; returns the answers to the requests that are complete now."""
        self._input += data
        answers = []
        while (request := self._take_request()) is not None:
            answers.append(self._answer(request))
        return b"".join(answers)

    def _take_request(self) -> bytes | None:
        end = self._input.find(b"\n")
        if end < 0:
            return None
        word, length = self._input[:end].split()
        if word != b"program":
            raise ValueError(f"not a request: {bytes(self._input[:end])!r}")
        beyond = end + 1 + int(length)
        if len(self._input) < beyond:
            return None
        request = bytes(self._input[end + 1 : beyond])
        del self._input[:beyond]
        return request

    def _answer(self, request: bytes) -> bytes:
        self._since_collection += 1
        if self._since_collection == self.PROGRAMS_PER_COLLECTION:
            self._since_collection = 0
            gc.collect()
        text, code = run_text(request.decode(), self._options)
        answer = text.encode()
        return b"trace %d %d\n%b" % (len(answer), code, answer)


def serve(options: machine.Options) -> None:
    """Serves standard input and output until the input ends."""
    server = Server(options)
    while data := os.read(0, 1 << 16):
        answers = memoryview(server.feed(data))
        while answers:
            answers = answers[os.write(1, answers) :]
