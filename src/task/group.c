/*
 * Groups of tasks, after asyncio's taskgroups.py, line by line where the order of events depends on it. What a group must know of a
 * child lies beside the child, on the child's own stack, so that a child costs no allocation. The group itself is a record
 * (see scope.h for why); it becomes its task's when the group ends, because the errors in it can still be asked for.
 */
#include <errno.h>

#include "base/options.h"
#include "sys/alloc.h"
#include "task/report.h"
#include "task/scope.h"
#include "task/task.h"

/* The caller's view. */
enum { UNUSED, REFUSED, OPEN, ENDED };

enum {
    EXITING = 1,
    ABORTING = 2,
    PARENT_CANCELLED = 4, /* by this group, which takes the request back */
    ABANDONED = 8,        /* left without its end: it is freed with its last child */
};

struct group {
    struct ci_scope scope;
    struct ci_task *parent;
    struct ci_list unfinished;
    struct ci_list kept; /* children that are done, whose handles were given out */
    struct ci_wait *waiter;
    struct ci_note *note; /* what came with the first error */
    unsigned flags;
    size_t error_count;
    size_t capacity; /* of more_errors */
    int *more_errors;
    int errors[COIL_GROUP_ERRORS_INSIDE];
};

struct member {
    struct ci_list link; /* in the group's list of unfinished children, then of those that are kept */
    struct ci_callback callback;
    struct ci_task *task;
    struct group *group;
    bool kept; /* the handle was given out: good until the group's end */
};

static struct member *member_of(struct ci_list *link)
{
    return ci_container_of(link, struct member, link);
}

/* The record of a group that is open, or NULL: it may have been closed by the end of a scope around it. */
static struct group *open_group(const coil_group *group)
{
    struct group *record = group != NULL && group->state_ == OPEN ? group->scope_ : NULL;

    return record == NULL || record->scope.serial != group->serial_ || record->flags & ABANDONED ? NULL : record;
}

/* ---- beginning, and being left --------------------------------------------------------------------------------------- */

void ci_group_free(struct ci_runtime *runtime, struct group *group)
{
    if (group != NULL) {
        ci_note_unref(group->note);
        ci_free(group->more_errors);
        ci_scope_free(runtime, &group->scope);
    }
}

static void release_kept(struct group *group)
{
    while (!ci_list_empty(&group->kept)) {
        ci_future_unref(&member_of(ci_list_pop(&group->kept))->task->future);
    }
}

static void cancel_members(struct group *group)
{
    group->flags |= ABORTING;
    for (struct ci_list *link = group->unfinished.next; link != &group->unfinished; link = link->next) {
        struct ci_task *task = member_of(link)->task;
        if (!ci_future_done(&task->future)) {
            (void)ci_future_cancel(&task->future, NULL); /* it is pending, so it takes the request */
        }
    }
}

static void abandon(struct ci_scope *scope)
{
    struct group *group = ci_container_of(scope, struct group, scope);
    struct ci_runtime *runtime = ci_runtime_of(group->parent->future.loop);

    if (group->flags & PARENT_CANCELLED) {
        (void)coil_uncancel(&group->parent->future);
    }
    group->flags |= ABANDONED;
    group->parent = NULL;
    release_kept(group);
    if (ci_list_empty(&group->unfinished)) {
        ci_group_free(runtime, group);
    } else {
        cancel_members(group);
    }
}

static void discard(struct ci_scope *scope)
{
    struct group *group = ci_container_of(scope, struct group, scope);

    release_kept(group);
    while (!ci_list_empty(&group->unfinished)) {
        struct member *member = member_of(ci_list_pop(&group->unfinished));
        ci_future_unsubscribe(&member->task->future, &member->callback);
        ci_future_unref(&member->task->future);
    }
    ci_group_free(ci_runtime_of(group->parent->future.loop), group);
}

static const struct ci_scope_class group_class = {.kind = CI_SCOPE_GROUP,
                                                  .size = sizeof(struct group),
                                                  .end = "coil_group_end",
                                                  .abandon = abandon,
                                                  .discard = discard};

void coil_group_begin(coil_group *handle)
{
    struct ci_task *task = ci_task_running();

    if (handle == NULL) {
        return;
    }
    *handle = (coil_group){.state_ = REFUSED};
    struct ci_scope *scope = task == NULL ? NULL : ci_scope_new(ci_runtime_of(task->future.loop), &group_class);
    if (scope == NULL) {
        handle->first_errors_[0] = task == NULL ? -EPERM : -ENOMEM;
        return;
    }
    struct group *group = ci_container_of(scope, struct group, scope);
    *group = (struct group){.scope = *scope, .parent = task};
    ci_list_init(&group->unfinished);
    ci_list_init(&group->kept);
    ci_scope_enter(task, scope);
    handle->serial_ = scope->serial;
    handle->scope_ = group;
    handle->state_ = OPEN;
}

/* ---- errors ---------------------------------------------------------------------------------------------------------- */

static int *error_slot(struct group *group)
{
    size_t beyond = group->error_count - COIL_GROUP_ERRORS_INSIDE;

    if (group->error_count < COIL_GROUP_ERRORS_INSIDE) {
        return &group->errors[group->error_count];
    }
    if (beyond == group->capacity) {
        size_t capacity = group->capacity == 0 ? 2 * COIL_GROUP_ERRORS_INSIDE : 2 * group->capacity;
        int *more = ci_realloc(group->more_errors, capacity * sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        group->more_errors = more;
        group->capacity = capacity;
    }
    return &group->more_errors[beyond];
}

/* Without memory for the list the first errors stay, and those are what the group fails with. */
static void add_error(struct group *group, int error)
{
    int *slot = error_slot(group);

    if (slot != NULL) {
        *slot = error;
        group->error_count++;
    }
}

int coil_group_error(const coil_group *handle, size_t i)
{
    struct ci_task *task = ci_task_running();

    if (handle == NULL || handle->state_ != ENDED || i >= handle->errors_) {
        return 0;
    }
    if (i < COIL_GROUP_ERRORS_INSIDE) {
        return handle->first_errors_[i];
    }
    const struct group *group = handle->scope_;
    return task != NULL && task->last_group == group && group->scope.serial == handle->serial_
               ? group->more_errors[i - COIL_GROUP_ERRORS_INSIDE]
               : 0;
}

/* ---- children -------------------------------------------------------------------------------------------------------- */

static void member_failed(struct group *group, struct ci_task *task)
{
    if (group->flags & ABANDONED) {
        ci_report_error(&task->future, COIL_REPORT_GROUP_PARENT_DONE, "a task failed after its group had been left");
        return;
    }
    add_error(group, ci_future_retrieve(&task->future));
    if (group->error_count == 1) {
        ci_note_store(&group->note, ci_future_take_note(&task->future));
    }
    if (!(group->flags & (ABORTING | PARENT_CANCELLED))) {
        cancel_members(group);
        group->flags |= PARENT_CANCELLED;
        (void)ci_future_cancel(&group->parent->future, NULL); /* it is in the group, so it is not done */
    }
}

static void on_member(void *arg)
{
    struct member *member = arg;
    struct ci_task *task = member->task;
    struct group *group = member->group;
    struct coil_loop *loop = task->future.loop;

    ci_callback_runs(&member->callback, loop);
    ci_list_remove(&member->link);
    if (ci_list_empty(&group->unfinished) && group->waiter != NULL) {
        ci_wait_finish(group->waiter);
    }
    if (task->future.state == CI_DONE && task->future.result < 0) {
        member_failed(group, task);
    }
    if (member->kept && !(group->flags & ABANDONED)) {
        ci_list_append(&group->kept, &member->link);
    } else {
        ci_future_unref(&task->future);
    }
    if (group->flags & ABANDONED && ci_list_empty(&group->unfinished)) {
        ci_group_free(ci_runtime_of(loop), group);
    }
}

static int check_open(const coil_group *handle)
{
    const struct group *group = open_group(handle);

    if (group == NULL) {
        return handle != NULL && handle->state_ == REFUSED ? handle->first_errors_[0] : -EINVAL;
    }
    if (group->flags & EXITING && ci_list_empty(&group->unfinished)) {
        return -EINVAL;
    }
    return group->flags & ABORTING ? -ECANCELED : 0;
}

static struct ci_task *create(coil_group *handle, coil_fn *fn, const struct coil_task_options *options, bool kept)
{
    struct coil_task_options copy;
    int rc = check_open(handle);

    options = ci_options(&copy, sizeof(copy), options);
    if (rc < 0) {
        return ci_loop_creation_failed(rc);
    }
    struct group *group = open_group(handle);
    struct coil_loop *loop = group->parent->future.loop;
    rc = ci_loop_check_thread(loop, "creating a task in a group");
    if (rc < 0) {
        return ci_loop_creation_failed(rc);
    }
    if (ci_ready_reserve(&loop->ready) < 0) {
        return ci_loop_creation_failed(-ENOMEM);
    }
    struct ci_task *task = ci_task_new(loop, fn, options, sizeof(struct member));
    if (task == NULL) {
        ci_ready_release(&loop->ready);
        return NULL;
    }
    struct member *member = task->room;
    member->task = task;
    member->group = group;
    member->kept = kept;
    ci_callback_init(&member->callback, on_member, member);
    member->callback.reserves = true; /* the place taken above: subscribing cannot fail once the task is there */
    ci_task_start(task, options->eager_start);
    ci_list_append(&group->unfinished, &member->link);
    (void)ci_future_subscribe(&task->future, &member->callback);
    return task;
}

coil_task *coil_group_create_task_with(coil_group *group, coil_fn *fn, const struct coil_task_options *options)
{
    struct ci_task *task = create(group, fn, options, true);

    return task == NULL ? NULL : &task->future;
}

int coil_group_spawn_with(coil_group *group, coil_fn *fn, const struct coil_task_options *options)
{
    return create(group, fn, options, false) == NULL ? ci_loop_creation_error : 0;
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

struct leaving {
    bool propagate;       /* a cancellation of the parent that is not this group's */
    struct ci_note *note; /* and what came with it */
};

static void parent_is_cancelled(struct ci_task *parent, struct leaving *leaving)
{
    leaving->propagate = true;
    ci_note_store(&leaving->note, ci_note_ref(parent->last_note));
}

struct last_wait {
    struct ci_wait wait;
    struct group *group;
    struct leaving *leaving;
};

/* The loop closes under a task that waits in coil_group_end: its frame holds the group, and what came with a cancellation. */
static void abandon_end(struct ci_wait *wait)
{
    struct last_wait *last = ci_container_of(wait, struct last_wait, wait);

    ci_note_unref(last->leaving->note);
    discard(&last->group->scope);
}

static void wait_for_members(struct group *group, struct leaving *leaving)
{
    struct last_wait last = {.group = group, .leaving = leaving};

    while (!ci_list_empty(&group->unfinished)) {
        ci_wait_init(&last.wait, group->parent, "the tasks of its group");
        last.wait.abandon = abandon_end;
        group->waiter = &last.wait;
        int rc = ci_wait_suspend(&last.wait);
        group->waiter = NULL;
        if (rc < 0 && !(group->flags & ABORTING)) {
            parent_is_cancelled(group->parent, leaving);
            cancel_members(group);
        }
    }
}

static int fail_with_errors(struct group *group, int rc)
{
    struct ci_task *parent = group->parent;

    if (parent->cancelling > 0) {
        /* Cancelled from outside as well: the request stays one, and is delivered again. */
        (void)coil_uncancel(&parent->future);
        (void)ci_future_cancel(&parent->future, NULL);
    }
    int error = group->errors[0];
    if (error != rc) {
        ci_task_arrived_with(parent, group->note);
        group->note = NULL;
    }
    return error;
}

static int outcome(struct group *group, struct leaving *leaving, int rc)
{
    if (group->flags & PARENT_CANCELLED && coil_uncancel(&group->parent->future) == 0) {
        leaving->propagate = false;
    }
    if (leaving->propagate && group->error_count == 0) {
        ci_task_arrived_with(group->parent, leaving->note);
        leaving->note = NULL;
        return -ECANCELED;
    }
    if (rc < 0 && rc != -ECANCELED) {
        add_error(group, rc);
    }
    return group->error_count > 0 ? fail_with_errors(group, rc) : rc;
}

/* The group's handles end, and the record becomes the parent's. */
static void settle(coil_group *handle, struct group *group)
{
    release_kept(group);
    handle->state_ = ENDED;
    handle->errors_ = group->error_count;
    for (size_t i = 0; i < group->error_count && i < COIL_GROUP_ERRORS_INSIDE; i++) {
        handle->first_errors_[i] = group->errors[i];
    }
    ci_group_free(ci_runtime_of(group->parent->future.loop), group->parent->last_group);
    group->parent->last_group = group;
}

int coil_group_end(coil_group *handle, int rc)
{
    struct ci_task *parent = ci_task_running();
    struct group *group = open_group(handle);
    struct leaving leaving = {0};

    if (group == NULL) {
        return handle != NULL && handle->state_ == REFUSED ? handle->first_errors_[0] : -EINVAL;
    }
    if (group->parent != parent) {
        return -EPERM;
    }
    ci_scope_leave(parent, &group->scope);
    group->flags |= EXITING;
    if (rc == -ECANCELED) {
        parent_is_cancelled(parent, &leaving);
    }
    if (rc < 0 && !(group->flags & ABORTING)) {
        cancel_members(group);
    }
    wait_for_members(group, &leaving);
    rc = outcome(group, &leaving, rc);
    ci_note_unref(leaving.note);
    settle(handle, group);
    return rc;
}
