"""The interpreter: runs a program on the asyncio of this Python, and writes down what happens when.

This is the definition of the language's statements and of the trace.  The operations themselves are in
operations.py.
"""

import asyncio
import logging
from asyncio import events, runners, tasks
from dataclasses import dataclass

from generate import FIRST_FUTURE, FIRST_GATHER, FUTURES, GATHERS, TASK_SLOTS
from operations import AWAITS, BLOCKS, IMMEDIATE
from program import OBJECT_KINDS, operations
from words import UserError, error_word, rank_iterations, value_word
from vloop import Deadlock, IterationLimit, VirtualExecutor, VirtualLoop

_OBJECT_CLASSES = {
    "lock": asyncio.Lock,
    "event": asyncio.Event,
    "cond": asyncio.Condition,
    "sem": asyncio.Semaphore,
    "bsem": asyncio.BoundedSemaphore,
    "barrier": asyncio.Barrier,
    "queue": asyncio.Queue,
    "pqueue": asyncio.PriorityQueue,
    "lqueue": asyncio.LifoQueue,
}

# The exception handler's messages by their parts; the trace has the last word of the part, and "other" for
# all others.
_HANDLER_MESSAGES = ("Exception in callback", "shutdown", "errored out but its parent", "shielded future")

_KNOWN_OPERATIONS = {"return", "raise", "rcts", "cfcancel", *OBJECT_KINDS, *IMMEDIATE, *AWAITS, *BLOCKS}


class UnknownOperation(Exception):
    """The program has an operation that the language does not have."""


@dataclass(frozen=True)
class Options:
    """How the trace is written."""

    iterations: bool = True
    rank: bool = False


class Machine:
    """One run of one program."""

    TASK_LIMIT = 60
    SLOW_CALLBACK = 5  # in debug mode, in units of the clock
    CLEANUP_ITERATIONS = 500  # beyond the limit, for a program that ran into it

    def __init__(self, program: list, options: Options = Options()):
        unknown = operations(program) - _KNOWN_OPERATIONS
        if unknown:
            raise UnknownOperation(" ".join(sorted(unknown)))
        self.options = options
        self.lines: list[str] = []
        self.coroutines: dict[int, list] = {}
        self.debug = self.eager = False
        self._external: list[list] = []
        self._objects: dict[str, list] = {}
        for kind, *rest in program[1:]:
            if kind == "co":
                self.coroutines[rest[0]] = rest[1:]
            elif kind == "ext":
                self._external.append(rest)
            elif kind == "debug":
                self.debug = bool(rest[0])
            elif kind == "eager":
                self.eager = bool(rest[0])
            else:
                self._objects.setdefault(kind, []).append(rest)

    # -- the trace

    def log(self, what: str, who: str | None = None) -> None:
        """Adds a line to the trace: iteration, clock, who does it, what."""
        if who is None:
            task = tasks.current_task(self.loop) if events._get_running_loop() is not None else None
            who = "-" if task is None else f"T{self.loop.number(task)}"
        line = f"t{self.loop.now} {who} {what}"
        self.lines.append(f"I{self.loop.iteration} {line}" if self.options.iterations else line)

    def log_slow_callback(self) -> None:
        self.log("SLOW", "*")

    def _log_handled(self, loop, context: dict) -> None:
        message = next(
            (part.split()[-1] for part in _HANDLER_MESSAGES if part in context["message"]), "other"
        )
        error = context.get("exception")
        self.log(f"EXC-HANDLER {message} {error_word(error) if error else '-'}")

    # -- a run

    def run(self) -> list[str]:
        """Runs the program to its end, and what asyncio.run does after that; returns the lines of the
        trace."""
        self._set_up()
        asyncio.set_event_loop(self.loop)
        try:
            self._start()
            main = self.loop.create_task(self.body(0))
            self._phase("MAIN", lambda: value_word(self.loop.run_until_complete(main)))
            self._phase("CLEANUP", self._cancel_all_tasks)
            self._log_final_states()
            lines, self.lines = self.lines, []
            self._unwind()
            self.loop.close()
        finally:
            asyncio.set_event_loop(None)
        return rank_iterations(lines) if self.options.rank else lines

    def _set_up(self) -> None:
        loop = self.loop = VirtualLoop()
        loop.set_debug(self.debug)
        loop.slow_callback_duration = self.SLOW_CALLBACK
        if self.eager:
            loop.set_task_factory(asyncio.eager_task_factory)
        loop.set_exception_handler(self._log_handled)

    def _start(self) -> None:
        """Makes what the operations work on."""
        made = {
            kind: [_OBJECT_CLASSES[kind](*arguments) for arguments in all_of_kind]
            for kind, all_of_kind in self._objects.items()
        }
        self.objects = made
        self.semaphores = made.get("sem", []) + made.get("bsem", [])
        self.queues = made.get("queue", []) + made.get("pqueue", []) + made.get("lqueue", [])
        self.slots: list = [None] * TASK_SLOTS
        self.futures = [self.loop.create_future() for _ in range(FUTURES)]
        self.gathers: list = [None] * GATHERS
        self.callbacks: dict[int, object] = {}
        self.handles: dict[int, asyncio.Handle] = {}
        self.timeouts: dict[int, asyncio.Timeout] = {}
        self.groups: dict[int, asyncio.TaskGroup] = {}
        self.thread_futures: dict[int, object] = {}
        self.variable = 0
        self.executor = VirtualExecutor(self.loop)
        self._gather_members: dict[asyncio.Future, set[int]] = {}
        self._waiting_for: dict[int, set[int]] = {}
        for when, *actions in self._external:
            self.loop.at_outside(when, lambda actions=actions: self._act_outside(actions))

    def _phase(self, name: str, function) -> None:
        try:
            outcome = function()
        except Deadlock:
            outcome = "DEADLOCK"
        except IterationLimit:
            outcome = "LIMIT"
            self.loop.iteration_limit += self.CLEANUP_ITERATIONS
        except BaseException as error:
            outcome = error_word(error)
        self.log(f"{name} {outcome}", "*")

    def _cancel_all_tasks(self) -> str:
        # asyncio.all_tasks() is a set in the order of addresses: it is replaced by the list in the order of
        # creation.
        tasks.all_tasks = lambda loop=None: [task for task in self.loop.tasks if not task.done()]
        runners._cancel_all_tasks(self.loop)
        return "ok"

    def _log_final_states(self) -> None:
        for number, task in enumerate(self.loop.tasks):
            line = f"final {self.state(task)}"
            if task.cancelling():
                line += f" cancelling={task.cancelling()}"
            if task._log_traceback:
                line += " UNRETRIEVED"
            self.log(line, f"T{number}")

    def _unwind(self) -> None:
        """Ends coroutines that are stuck, and keeps asyncio from reporting what the trace has reported
        already."""
        for task in self.loop.tasks:
            if task.done() and not task.cancelled():
                task.exception()
            task._log_destroy_pending = False
        for future in self.loop.futures + self.gathers:
            if future is not None:
                future._log_traceback = False
        for task in self.loop.tasks:
            if not task.done():
                self._close_coroutine(task.get_coro())
        self.loop.discard_handles()

    @staticmethod
    def _close_coroutine(coroutine) -> None:
        """A body may catch what ends it, and await again."""
        for _ in range(20):
            try:
                if coroutine is not None:
                    coroutine.close()
                return
            except BaseException:
                pass

    # -- references: 0... a task's slot, 100... a future, 200... a gather

    def resolve(self, reference: int):
        """What a reference stands for; None where nothing has been put yet."""
        if reference >= FIRST_GATHER:
            return self.gathers[reference - FIRST_GATHER]
        if reference >= FIRST_FUTURE:
            return self.futures[reference - FIRST_FUTURE]
        return self.slots[reference]

    @staticmethod
    def state(future) -> str:
        if not future.done():
            return "pending"
        return "cancelled" if future.cancelled() else "done"

    def tasks_full(self, more: int = 1) -> bool:
        return len(self.loop.tasks) + more > self.TASK_LIMIT

    # -- the guard against cycles: a task that waits for itself, through others, would crash CPython in
    # cancel()

    def current_number(self) -> int | None:
        """The number of the current task; None outside of tasks, and for an eager task that has none yet."""
        return self.loop.known_number(tasks.current_task(self.loop))

    def _members(self, future) -> set[int]:
        """The tasks that cancelling `future` cancels."""
        number = self.loop.known_number(future)
        return {number} if number is not None else self._gather_members.get(future, set())

    def note_gather(self, gather, members: list) -> None:
        self._gather_members[gather] = set().union(*map(self._members, members))

    def would_cycle(self, futures: list) -> bool:
        """Whether the current task would wait for itself, were it to wait for these."""
        seen: set[int] = set()
        reached = [number for future in futures for number in self._members(future)]
        while reached:
            number = reached.pop()
            if number not in seen:
                seen.add(number)
                reached.extend(self._waiting_for.get(number, ()))
        return self.current_number() in seen

    async def wait_on(self, futures: list, awaitable):
        """Awaits `awaitable`, which waits for these futures."""
        me = self.current_number()
        before = self._waiting_for.get(me, set())
        self._waiting_for[me] = before.union(*map(self._members, futures))
        try:
            return await awaitable
        finally:
            self._waiting_for[me] = before

    # -- statements

    async def body(self, number: int, awaited_by: int | None = None) -> int:
        """A coroutine of the program.  `awaited_by` is the task that waits for it unasked, for the guard's
        sake."""
        self.log(f"start C{number}")
        me = self.current_number()
        if awaited_by is not None and me != awaited_by:
            self._waiting_for[awaited_by] = self._waiting_for.get(awaited_by, set()) | {me}
        try:
            result = await self.block(self.coroutines[number])
        except BaseException as error:
            self.log(f"end C{number} = {error_word(error)}")
            raise
        if result is None:
            result = number
        self.log(f"end C{number} = {result}")
        return result

    async def block(self, statements: list) -> int | None:
        """Runs statements; returns the number of the `return` that ended them, else None."""
        for statement in statements:
            name, *arguments = statement
            if name == "return":
                self.log(f"return {arguments[0]}")
                return arguments[0]
            if name in BLOCKS:
                result = await BLOCKS[name](self, *arguments)
                if result is not None:
                    return result
            elif name in AWAITS:
                await self._await(name, *arguments)
            else:
                self.act(statement)
        return None

    async def _await(self, name: str, propagate: int, *arguments) -> None:
        """An operation that suspends.  Cancellation always leaves it, errors do if `propagate` is set."""
        what = " ".join(map(str, (name, *arguments)))
        try:
            result = await AWAITS[name](self, *arguments)
        except BaseException as error:
            self.log(f"{what} = {error_word(error)}")
            if propagate or not isinstance(error, Exception):
                raise
        else:
            self.log(f"{what} = {value_word(result)}")

    def act(self, statement: list) -> None:
        """An operation that does not suspend: only `raise` raises, the errors of all others are just
        logged."""
        name, *arguments = statement
        if name == "raise":
            self.log(f"raise E{arguments[0]}")
            raise UserError(arguments[0])
        try:
            outcome = value_word(IMMEDIATE[name](self, *arguments))
        except Exception as error:
            outcome = error_word(error)
        what = " ".join(str(word) for word in statement if not isinstance(word, list))
        self.log(f"{what} = {outcome}")

    def act_all(self, statements: list) -> None:
        """A callback's body."""
        for statement in statements:
            self.act(statement)

    def _act_outside(self, actions: list) -> None:
        """What another thread does."""
        for action in actions:
            if action[0] == "rcts":
                self._run_threadsafe(*action[1:])
            elif action[0] == "cfcancel":
                future = self.thread_futures.get(action[1])
                if future is not None:
                    self.log(f"cfcancel {action[1]} = {value_word(future.cancel())}", "X")
            else:
                self.loop.call_soon_threadsafe(self.act_all, [action])

    def _run_threadsafe(self, number: int, coroutine: int) -> None:
        future = asyncio.run_coroutine_threadsafe(self.body(coroutine), self.loop)
        self.thread_futures[number] = future

        def log_done(done) -> None:
            outcome = "cancelled" if done.cancelled() else value_word(done.exception() or done.result())
            self.log(f"cf {number} {outcome}")

        future.add_done_callback(log_done)


class _SlowCallbackLog(logging.Handler):
    """asyncio reports slow callbacks nowhere but in its log."""

    machine: Machine | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.machine is not None and "took" in record.msg:
            self.machine.log_slow_callback()


_slow_callback_log = _SlowCallbackLog()


def catch_log() -> None:
    """Has asyncio's log end in the traces.  Call it once per process."""
    logger = logging.getLogger("asyncio")
    logger.handlers[:] = [_slow_callback_log]
    logger.propagate = False
    logger.setLevel(logging.WARNING)


def run(program: list, options: Options = Options()) -> list[str]:
    """The trace of a program, line by line."""
    machine = Machine(program, options)
    _slow_callback_log.machine = machine
    try:
        return machine.run()
    finally:
        _slow_callback_log.machine = None
