"""An asyncio event loop on a virtual clock, and patches that take chance out of asyncio.

Time is a whole number that moves only while the loop waits: a program runs as fast as Python can, and every
run of it is the same.  Whatever in asyncio depends on addresses or on the accidents of a data structure is
replaced by something that depends on the program alone:

- sets of tasks and futures are iterated in the order of insertion (CPython: of addresses);
- with `fifo`, timers with equal deadlines fire in the order in which they were made (CPython: in whichever
  order its binary heap has them), which is the one thing that coil promises and CPython does not.

Everything else is the asyncio of the Python that runs this, untouched.  The patches reach into private names;
`install` fails loudly where a Python has them no longer.
"""

import asyncio
import concurrent.futures
import heapq
import inspect
import re
import traceback
from asyncio import events, taskgroups, tasks
from collections.abc import Callable


class Deadlock(BaseException):
    """Nothing is ready and nothing ever will be."""


class IterationLimit(BaseException):
    """The program has run for too many iterations."""


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop, and its own selector: waiting is nothing but moving the clock."""

    ITERATION_LIMIT = 3000

    def __init__(self) -> None:
        super().__init__()
        self._selector = self
        self._clock_resolution = 0.5
        self.now = 0
        self.iteration = 0
        self.iteration_limit = self.ITERATION_LIMIT
        self.tasks: list[asyncio.Task] = []  # in the order of their numbers
        self.futures: list[
            asyncio.Future
        ] = []  # kept alive, so that none is reported for being dropped in between
        self._numbers: dict[asyncio.Task, int] = {}
        self._outside: list[tuple[int, int, Callable[[], None]]] = []
        self._outside_count = 0

    # -- what BaseEventLoop wants of a loop

    def time(self) -> int:
        return self.now

    def _write_to_self(self) -> None:
        pass

    def _process_events(self, event_list) -> None:
        pass

    def select(self, timeout) -> list:
        """Moves the clock to the end of `timeout`, or to what comes from outside before that."""
        self.iteration += 1
        if self.iteration > self.iteration_limit:
            raise IterationLimit
        if timeout is None and not self._outside:
            raise Deadlock
        end = self.now + timeout if timeout is not None else None
        if self._outside and (end is None or self._outside[0][0] <= end):
            self.now = max(self.now, self._outside[0][0])
        else:
            self.now = end
        while self._outside and self._outside[0][0] <= self.now:
            self._as_another_thread(heapq.heappop(self._outside)[2])
        return []

    def create_task(self, coro, **kwargs) -> asyncio.Task:
        task = super().create_task(coro, **kwargs)
        self.number(task)
        return task

    def create_future(self) -> asyncio.Future:
        future = super().create_future()
        self.futures.append(future)
        return future

    # -- what the interpreter wants of it

    def number(self, task: asyncio.Task) -> int:
        """The number of a task: it is given at creation, or, as eager tasks run before create_task returns,
        when the task is first asked for."""
        number = self._numbers.get(task)
        if number is None:
            number = self._numbers[task] = len(self.tasks)
            self.tasks.append(task)
        return number

    def known_number(self, future) -> int | None:
        """The number of a task that has one, else None."""
        return self._numbers.get(future)

    def at_outside(self, when: int, function: Callable[[], None]) -> None:
        """Has "another thread" call `function` at a time; at the same time, in the order of these calls."""
        heapq.heappush(self._outside, (when, self._outside_count, function))
        self._outside_count += 1

    def _as_another_thread(self, function: Callable[[], None]) -> None:
        events._set_running_loop(None)
        try:
            function()
        finally:
            events._set_running_loop(self)

    def discard_handles(self) -> None:
        """Forgets all that is still to run."""
        self._ready.clear()
        self._scheduled.clear()


class VirtualExecutor(concurrent.futures.Executor):
    """A pool of threads whose work takes virtual time: submit(function, delay) is done `delay` later."""

    def __init__(self, loop: VirtualLoop):
        self._loop = loop

    def submit(self, function, delay, /):
        future: concurrent.futures.Future = concurrent.futures.Future()

        def finish() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(delay))
            except BaseException as error:
                future.set_exception(error)

        self._loop.at_outside(self._loop.now + delay, finish)
        return future


class OrderedSet:
    """As much of a set as asyncio uses, in the order of insertion."""

    def __init__(self, items=()):
        self._items = dict.fromkeys(items)

    def add(self, item) -> None:
        self._items[item] = None

    def discard(self, item) -> None:
        self._items.pop(item, None)

    def remove(self, item) -> None:
        del self._items[item]

    def clear(self) -> None:
        self._items.clear()

    def __iter__(self):
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item) -> bool:
        return item in self._items


class FifoTimerHandle(events.TimerHandle):
    """A timer that breaks ties by its age."""

    __slots__ = ("_age",)
    _made = 0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        FifoTimerHandle._made += 1
        self._age = FifoTimerHandle._made

    def __lt__(self, other) -> bool:
        return (self._when, self._age) < (other._when, other._age)


def install(fifo: bool) -> None:
    """Patches the asyncio of this process.  Call it once, before the first loop."""
    # Pyodide calls Python from inside of a loop of its own, with which loops of ours must not be nested.
    events._set_running_loop(None)
    tasks.set = taskgroups.set = OrderedSet
    _patch_as_completed()
    # Debug mode notes the stack wherever a task, future or handle is made: slow, and no trace shows it.
    traceback.StackSummary.extract = classmethod(lambda *args, **kwargs: [])
    if fifo:
        events.TimerHandle = FifoTimerHandle


def _patch_as_completed() -> None:
    """as_completed makes its set with a comprehension, which no replacement of the name `set` can reach: its
    source is rewritten to call `set`, and compiled anew."""
    definition = getattr(tasks, "_AsCompletedIterator", tasks.as_completed)
    source = inspect.getsource(definition)
    patched, count = re.subn(r"\{(ensure_future\(.*?\) for \w+ in set\(\w+\))\}", r"set(\1)", source)
    if count != 1:
        raise RuntimeError("the source of asyncio.as_completed is not as expected")
    exec(compile(patched, "<patched as_completed>", "exec"), tasks.__dict__)
    asyncio.as_completed = tasks.as_completed
