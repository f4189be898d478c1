/* Futures: completion, callbacks, references. See future.h; cancellation is in cancel.c. */
#include "task/future.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "sys/alloc.h"
#include "task/report.h"
#include "task/task.h"

static void free_plain(struct coil_future *future)
{
    ci_free(future);
}

const struct ci_future_class ci_future_plain = {.name = "Future", .destroy = free_plain};

void ci_future_init(struct coil_future *future, const struct ci_future_class *klass, coil_loop *loop,
                    const struct coil_site *site)
{
    *future = (struct coil_future){.class = klass,
                                   .loop = loop,
                                   .references = 1,
                                   .state = CI_PENDING,
                                   .line = site->line,
                                   .file = site->file,
                                   .function = site->function};
    ci_list_init(&future->callbacks);
    ci_runtime_of(loop)->futures++;
    if (__builtin_expect(loop->trace != NULL, 0)) {
        loop->trace->future_created(loop->trace, future);
    }
}

struct coil_future *ci_future_new(coil_loop *loop, const struct ci_future_class *klass, size_t size,
                                  const struct coil_site *site)
{
    struct coil_future *future = ci_alloc_zero(size);
    if (future == NULL) {
        return ci_loop_creation_failed(-ENOMEM);
    }
    ci_future_init(future, klass, loop, site);
    return future;
}

coil_future *coil_future_new_from(const struct coil_site *site)
{
    static const struct coil_site nowhere;

    if (ci_loop_running == NULL) {
        return ci_loop_creation_failed(-EPERM);
    }
    return ci_future_new(ci_loop_running, &ci_future_plain, sizeof(struct coil_future), site == NULL ? &nowhere : site);
}

coil_future *coil_loop_create_future(coil_loop *loop)
{
    if (loop == NULL || ci_runtime_of(loop)->closing || ci_loop_check_thread(loop, "coil_loop_create_future") < 0) {
        return ci_loop_creation_failed(-EPERM);
    }
    return ci_future_new(loop, &ci_future_plain, sizeof(struct coil_future), &(const struct coil_site){0});
}

/* ---- callbacks ------------------------------------------------------------------------------------------------------- */

static void schedule(struct ci_callback *callback, struct coil_future *future)
{
    callback->position = ci_ready_push(&future->loop->ready, callback->run, callback->arg);
    callback->state = CI_CALLBACK_READY;
    if (callback->keeps) {
        future->references++;
        callback->kept = future;
        ci_list_append(&ci_runtime_of(future->loop)->scheduled, &callback->link);
    }
}

int ci_future_subscribe(struct coil_future *future, struct ci_callback *callback)
{
    if (!callback->reserves) {
        int rc = ci_ready_reserve(&future->loop->ready);
        if (rc < 0) {
            return rc;
        }
        callback->reserves = true;
    }
    if (ci_future_done(future)) {
        schedule(callback, future);
    } else {
        ci_list_append(&future->callbacks, &callback->link);
        callback->state = CI_CALLBACK_LISTED;
    }
    return 0;
}

void ci_callback_runs(struct ci_callback *callback, coil_loop *loop)
{
    callback->state = CI_CALLBACK_IDLE;
    if (callback->keeps) {
        ci_list_remove(&callback->link);
    }
    if (callback->reserves) {
        callback->reserves = false;
        ci_ready_release(&loop->ready);
    }
}

void ci_future_unsubscribe(struct coil_future *future, struct ci_callback *callback)
{
    if (callback->state == CI_CALLBACK_LISTED) {
        ci_list_remove(&callback->link);
    } else if (callback->state == CI_CALLBACK_READY) {
        ci_ready_blank(&future->loop->ready, callback->position);
    }
    ci_callback_runs(callback, future->loop);
}

static void schedule_all(struct coil_future *future)
{
    struct ci_list *list = &future->callbacks;

    while (!ci_list_empty(list)) {
        schedule(ci_container_of(ci_list_pop(list), struct ci_callback, link), future);
    }
}

/* ---- completion ------------------------------------------------------------------------------------------------------ */

void ci_future_complete(struct coil_future *future, int result, struct ci_note *note)
{
    future->state = CI_DONE;
    future->result = result;
    if (result < 0) {
        future->flags |= CI_FUTURE_UNRETRIEVED;
    }
    if (__builtin_expect(note != NULL, 0)) {
        ci_note_store(&future->note, note);
    }
    schedule_all(future);
}

void ci_future_set_cancelled(struct coil_future *future, struct ci_note *note)
{
    future->state = CI_CANCELLED;
    future->result = -ECANCELED;
    ci_note_store(&future->note, note);
    schedule_all(future);
}

struct ci_note *ci_future_take_note(struct coil_future *future)
{
    struct ci_note *note = future->note;

    if (note == NULL) {
        return NULL;
    }
    if (future->flags & CI_FUTURE_NOTE_TAKEN) {
        return NULL;
    }
    ci_future_retrieve_note(future);
    return ci_note_ref(note);
}

struct ci_note *ci_future_take_cancel_note(struct coil_future *future)
{
    if (future->state == CI_CANCELLED) {
        return ci_future_take_note(future);
    }
    return ci_future_is_task(future) ? ci_note_ref(ci_task_of(future)->cancel_note) : NULL;
}

static int complete_from_outside(coil_future *future, int result, void *value)
{
    if (future == NULL) {
        return ci_loop_missing();
    }
    int rc = ci_loop_check_thread(future->loop, "completing a future");
    if (rc < 0) {
        return rc;
    }
    if (future->class->internal_result) {
        return -EINVAL;
    }
    if (ci_future_done(future)) {
        return -EALREADY;
    }
    if (ci_runtime_of(future->loop)->closing) {
        ci_done_callbacks_drop(future); /* there is nobody to run them */
    }
    future->value = value;
    ci_future_complete(future, result, NULL);
    return 0;
}

int coil_future_set_result(coil_future *future, int result)
{
    return result < 0 ? -EINVAL : complete_from_outside(future, result, NULL);
}

int coil_future_set_value(coil_future *future, void *value)
{
    return complete_from_outside(future, 0, value);
}

int coil_future_set_error(coil_future *future, int error)
{
    return error >= 0 ? -EINVAL : complete_from_outside(future, error, NULL);
}

/* ---- looking --------------------------------------------------------------------------------------------------------- */

bool coil_done(const coil_future *future)
{
    return future == NULL || ci_future_done(future);
}

bool coil_cancelled(const coil_future *future)
{
    return future != NULL && future->state == CI_CANCELLED;
}

/* Looking at a result is what asyncio calls retrieving it, and the one thing about a future that it changes. */
static struct coil_future *looked_at(const coil_future *future)
{
    return (struct coil_future *)(uintptr_t)future;
}

int coil_result(const coil_future *future)
{
    if (future == NULL) {
        return ci_loop_missing();
    }
    if (!ci_future_done(future)) {
        return -EINPROGRESS;
    }
    ci_future_retrieve_note(looked_at(future));
    return ci_future_retrieve(looked_at(future));
}

int coil_error(const coil_future *future)
{
    int rc = coil_result(future);

    return rc < 0 ? rc : 0;
}

void *coil_value(const coil_future *future)
{
    if (future == NULL) {
        return NULL;
    }
    return ci_future_is_task(future) ? ci_task_of(future)->arg : future->value;
}

const char *coil_error_message(const coil_future *future)
{
    if (future == NULL || !ci_future_done(future) || future->result >= 0) {
        return "";
    }
    const char *words = coil_strerror(future->result);
    if (future->note == NULL) {
        return words;
    }
    struct coil_future *mine = looked_at(future);
    if (mine->message == NULL) {
        size_t length = ci_note_format(future->note, NULL, 0);
        mine->message = ci_alloc(length + strlen(words) + 3);
        if (mine->message == NULL) {
            return words;
        }
        (void)ci_note_format(future->note, mine->message, length + 1);
        (void)sprintf(mine->message + length, ": %s", words); /* measured above */
    }
    return mine->message;
}

const char *coil_cancel_message(const coil_future *future)
{
    if (future == NULL) {
        return NULL;
    }
    const struct ci_note *note = future->note;
    if (!ci_future_done(future)) {
        note = ci_future_is_task(future) ? ci_task_of(future)->last_note : NULL;
    }
    while (note != NULL && note->inner != NULL) {
        note = note->inner;
    }
    return note != NULL && note->error == -ECANCELED ? note->text : NULL;
}

/* ---- references ------------------------------------------------------------------------------------------------------ */

/* A program that never gives references back shall leak, not come round to zero: from here on nothing is counted any more. The
 * library's own references, which are always given back, have room above. */
enum { FOR_EVER = INT32_MAX };

coil_future *coil_ref(coil_future *future)
{
    if (future == NULL || ci_loop_check_thread(future->loop, "coil_ref") < 0) {
        return NULL;
    }
    future->references += future->references < FOR_EVER;
    return future;
}

void coil_unref(coil_future *future)
{
    if (future != NULL && ci_loop_check_thread(future->loop, "coil_unref") == 0 && future->references < FOR_EVER) {
        ci_future_unref(future);
    }
}

static void destroy_one(struct ci_runtime *runtime, struct coil_future *future)
{
    if (__builtin_expect(future->flags & CI_FUTURE_UNRETRIEVED, 0) && !runtime->closed) {
        ci_report_never_retrieved(future);
        if (future->references > 0) {
            return; /* the handler has kept it */
        }
    }
    if (__builtin_expect(future->loop->trace != NULL, 0)) {
        future->loop->trace->future_destroyed(future->loop->trace, future);
    }
    if (!ci_list_empty(&future->callbacks)) {
        ci_done_callbacks_drop(future);
    }
    if (__builtin_expect(future->note != NULL, 0)) {
        ci_note_unref(future->note);
    }
    if (__builtin_expect(future->message != NULL, 0)) {
        ci_free(future->message);
    }
    future->class->destroy(future);
    runtime->futures--;
}

void ci_future_unref_later(struct coil_future *future)
{
    struct ci_runtime *runtime = ci_runtime_of(future->loop);

    future->references--;
    if (ci_future_is_unwanted(future)) {
        future->walk_from = runtime->doomed;
        runtime->doomed = future;
    }
}

void ci_future_destroy(struct coil_future *future)
{
    struct ci_runtime *runtime = ci_runtime_of(future->loop);

    destroy_one(runtime, future);
    while (__builtin_expect(runtime->doomed != NULL, 0)) {
        future = runtime->doomed;
        runtime->doomed = future->walk_from;
        destroy_one(runtime, future);
    }
    if (__builtin_expect(runtime->closed, 0)) {
        ci_runtime_release(runtime);
    }
}
