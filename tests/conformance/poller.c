/* The virtual clock as a poller: see poller.h, and poll/poll.h for what a poller must do. */
#include "poller.h"

#include <errno.h>

#include "arena.h"
#include "base/duration.h"
#include "base/list.h"
#include "loop/loop.h"

struct outside_call {
    struct outside_call *next;
    int64_t when_ns;
    void (*function)(void *arg);
    void *arg;
};

static struct virtual_poller *of(struct ci_poller *poller)
{
    return ci_container_of(poller, struct virtual_poller, poller);
}

static void call_from_outside(const struct outside_call *call)
{
    struct coil_loop *loop = ci_loop_running;

    ci_loop_running = NULL;
    call->function(call->arg);
    ci_loop_running = loop;
}

/* Moves the clock to the end of the timeout, or to what comes from outside before that. */
static int wait_for_time(struct ci_poller *base, int64_t timeout_ns)
{
    struct virtual_poller *poller = of(base);
    struct coil_loop *loop = poller->loop;

    if (poller->before_wait != NULL) {
        poller->before_wait(poller->arg);
    }
    poller->iteration++;
    if (poller->iteration > poller->iteration_limit) {
        return STOPPED_BY_LIMIT;
    }
    if (timeout_ns == CI_FOREVER && poller->calls == NULL) {
        return STOPPED_BY_DEADLOCK;
    }
    int64_t end_ns = ci_deadline_ns(loop->virtual_ns, timeout_ns);
    if (poller->calls == NULL || poller->calls->when_ns > end_ns) {
        loop->virtual_ns = end_ns;
    } else if (poller->calls->when_ns > loop->virtual_ns) {
        loop->virtual_ns = poller->calls->when_ns;
    }
    while (poller->calls != NULL && poller->calls->when_ns <= loop->virtual_ns) {
        struct outside_call *call = poller->calls;
        poller->calls = call->next;
        call_from_outside(call);
    }
    return 0;
}

static int submit(struct ci_poller *poller, struct ci_op *op)
{
    (void)poller;
    (void)op;
    return -ENOTSUP;
}

static void cancel(struct ci_poller *poller, struct ci_op *op)
{
    (void)poller;
    (void)op;
}

static void evict(struct ci_poller *poller, int fd)
{
    (void)poller;
    (void)fd;
}

static void wake(struct ci_poller *poller)
{
    (void)poller; /* it never sleeps */
}

static void destroy(struct ci_poller *poller)
{
    (void)poller; /* it is part of the machine */
}

static const struct ci_poller_class virtual_class = {
    .name = "virtual clock",
    .submit = submit,
    .cancel = cancel,
    .evict = evict,
    .wait = wait_for_time,
    .wake = wake,
    .destroy = destroy,
};

void virtual_poller_install(struct virtual_poller *poller, struct coil_loop *loop, int iteration_limit)
{
    *poller = (struct virtual_poller){
        .poller = {.class = &virtual_class, .drives_clock = true},
        .loop = loop,
        .iteration_limit = iteration_limit,
    };
    ci_loop_set_poller(loop, &poller->poller);
}

int virtual_poller_now(const struct virtual_poller *poller)
{
    return (int)(poller->loop->virtual_ns / CI_SECOND_NS);
}

void virtual_poller_call_at(struct virtual_poller *poller, struct arena *arena, int when, void (*function)(void *arg),
                            void *arg)
{
    struct outside_call *call = arena_alloc(arena, sizeof(*call));
    struct outside_call **place = &poller->calls;

    *call = (struct outside_call){.when_ns = when * CI_SECOND_NS, .function = function, .arg = arg};
    while (*place != NULL && (*place)->when_ns <= call->when_ns) {
        place = &(*place)->next;
    }
    call->next = *place;
    *place = call;
}
