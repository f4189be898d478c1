/*
 * Synchronisation between the tasks of one loop, queues, and values local to a task. Locks and their like live in the caller's memory,
 * need no release, and are ready when their bytes are zero or set by their initialiser (COIL_LOCK_INIT and so on); the
 * members are the library's. They must stay where they are while a task waits on them. All are fair: who waits first is served
 * first, and nobody overtakes. Everything here is used from the loop's own thread.
 *
 * The calls that await return -ECANCELED when the calling task is cancelled there (then nothing was acquired, put or taken) and
 * -EPERM outside of a task.
 */
#ifndef COIL_SYNC_H
#define COIL_SYNC_H

#include <coil/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- lock ------------------------------------------------------------------------------------------------------------ */

/* A mutual exclusion between tasks. It is not recursive. asyncio: Lock. */
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

/* Makes an unlocked lock, instead of the static initialiser. */
COIL_API void coil_lock_init(coil_lock *lock);

/* Awaits until the lock is the caller's. At once if it is free and nobody waits. 0, -ECANCELED, -EPERM. asyncio: acquire. */
COIL_API int coil_lock_acquire(coil_lock *lock);

/* Frees it and wakes the first who waits. Any task may do so, and a callback. 0, or -EPERM if it is not locked.
 * asyncio: release. */
COIL_API int coil_lock_release(coil_lock *lock);

/* Whether somebody holds it. False between a release and the step of who was woken by it. asyncio: locked. */
COIL_API bool coil_lock_locked(const coil_lock *lock);

/* ---- event ----------------------------------------------------------------------------------------------------------- */

/* A flag that tasks can wait for. asyncio: Event. */
typedef struct coil_event {
    void *waiters_[2];
    bool set_;
} coil_event;

#define COIL_EVENT_INIT \
    {                   \
        {0}, false      \
    }

/* Makes an event that is not set, instead of the static initialiser. */
COIL_API void coil_event_init(coil_event *event);

/* Awaits until the flag is set; at once if it is. Who was woken returns 0 even if the flag was cleared since. 0, -ECANCELED,
 * -EPERM. asyncio: wait. */
COIL_API int coil_event_wait(coil_event *event);

/* Sets the flag and wakes all who wait. asyncio: set. */
COIL_API void coil_event_set(coil_event *event);

/* Clears the flag. asyncio: clear. */
COIL_API void coil_event_clear(coil_event *event);

/* asyncio: is_set. */
COIL_API bool coil_event_is_set(const coil_event *event);

/* ---- semaphore ------------------------------------------------------------------------------------------------------- */

/* A counter that tasks take from and give back to. asyncio: Semaphore, BoundedSemaphore. */
typedef struct coil_semaphore {
    void *waiters_[2];
    size_t live_;
    long value_;
    long bound_;
} coil_semaphore;

#define COIL_SEMAPHORE_INIT(value) \
    {                              \
        {0}, 0, (value), -1        \
    }
#define COIL_BOUNDED_SEMAPHORE_INIT(value) \
    {                                      \
        {0}, 0, (value), (value)           \
    }

/* Makes one with so many units. 0, or -EINVAL for a negative number. asyncio: Semaphore(value). */
COIL_API int coil_semaphore_init(coil_semaphore *semaphore, long value);

/* The same, which refuses to grow beyond its first value. asyncio: BoundedSemaphore(value). */
COIL_API int coil_bounded_semaphore_init(coil_semaphore *semaphore, long value);

/* Awaits a unit and takes it. 0, -ECANCELED, -EPERM. asyncio: acquire. */
COIL_API int coil_semaphore_acquire(coil_semaphore *semaphore);

/* Gives a unit back, or to the first who waits. 0, or -EINVAL when a bounded one would grow beyond its first value.
 * asyncio: release. */
COIL_API int coil_semaphore_release(coil_semaphore *semaphore);

/* Whether an acquire would wait now. asyncio: locked. */
COIL_API bool coil_semaphore_locked(const coil_semaphore *semaphore);

/* ---- condition ------------------------------------------------------------------------------------------------------- */

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

/* Makes one; lock is the caller's and is shared, NULL has it use its own. */
COIL_API void coil_condition_init(coil_condition *condition, coil_lock *lock);

/* The lock's calls, on the condition's lock. */
COIL_API int coil_condition_acquire(coil_condition *condition);
COIL_API int coil_condition_release(coil_condition *condition);
COIL_API bool coil_condition_locked(const coil_condition *condition);

/*
 * Releases the lock, awaits a notification, and awaits the lock again, which it holds on return, on -ECANCELED too. May return
 * without anything having changed: ask again. 0, -ECANCELED, -EPERM (outside of a task, or not locked). asyncio: wait.
 */
COIL_API int coil_condition_wait(coil_condition *condition);

/* Awaits, as coil_condition_wait does, until predicate(arg) is true. 0, and the errors of coil_condition_wait.
 * asyncio: wait_for. */
COIL_API int coil_condition_wait_for(coil_condition *condition, bool (*predicate)(void *arg), void *arg);

/* Wakes the first n who wait; they go on once they have the lock. 0, or -EPERM if it is not locked. asyncio: notify. */
COIL_API int coil_condition_notify(coil_condition *condition, size_t n);

/* Wakes all who wait. 0, or -EPERM if it is not locked. asyncio: notify_all. */
COIL_API int coil_condition_notify_all(coil_condition *condition);

/* ---- barrier --------------------------------------------------------------------------------------------------------- */

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

/* Makes one for so many tasks. 0, or -EINVAL for none. asyncio: Barrier(parties). */
COIL_API int coil_barrier_init(coil_barrier *barrier, size_t parties);

/* Awaits until as many tasks as the barrier has parties wait here. Returns a number from 0 to parties - 1, another for each;
 * -EPIPE when the barrier is broken or reset meanwhile, -ECANCELED (the caller leaves), -EPERM. asyncio: wait. */
COIL_API int coil_barrier_wait(coil_barrier *barrier);

/* Awaits the barrier's lock and empties it: who waits gets -EPIPE, and it can be used again. asyncio: reset. */
COIL_API int coil_barrier_reset(coil_barrier *barrier);

/* Awaits the barrier's lock and breaks it: who waits and who comes gets -EPIPE, until a reset. asyncio: abort. */
COIL_API int coil_barrier_abort(coil_barrier *barrier);

/* How many wait for the barrier to fill. asyncio: n_waiting. */
COIL_API size_t coil_barrier_waiting(const coil_barrier *barrier);

/* asyncio: broken. */
COIL_API bool coil_barrier_broken(const coil_barrier *barrier);

/* ---- queue ----------------------------------------------------------------------------------------------------------- */

/* A queue of items of one size, which are copied in and out. asyncio: Queue, LifoQueue, PriorityQueue. */
typedef struct coil_queue coil_queue;

enum coil_queue_order { COIL_FIFO, COIL_LIFO, COIL_PRIORITY };

struct coil_queue_options {
    size_t size;
    size_t item_size;
    size_t maxsize;
    enum coil_queue_order order;
    int (*compare)(const void *a, const void *b); /* COIL_PRIORITY: < 0 when a comes first, as for qsort */
};

/*
 * Makes a queue of items of item_size bytes, at most maxsize of them (0: no limit), and hands out one reference. Options: .order
 * .compare. Items that compare as equal come out in the order in which they went in. NULL with coil_creation_error(): -EINVAL (item_size
 * 0, COIL_PRIORITY without .compare), -ENOMEM. asyncio: Queue(maxsize).
 */
#define coil_queue_new(itemsize, ...)                 \
    coil_queue_new_with(&(struct coil_queue_options){ \
        .size = sizeof(struct coil_queue_options), .item_size = (itemsize), .maxsize = __VA_ARGS__})
COIL_API coil_queue *coil_queue_new_with(const struct coil_queue_options *options);

/* Takes another reference and returns queue; gives one back. NULL is fine. Items that are left go with the last one. */
COIL_API coil_queue *coil_queue_ref(coil_queue *queue);
COIL_API void coil_queue_unref(coil_queue *queue);

/* Awaits room and puts a copy of *item in. 0, -ESHUTDOWN, -ECANCELED, -EPERM, -EINVAL (NULL), -ENOMEM. asyncio: put. */
COIL_API int coil_queue_put(coil_queue *queue, const void *item);

/* Awaits an item and moves it to *item. 0, -ESHUTDOWN when the queue is shut down and empty, -ECANCELED (no item is lost),
 * -EPERM, -EINVAL (NULL). asyncio: get. */
COIL_API int coil_queue_get(coil_queue *queue, void *item);

/* The same without waiting: -EAGAIN when there is no room, or no item. asyncio: put_nowait, get_nowait. */
COIL_API int coil_queue_put_nowait(coil_queue *queue, const void *item);
COIL_API int coil_queue_get_nowait(coil_queue *queue, void *item);

/* Says that an item that was taken has been dealt with. 0, or -EINVAL when said more often than items were put in.
 * asyncio: task_done. */
COIL_API int coil_queue_task_done(coil_queue *queue);

/* Awaits until every item that was put in has been dealt with. 0, -ECANCELED, -EPERM, -EINVAL (NULL). asyncio: join. */
COIL_API int coil_queue_join(coil_queue *queue);

/* How many items are in it; 0 for NULL. asyncio: qsize. */
COIL_API size_t coil_queue_size(const coil_queue *queue);

/* No more puts; gets as long as there are items, or, with immediate, not even those: they are dropped and count as dealt with. Wakes
 * all who wait. 0, or -EINVAL (NULL). asyncio: shutdown. */
COIL_API int coil_queue_shutdown(coil_queue *queue, bool immediate);

#ifdef __cplusplus
}
#endif

#endif
