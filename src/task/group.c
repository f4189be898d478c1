/*
 * Groups of tasks, after asyncio's taskgroups.py, line by line where the order of events depends on it. What a group must know of a
 * child lies beside the child, on the child's own stack, so that a group allocates nothing for it; only errors beyond the first
 * few need memory, and that becomes the parent task's when the group ends.
 */
#include <errno.h>

#include "sys/alloc.h"
#include "task/report.h"
#include "task/task.h"

enum {
    BEGUN = 1,
    EXITING = 2,
    ABORTING = 4,
    PARENT_CANCELLED = 8, /* by this group, which takes the request back */
    ENDED = 16,
};

struct member {
    struct ci_list link; /* in the group's list of unfinished children, then of those that are kept */
    struct ci_callback callback;
    struct ci_task *task;
    coil_group *group;
    bool kept; /* the handle was given out: good until the group's end */
};

/* The members of coil_group that are lists are declared in plain C there. */
static struct ci_list *list_of(void **pair)
{
    return (struct ci_list *)(void *)pair;
}

static struct member *member_of(struct ci_list *link)
{
    return ci_container_of(link, struct member, link);
}

void coil_group_begin(coil_group *group)
{
    struct ci_task *task = ci_task_running();

    *group = (coil_group){.parent_ = task == NULL ? NULL : &task->future};
    ci_list_init(list_of(group->unfinished_));
    ci_list_init(list_of(group->kept_));
    if (task != NULL) {
        group->state_ = BEGUN;
    }
}

/* ---- errors ---------------------------------------------------------------------------------------------------------- */

static int *error_slot(coil_group *group)
{
    size_t beyond = group->errors_ - COIL_GROUP_ERRORS_INSIDE;

    if (group->errors_ < COIL_GROUP_ERRORS_INSIDE) {
        return &group->first_errors_[group->errors_];
    }
    if (beyond == group->capacity_) {
        size_t capacity = group->capacity_ == 0 ? 2 * COIL_GROUP_ERRORS_INSIDE : 2 * group->capacity_;
        int *more = ci_realloc(group->more_errors_, capacity * sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        group->more_errors_ = more;
        group->capacity_ = capacity;
    }
    return &group->more_errors_[beyond];
}

/* Without memory for the list the first errors stay, and those are what the group fails with. */
static void add_error(coil_group *group, int error)
{
    int *slot = error_slot(group);

    if (slot != NULL) {
        *slot = error;
        group->errors_++;
    }
}

int coil_group_error(const coil_group *group, size_t i)
{
    if (i >= group->errors_) {
        return 0;
    }
    return i < COIL_GROUP_ERRORS_INSIDE ? group->first_errors_[i] : group->more_errors_[i - COIL_GROUP_ERRORS_INSIDE];
}

/* ---- children -------------------------------------------------------------------------------------------------------- */

static void cancel_members(coil_group *group)
{
    struct ci_list *list = list_of(group->unfinished_);

    group->state_ |= ABORTING;
    for (struct ci_list *link = list->next; link != list; link = link->next) {
        struct ci_task *task = member_of(link)->task;
        if (!ci_future_done(&task->future)) {
            (void)ci_future_cancel(&task->future, NULL); /* it is pending, so it takes the request */
        }
    }
}

static void member_failed(coil_group *group, struct ci_task *task)
{
    struct ci_task *parent = ci_task_of(group->parent_);

    add_error(group, ci_future_retrieve(&task->future));
    if (group->errors_ == 1) {
        ci_note_store(&parent->group_note, ci_future_take_note(&task->future));
    }
    if (!(group->state_ & (ABORTING | PARENT_CANCELLED))) {
        cancel_members(group);
        group->state_ |= PARENT_CANCELLED;
        (void)ci_future_cancel(&parent->future, NULL); /* it is in the group, so it is not done */
    }
}

static void on_member(void *arg)
{
    struct member *member = arg;
    struct ci_task *task = member->task;
    coil_group *group = member->group;

    ci_callback_runs(&member->callback, task->future.loop);
    ci_list_remove(&member->link);
    if (ci_list_empty(list_of(group->unfinished_)) && group->waiter_ != NULL) {
        ci_wait_finish(group->waiter_);
    }
    if (task->future.state == CI_DONE && task->future.result < 0) {
        member_failed(group, task);
    }
    if (member->kept) {
        ci_list_append(list_of(group->kept_), &member->link);
    } else {
        ci_future_unref(&task->future);
    }
}

static int check_group(const coil_group *group)
{
    if (group == NULL || !(group->state_ & BEGUN) || group->state_ & ENDED) {
        return -EINVAL;
    }
    if (group->state_ & EXITING && ci_list_empty(list_of(((coil_group *)(uintptr_t)group)->unfinished_))) {
        return -EINVAL;
    }
    return group->state_ & ABORTING ? -ESHUTDOWN : 0;
}

static struct ci_task *create(coil_group *group, coil_fn *fn, const struct coil_task_options *options, bool kept)
{
    int rc = check_group(group);

    if (rc < 0) {
        return ci_loop_creation_failed(rc);
    }
    struct coil_loop *loop = group->parent_->loop;
    ci_loop_check_thread(loop, "coil_group_create_task");
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
    ci_list_append(list_of(group->unfinished_), &member->link);
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

static void wait_for_members(coil_group *group, struct ci_task *parent, struct leaving *leaving)
{
    struct ci_wait wait;

    while (!ci_list_empty(list_of(group->unfinished_))) {
        ci_wait_init(&wait, parent, "the tasks of its group");
        group->waiter_ = &wait;
        int rc = ci_wait_suspend(&wait);
        group->waiter_ = NULL;
        if (rc < 0 && !(group->state_ & ABORTING)) {
            parent_is_cancelled(parent, leaving);
            cancel_members(group);
        }
    }
}

/* The handles that were given out end here, and the errors become the parent's. */
static void clear_up(coil_group *group, struct ci_task *parent)
{
    struct ci_list *kept = list_of(group->kept_);

    while (!ci_list_empty(kept)) {
        ci_future_unref(&member_of(ci_list_pop(kept))->task->future);
    }
    ci_free(parent->group_errors);
    parent->group_errors = group->more_errors_;
    group->state_ |= ENDED;
}

static int fail_with_errors(coil_group *group, struct ci_task *parent, int rc)
{
    if (parent->cancelling > 0) {
        /* Cancelled from outside as well: the request stays one, and is delivered again. */
        (void)coil_uncancel(&parent->future);
        (void)ci_future_cancel(&parent->future, NULL);
    }
    int error = coil_group_error(group, 0);
    if (error != rc) {
        ci_task_arrived_with(parent, parent->group_note);
        parent->group_note = NULL;
    }
    return error;
}

static int outcome(coil_group *group, struct ci_task *parent, struct leaving *leaving, int rc)
{
    if (group->state_ & PARENT_CANCELLED && coil_uncancel(&parent->future) == 0) {
        leaving->propagate = false;
    }
    if (leaving->propagate && group->errors_ == 0) {
        ci_task_arrived_with(parent, leaving->note);
        leaving->note = NULL;
        return -ECANCELED;
    }
    if (rc < 0 && rc != -ECANCELED) {
        add_error(group, rc);
    }
    return group->errors_ > 0 ? fail_with_errors(group, parent, rc) : rc;
}

int coil_group_end(coil_group *group, int rc)
{
    struct ci_task *parent = ci_task_running();
    struct leaving leaving = {0};

    if (!(group->state_ & BEGUN) || group->state_ & ENDED) {
        return group->parent_ == NULL ? -EPERM : -EINVAL;
    }
    if (parent == NULL || &parent->future != group->parent_) {
        return -EPERM;
    }
    group->state_ |= EXITING;
    if (rc == -ECANCELED) {
        parent_is_cancelled(parent, &leaving);
    }
    if (rc < 0 && !(group->state_ & ABORTING)) {
        cancel_members(group);
    }
    wait_for_members(group, parent, &leaving);
    rc = outcome(group, parent, &leaving, rc);
    ci_note_unref(leaving.note);
    clear_up(group, parent);
    return rc;
}
