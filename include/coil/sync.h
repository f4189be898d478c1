/*
 * Synchronisation between the tasks of one loop, queues, and values local to a task. Locks and their like live in the
 * caller's memory, need no release, and are ready when their bytes are zero or set by their initialiser
 * (COIL_LOCK_INIT and so on); the members are the library's. They must stay where they are while a task waits on
 * them: debug mode reports one that is made anew under a task that waits (COIL_REPORT_MISUSE), and a deadlock's
 * reports say who waits for which lock and who holds it. All of them are fair: who waits first is served first.
 * Everything here is used from the loop's own thread.
 *
 * What returns an int returns -EINVAL for a NULL pointer; what returns nothing or a bool ignores it. The calls that
 * await return -EPERM outside of a task, and -ECANCELED when the calling task is cancelled there: then nothing was
 * acquired, put or taken, and whatever the task had been woken for goes to the next who waits.
 */
#ifndef COIL_SYNC_H
#define COIL_SYNC_H

#include <coil/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- locks ----------------------------------------------------------------------------------------------------------- */

/*
 * A mutual exclusion between tasks. It is not recursive: who acquires it twice waits for itself. It belongs to no
 * task: one that ends without releasing it leaves it locked. asyncio: Lock.
 */
typedef struct coil_lock {
    void *waiters_[2];
    size_t live_;
    uint64_t owner_;
    bool locked_;
} coil_lock;

#define COIL_LOCK_INIT   \
    {                    \
        {0}, 0, 0, false \
    }

/* Makes an unlocked lock, instead of the static initialiser. asyncio: Lock(). */
COIL_API void coil_lock_init(coil_lock *lock);

/*
 * Takes the lock: at once if it is free and nobody waits for it, else awaits its turn, which comes one iteration
 * after the release. Returns 0; -ECANCELED without the lock; -EPERM outside of a task; -EINVAL (NULL). asyncio:
 * Lock.acquire.
 */
COIL_API int coil_lock_acquire(coil_lock *lock);

/*
 * Frees the lock and wakes the first who waits; nobody can take it before that one. Does not await. Any task may do
 * so, and a callback. Returns 0; -EPERM if it is not locked; -EINVAL (NULL). asyncio: Lock.release.
 */
COIL_API int coil_lock_release(coil_lock *lock);

/* Whether somebody holds it. False between a release and the step of who was woken by it. asyncio: Lock.locked. */
COIL_API bool coil_lock_locked(const coil_lock *lock);

/* ---- events ---------------------------------------------------------------------------------------------------------- */

/* A flag that tasks can wait for. asyncio: Event. */
typedef struct coil_event {
    void *waiters_[2];
    bool set_;
} coil_event;

#define COIL_EVENT_INIT \
    {                   \
        {0}, false      \
    }

/* Makes an event that is not set, instead of the static initialiser. asyncio: Event(). */
COIL_API void coil_event_init(coil_event *event);

/*
 * Awaits until the flag is set; at once if it is. Who was woken returns 0 even if the flag was cleared since. Returns
 * 0; -ECANCELED; -EPERM outside of a task; -EINVAL (NULL). asyncio: Event.wait.
 */
COIL_API int coil_event_wait(coil_event *event);

/* Sets the flag and wakes all who wait. Does not await. asyncio: Event.set. */
COIL_API void coil_event_set(coil_event *event);

/* Clears the flag: who comes from now on waits. asyncio: Event.clear. */
COIL_API void coil_event_clear(coil_event *event);

/* Whether the flag is set. asyncio: Event.is_set. */
COIL_API bool coil_event_is_set(const coil_event *event);

/* ---- semaphores ------------------------------------------------------------------------------------------------------ */

/*
 * A number of units that tasks take and give back; of zero bytes, one with none. asyncio: Semaphore,
 * BoundedSemaphore.
 */
typedef struct coil_semaphore {
    void *waiters_[2];
    size_t live_;
    long value_;
    long bound_;
    bool bounded_;
} coil_semaphore;

#define COIL_SEMAPHORE_INIT(value) \
    {                              \
        {0}, 0, (value), 0, false  \
    }
#define COIL_BOUNDED_SEMAPHORE_INIT(value) \
    {                                      \
        {0}, 0, (value), (value), true     \
    }

/* Makes one with so many units. Returns 0; -EINVAL (NULL, a negative number). asyncio: Semaphore(value). */
COIL_API int coil_semaphore_init(coil_semaphore *semaphore, long value);

/*
 * The same, which refuses to grow beyond its first value. As coil_semaphore_init. asyncio: BoundedSemaphore(value).
 */
COIL_API int coil_bounded_semaphore_init(coil_semaphore *semaphore, long value);

/*
 * Takes a unit: at once if there is one and nobody waits, else awaits its turn, which comes one iteration after the
 * release. Returns 0; -ECANCELED without a unit; -EPERM outside of a task; -EINVAL (NULL). asyncio:
 * Semaphore.acquire.
 */
COIL_API int coil_semaphore_acquire(coil_semaphore *semaphore);

/*
 * Gives a unit back, which goes to the first who waits. Does not await. Returns 0; -EINVAL for NULL, and when a
 * bounded one would grow beyond its first value; -EOVERFLOW beyond LONG_MAX. asyncio: Semaphore.release.
 */
COIL_API int coil_semaphore_release(coil_semaphore *semaphore);

/* Whether an acquire would wait now. asyncio: Semaphore.locked. */
COIL_API bool coil_semaphore_locked(const coil_semaphore *semaphore);

/* ---- conditions ------------------------------------------------------------------------------------------------------ */

/* A condition variable, with a lock inside or one that it shares. asyncio: Condition. */
typedef struct coil_condition {
    void *waiters_[2];
    coil_lock *shared_;
    coil_lock lock_;
} coil_condition;

#define COIL_CONDITION_INIT       \
    {                             \
        {0}, NULL, COIL_LOCK_INIT \
    }

/*
 * Makes one. lock stays the caller's, must live as long, and may be shared with others; with NULL it uses one of its
 * own. asyncio: Condition(lock).
 */
COIL_API void coil_condition_init(coil_condition *condition, coil_lock *lock);

/* coil_lock_acquire of the condition's lock. Awaits, with the same errors. asyncio: Condition.acquire. */
COIL_API int coil_condition_acquire(coil_condition *condition);

/* coil_lock_release of the condition's lock, with the same errors. asyncio: Condition.release. */
COIL_API int coil_condition_release(coil_condition *condition);

/* coil_lock_locked of the condition's lock. asyncio: Condition.locked. */
COIL_API bool coil_condition_locked(const coil_condition *condition);

/*
 * Releases the lock, awaits a notification, and awaits the lock again, which it holds on return, on -ECANCELED too:
 * while it waits for the lock, cancellations are kept back. May return without anything having changed: ask again.
 * Returns 0; -ECANCELED; -EPERM outside of a task or if it is not locked; -EINVAL (NULL). asyncio: Condition.wait.
 */
COIL_API int coil_condition_wait(coil_condition *condition);

/*
 * Awaits, as coil_condition_wait does, until predicate(arg) is true; at once if it is. predicate is called in the
 * calling task, with the lock held, and should not await. Returns 0, or an error of coil_condition_wait. asyncio:
 * Condition.wait_for.
 */
COIL_API int coil_condition_wait_for(coil_condition *condition, bool (*predicate)(void *arg), void *arg);

/*
 * Wakes the first n who wait, or all if there are fewer; they go on when they have the lock, which the caller still
 * holds. Does not await. Returns 0; -EPERM if it is not locked; -EINVAL (NULL). asyncio: Condition.notify.
 */
COIL_API int coil_condition_notify(coil_condition *condition, size_t n);

/* Wakes all who wait. As coil_condition_notify. asyncio: Condition.notify_all. */
COIL_API int coil_condition_notify_all(coil_condition *condition);

/* ---- barriers -------------------------------------------------------------------------------------------------------- */

/* A point at which so many tasks wait for each other, again and again. asyncio: Barrier. */
typedef struct coil_barrier {
    coil_condition condition_;
    size_t parties_;
    size_t count_;
    int state_;
} coil_barrier;

#define COIL_BARRIER_INIT(parties)           \
    {                                        \
        COIL_CONDITION_INIT, (parties), 0, 0 \
    }

/*
 * Makes one for so many tasks. Returns 0; -EINVAL (NULL, none or more than INT_MAX parties). asyncio:
 * Barrier(parties).
 */
COIL_API int coil_barrier_init(coil_barrier *barrier, size_t parties);

/*
 * Awaits until as many tasks as the barrier has parties wait here; the last to come does not wait, the others go on
 * in the next iteration. Who comes while they leave waits for the next round. Returns a number from 0 to parties - 1,
 * another for each task; -EPIPE when the barrier is broken, or was reset meanwhile; -ECANCELED (the caller leaves,
 * the others wait on); -EPERM outside of a task; -EINVAL for NULL, or for no parties. asyncio: Barrier.wait.
 */
COIL_API int coil_barrier_wait(coil_barrier *barrier);

/*
 * Awaits the barrier's lock and empties it: who waits gets -EPIPE, and it can be used again. Returns 0; -ECANCELED;
 * -EPERM; -EINVAL. asyncio: Barrier.reset.
 */
COIL_API int coil_barrier_reset(coil_barrier *barrier);

/*
 * Awaits the barrier's lock and breaks it: who waits and who comes gets -EPIPE, until a reset. Returns 0; -ECANCELED;
 * -EPERM; -EINVAL. asyncio: Barrier.abort.
 */
COIL_API int coil_barrier_abort(coil_barrier *barrier);

/* How many tasks it waits for in all; 0 for NULL. asyncio: Barrier.parties. */
COIL_API size_t coil_barrier_parties(const coil_barrier *barrier);

/* How many wait for it to fill. asyncio: Barrier.n_waiting. */
COIL_API size_t coil_barrier_waiting(const coil_barrier *barrier);

/* Whether it is broken. asyncio: Barrier.broken. */
COIL_API bool coil_barrier_broken(const coil_barrier *barrier);

/* ---- queues ---------------------------------------------------------------------------------------------------------- */

/* A queue of items of one size, which are copied in and out. asyncio: Queue, LifoQueue, PriorityQueue. */
typedef struct coil_queue coil_queue;

/* Which item comes out next: the oldest, the newest, or the first by compare. */
enum coil_queue_order { COIL_FIFO, COIL_LIFO, COIL_PRIORITY };

/* What coil_queue_new takes. */
struct coil_queue_options {
    size_t size;
    size_t item_size;                             /* bytes of an item, at least 1 */
    size_t maxsize;                               /* items; 0: no limit */
    enum coil_queue_order order;                  /* COIL_FIFO by default */
    int (*compare)(const void *a, const void *b); /* COIL_PRIORITY: < 0 when a comes first, as for qsort */
};

/*
 * Makes a queue of items of item_size bytes, at most maxsize of them (0: no limit), and hands out one reference.
 * Options come as designated initialisers: coil_queue_new(sizeof(struct job), 16, .order = COIL_LIFO). Items that
 * compare as equal come out in the order in which they went in. Room for a maxsize of up to 1,024 is made at once;
 * else it grows with the items, and stays until the queue goes. NULL with coil_creation_error(): -EINVAL (item_size
 * 0, COIL_PRIORITY without .compare), -ENOMEM. asyncio: Queue(maxsize), LifoQueue(maxsize), PriorityQueue(maxsize).
 */
#define coil_queue_new(itemsize, ...)                 \
    coil_queue_new_with(&(struct coil_queue_options){ \
        .size = sizeof(struct coil_queue_options), .item_size = (itemsize), .maxsize = __VA_ARGS__})
COIL_API coil_queue *coil_queue_new_with(const struct coil_queue_options *options);

/* Takes another reference and returns queue. NULL is fine. */
COIL_API coil_queue *coil_queue_ref(coil_queue *queue);

/*
 * Gives a reference back. NULL is fine. With the last one, and nobody waiting in it, the queue goes, and its items
 * with it.
 */
COIL_API void coil_queue_unref(coil_queue *queue);

/*
 * Puts a copy of *item in; awaits room first if there is none. Returns 0; -ESHUTDOWN when the queue is or gets shut
 * down; -ENOMEM with the queue as it was (never up to a maxsize of 1,024); -ECANCELED without having put it; -EPERM
 * outside of a task; -EINVAL for a NULL item, and for a NULL queue coil_creation_error(), or -EINVAL when there is
 * none. asyncio: Queue.put.
 */
COIL_API int coil_queue_put(coil_queue *queue, const void *item);

/*
 * Moves the next item to *item; awaits one first if there is none. Returns 0; -ESHUTDOWN when the queue is shut down
 * and empty; -ECANCELED with no item taken; -EPERM outside of a task; for NULLs as coil_queue_put. asyncio:
 * Queue.get.
 */
COIL_API int coil_queue_get(coil_queue *queue, void *item);

/* As coil_queue_put without waiting, also in a callback: -EAGAIN when there is no room. asyncio: Queue.put_nowait. */
COIL_API int coil_queue_put_nowait(coil_queue *queue, const void *item);

/* As coil_queue_get without waiting, also in a callback: -EAGAIN when there is no item. asyncio: Queue.get_nowait. */
COIL_API int coil_queue_get_nowait(coil_queue *queue, void *item);

/*
 * Says that an item that was taken has been dealt with. Returns 0; -EINVAL when said more often than items were put
 * in; for a NULL queue as coil_queue_put. asyncio: Queue.task_done.
 */
COIL_API int coil_queue_task_done(coil_queue *queue);

/*
 * Awaits until every item that was put in has been dealt with; at once if that is so. Returns 0; -ECANCELED; -EPERM
 * outside of a task; for a NULL queue as coil_queue_put. asyncio: Queue.join.
 */
COIL_API int coil_queue_join(coil_queue *queue);

/* How many items are in it; 0 for NULL. asyncio: Queue.qsize. */
COIL_API size_t coil_queue_size(const coil_queue *queue);

/* How many items it may hold; 0 for any number, and for NULL. asyncio: Queue.maxsize. */
COIL_API size_t coil_queue_maxsize(const coil_queue *queue);

/* Whether it has no item; NULL has none. asyncio: Queue.empty. */
COIL_API bool coil_queue_empty(const coil_queue *queue);

/* Whether it has as many items as it may hold. asyncio: Queue.full. */
COIL_API bool coil_queue_full(const coil_queue *queue);

/*
 * No more puts from now on; gets as long as there are items, or, with immediate, not even those: they are dropped and
 * count as dealt with. Wakes all who wait. Does not await. Returns 0; for a NULL queue as coil_queue_put. asyncio:
 * Queue.shutdown.
 */
COIL_API int coil_queue_shutdown(coil_queue *queue, bool immediate);

/* ---- values local to a task ------------------------------------------------------------------------------------------ */

/*
 * Stands for a value that each task has its own of. It lives in the caller's memory, for as long as any task has a
 * value for it, and its address is what it is known by: usually it is a static const. One key may serve several
 * loops. asyncio: ContextVar.
 *
 *     static const coil_local_key request = COIL_LOCAL_KEY_INIT(free);
 */
typedef struct coil_local_key {
    void (*destroy)(void *value); /* called with a value that no task holds any more; NULL: nothing is to be done */
} coil_local_key;

/* The initialiser of a key: destroy as in the struct. */
#define COIL_LOCAL_KEY_INIT(destroy) \
    {                                \
        (destroy)                    \
    }

/*
 * The running task's value for key: what it set last, or what the task that created it had at that moment; NULL when
 * there is none, and in callbacks, which have no values. The pointer is good until the task sets another or ends.
 * asyncio: ContextVar.get.
 */
COIL_API void *coil_local_get(const coil_local_key *key);

/*
 * Makes value the running task's for key, and that of the tasks that it creates from now on; NULL takes it away. The
 * task takes value over: key's destroy gets it once the last task that holds it has ended or has set another, at once
 * when that is the caller. Setting what is set already changes nothing. destroy runs on the loop's thread, mostly at
 * a task's very end, and must not await. Returns 0; -EPERM outside of a task; -EINVAL (NULL key); -ENOMEM with
 * everything as it was, value still being the caller's. asyncio: ContextVar.set.
 */
COIL_API int coil_local_set(const coil_local_key *key, void *value);

#ifdef __cplusplus
}
#endif

#endif
