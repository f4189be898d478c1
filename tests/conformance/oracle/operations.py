"""The operations of the language: each is a function of the machine and of the words behind the operation's
name.

There are three tables.  IMMEDIATE has what does not suspend, and what callbacks and other threads can do,
too.  AWAITS has what suspends; the machine takes off their first word, which says whether errors leave the
statement.  BLOCKS has the statements with statements inside, which do their own logging.  What a function
returns is what the trace shows behind the `=`; "nil" stands for an operation on something that is not there.
"""

import asyncio
import inspect
from asyncio import tasks

from generate import NO_TIMEOUT
from words import UserError, error_word, value_word

IMMEDIATE: dict = {}
AWAITS: dict = {}
BLOCKS: dict = {}


def _entry(table: dict, name: str):
    def enter(function):
        table[name] = function
        return function

    return enter


def immediate(name: str):
    return _entry(IMMEDIATE, name)


def awaits(name: str):
    return _entry(AWAITS, name)


def block(name: str):
    return _entry(BLOCKS, name)


def _timeout(units: int) -> int | None:
    return None if units == NO_TIMEOUT else units


# ------------------------------------------------------------------------------------------------------------
# Tasks and futures.


@immediate("spawn")
def spawn(machine, slot, coroutine):
    if machine.tasks_full():
        return "limit"
    return _put_task(machine, slot, machine.loop.create_task(machine.body(coroutine)))


def _put_task(machine, slot, task):
    machine.slots[slot] = task
    return f"T{machine.loop.number(task)}"


@immediate("cancel")
def cancel(machine, reference, message=None):
    future = machine.resolve(reference)
    if future is None:
        return "nil"
    return future.cancel() if message is None else future.cancel(msg=f"m{message}")


@immediate("uncancel")
def uncancel(machine):
    task = tasks.current_task(machine.loop)
    return "nil" if task is None else task.uncancel()


@immediate("cancelling")
def cancelling(machine, slot):
    task = machine.resolve(slot)
    return "nil" if task is None else task.cancelling()


@immediate("setres")
def set_result(machine, number, value):
    machine.futures[number].set_result(value)


@immediate("setexc")
def set_exception(machine, number, error):
    machine.futures[number].set_exception(UserError(error))


@immediate("newfut")
def new_future(machine, number):
    machine.futures[number] = machine.loop.create_future()


@immediate("state")
def state(machine, reference):
    future = machine.resolve(reference)
    return "nil" if future is None else machine.state(future)


@immediate("result")
def result(machine, reference):
    future = machine.resolve(reference)
    if future is None:
        return "nil"
    try:
        return future.result()
    except asyncio.CancelledError as error:
        return error_word(error)


@immediate("exception")
def exception(machine, reference):
    future = machine.resolve(reference)
    if future is None:
        return "nil"
    try:
        return future.exception()
    except asyncio.CancelledError as error:
        return "raised " + error_word(error)


@immediate("adddone")
def add_done_callback(machine, reference, number):
    """There is one callback of each number, so that it can be added twice, and removed."""
    future = machine.resolve(reference)
    if future is None:
        return "nil"

    def callback(done):
        machine.log(f"cb {number} {machine.state(done)}")

    future.add_done_callback(machine.callbacks.setdefault(number, callback))
    return None


@immediate("rmdone")
def remove_done_callback(machine, reference, number):
    future = machine.resolve(reference)
    if future is None or number not in machine.callbacks:
        return "nil"
    return future.remove_done_callback(machine.callbacks[number])


@awaits("sleep")
async def sleep(machine, delay):
    return await asyncio.sleep(delay, delay)


@awaits("await")
async def await_(machine, reference):
    future = machine.resolve(reference)
    if future is None:
        return "nil"
    if machine.would_cycle([future]):
        return "cycle"
    return await machine.wait_on([future], future)


@awaits("shield")
async def shield(machine, reference):
    future = machine.resolve(reference)
    if future is None:
        return "nil"
    if machine.would_cycle([future]):
        return "cycle"
    return await asyncio.shield(future)  # no cancel() goes through it, hence no cycle either


@awaits("waitfor")
async def wait_for(machine, reference, timeout):
    future = machine.resolve(reference)
    if future is None:
        return "nil"
    if machine.would_cycle([future]):
        return "cycle"
    return await machine.wait_on([future], asyncio.wait_for(future, _timeout(timeout)))


@awaits("waitforc")
async def wait_for_coroutine(machine, coroutine, timeout):
    if machine.tasks_full():
        return "limit"
    body = machine.body(coroutine, awaited_by=machine.current_number())
    try:
        return await machine.wait_on([], asyncio.wait_for(body, _timeout(timeout)))
    finally:
        if inspect.getcoroutinestate(body) == inspect.CORO_CREATED:
            body.close()


# ------------------------------------------------------------------------------------------------------------
# Several at once.


def _resolve_all(machine, references):
    """What the references stand for, and nothing to await; or the word for why they cannot be awaited."""
    futures = [machine.resolve(reference) for reference in references]
    if any(future is None for future in futures):
        return None, "nil"
    if machine.would_cycle(futures):
        return None, "cycle"
    return futures, None


@immediate("gather")
def gather(machine, number, return_exceptions, *references):
    futures = [machine.resolve(reference) for reference in references]
    if any(future is None for future in futures):
        return "nil"
    outer = asyncio.gather(*futures, return_exceptions=bool(return_exceptions))
    machine.gathers[number] = outer
    machine.loop.futures.append(outer)
    machine.note_gather(outer, futures)
    return None


@awaits("gatherw")
async def gather_and_wait(machine, return_exceptions, *references):
    futures, word = _resolve_all(machine, references)
    if word is not None:
        return word
    outer = asyncio.gather(*futures, return_exceptions=bool(return_exceptions))
    machine.loop.futures.append(outer)
    return await machine.wait_on(futures, outer)


@awaits("gatherc")
async def gather_coroutines(machine, return_exceptions, *coroutines):
    if machine.tasks_full(len(coroutines)):
        return "limit"
    me = machine.current_number()
    bodies = [machine.body(coroutine, awaited_by=me) for coroutine in coroutines]
    outer = asyncio.gather(*bodies, return_exceptions=bool(return_exceptions))
    machine.loop.futures.append(outer)
    return await machine.wait_on([], outer)


_RETURN_WHEN = (asyncio.ALL_COMPLETED, asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION)


@awaits("wait")
async def wait(machine, mode, timeout, *references):
    futures, word = _resolve_all(machine, references)
    if word is not None:
        return word
    waiting = asyncio.wait(futures, timeout=_timeout(timeout), return_when=_RETURN_WHEN[mode])
    done, pending = await machine.wait_on(futures, waiting)
    letters = "".join("d" if future in done else "p" for future in dict.fromkeys(futures))
    return f"{len(done)}/{len(pending)}:{letters}"


@awaits("ascomp")
async def as_completed(machine, timeout, *references):
    futures, word = _resolve_all(machine, references)
    if word is not None:
        return word
    for index, item in enumerate(asyncio.as_completed(futures, timeout=_timeout(timeout))):
        try:
            outcome = value_word(await machine.wait_on(futures, item))
        except Exception as error:
            outcome = error_word(error)
        machine.log(f"ascomp-item {index} = {outcome}")
    return None


# ------------------------------------------------------------------------------------------------------------
# Callbacks and the clock.


@immediate("soon")
def call_soon(machine, number, statements):
    machine.handles[number] = machine.loop.call_soon(machine.act_all, statements)


@immediate("soonts")
def call_soon_threadsafe(machine, number, statements):
    machine.handles[number] = machine.loop.call_soon_threadsafe(machine.act_all, statements)


@immediate("later")
def call_later(machine, number, delay, statements):
    machine.handles[number] = machine.loop.call_later(delay, machine.act_all, statements)


@immediate("at")
def call_at(machine, number, when, statements):
    machine.handles[number] = machine.loop.call_at(when, machine.act_all, statements)


@immediate("hcancel")
def cancel_handle(machine, number):
    handle = machine.handles.get(number)
    if handle is None:
        return "nil"
    handle.cancel()
    return handle.cancelled()


@immediate("busy")
def busy(machine, units):
    """Computes for so long: the clock moves, the loop does not."""
    machine.loop.now += units


# ------------------------------------------------------------------------------------------------------------
# Timeouts and task groups.


@immediate("resched")
def reschedule(machine, number, delay):
    timeout = machine.timeouts.get(number)
    if timeout is None:
        return "nil"
    return timeout.reschedule(None if delay < 0 else machine.loop.time() + delay)


@immediate("expired")
def expired(machine, number):
    timeout = machine.timeouts.get(number)
    return "nil" if timeout is None else timeout.expired()


@immediate("tgspawn")
def group_spawn(machine, number, slot, coroutine):
    group = machine.groups.get(number)
    if group is None:
        return "nil"
    if machine.tasks_full():
        return "limit"
    body = machine.body(coroutine)
    try:
        task = group.create_task(body)
    except BaseException:
        body.close()
        raise
    return _put_task(machine, slot, task)


@block("timeout")
async def with_timeout(machine, number, delay, statements):
    timeout = machine.timeouts[number] = asyncio.timeout(_timeout(delay))
    try:
        async with timeout:
            return await machine.block(statements)
    finally:
        machine.log(f"timeout-exit {number} expired={int(timeout.expired())}")


@block("tg")
async def with_group(machine, number, statements):
    group = machine.groups[number] = asyncio.TaskGroup()
    try:
        async with group:
            returned = await machine.block(statements)
    except BaseException as error:
        machine.log(f"tg-exit {number} = {error_word(error)}")
        raise
    machine.log(f"tg-exit {number} = ok")
    return returned


# ------------------------------------------------------------------------------------------------------------
# Control flow.

_CAUGHT = {
    "cancel": asyncio.CancelledError,
    "err": Exception,
    "timeout": asyncio.TimeoutError,
    "all": (Exception, asyncio.CancelledError),
    "none": (),
}


@block("try")
async def try_(machine, kind, statements, handler, final):
    try:
        return await machine.block(statements)
    except _CAUGHT[kind] as error:
        machine.log(f"caught {error_word(error)}")
        return await machine.block(handler)
    finally:
        if final:
            machine.log("finally")
            await machine.block(final)


@block("rep")
async def repeat(machine, times, statements):
    for _ in range(times):
        returned = await machine.block(statements)
        if returned is not None:
            return returned
    return None


@block("with")
async def with_object(machine, kind, number, statements):
    held = machine.semaphores[number] if kind == "sem" else machine.objects[kind][number]
    async with held:
        machine.log(f"with-in {kind} {number}")
        returned = await machine.block(statements)
    machine.log(f"with-out {kind} {number}")
    return returned


# ------------------------------------------------------------------------------------------------------------
# Locks, events, conditions, semaphores, barriers.


@awaits("acq")
async def lock_acquire(machine, number):
    return await machine.objects["lock"][number].acquire()


@immediate("rel")
def lock_release(machine, number):
    machine.objects["lock"][number].release()


@immediate("locked")
def lock_locked(machine, number):
    return machine.objects["lock"][number].locked()


@awaits("ewait")
async def event_wait(machine, number):
    return await machine.objects["event"][number].wait()


@immediate("eset")
def event_set(machine, number):
    machine.objects["event"][number].set()


@immediate("eclr")
def event_clear(machine, number):
    machine.objects["event"][number].clear()


@awaits("cwait")
async def condition_wait(machine, number):
    return await machine.objects["cond"][number].wait()


@awaits("cwaitp")
async def condition_wait_for(machine, number, least):
    """Waits until the program's variable is at least so much."""
    return await machine.objects["cond"][number].wait_for(lambda: machine.variable >= least)


@immediate("setvar")
def set_variable(machine, value):
    machine.variable = value


@immediate("cnotify")
def condition_notify(machine, number, count):
    machine.objects["cond"][number].notify(count)


@immediate("cnall")
def condition_notify_all(machine, number):
    machine.objects["cond"][number].notify_all()


@immediate("crel")
def condition_release(machine, number):
    machine.objects["cond"][number].release()


@awaits("sacq")
async def semaphore_acquire(machine, number):
    return await machine.semaphores[number].acquire()


@immediate("srel")
def semaphore_release(machine, number):
    machine.semaphores[number].release()


@immediate("slocked")
def semaphore_locked(machine, number):
    return machine.semaphores[number].locked()


@awaits("bwait")
async def barrier_wait(machine, number):
    return await machine.objects["barrier"][number].wait()


@awaits("breset")
async def barrier_reset(machine, number):
    return await machine.objects["barrier"][number].reset()


@awaits("babort")
async def barrier_abort(machine, number):
    return await machine.objects["barrier"][number].abort()


# ------------------------------------------------------------------------------------------------------------
# Queues: 0 is first in first out, 1 by priority, 2 last in first out.


@awaits("put")
async def queue_put(machine, number, value):
    return await machine.queues[number].put(value)


@awaits("get")
async def queue_get(machine, number):
    return await machine.queues[number].get()


@awaits("join")
async def queue_join(machine, number):
    return await machine.queues[number].join()


@immediate("putn")
def queue_put_nowait(machine, number, value):
    machine.queues[number].put_nowait(value)


@immediate("getn")
def queue_get_nowait(machine, number):
    return machine.queues[number].get_nowait()


@immediate("tdone")
def queue_task_done(machine, number):
    machine.queues[number].task_done()


@immediate("qsize")
def queue_size(machine, number):
    return machine.queues[number].qsize()


@immediate("qshut")
def queue_shutdown(machine, number, at_once):
    machine.queues[number].shutdown(immediate=bool(at_once))


# ------------------------------------------------------------------------------------------------------------
# Threads.


@awaits("exec")
async def run_in_executor(machine, delay, value):
    """A thread works for `delay` and returns the value; negative values are errors."""

    def work(_):
        if value < 0:
            raise UserError(-value)
        return value

    return await machine.loop.run_in_executor(machine.executor, work, delay)
