/*
 * shield: a future that ends as another does, and whose own end leaves the other alone. It hangs on the inner future; when its own
 * end comes first, it stays there only to report an error that nobody waits for any more, one such node per inner future.
 */
#include <errno.h>

#include "sys/alloc.h"
#include "task/report.h"
#include "task/task.h"

struct shield {
    struct coil_future outer;
    struct ci_chain chain;
    struct coil_future *inner;
    struct ci_callback on_inner; /* while registered it holds a reference to outer */
    struct ci_callback on_outer;
};

static struct shield *shield_of(const struct coil_future *outer)
{
    return ci_container_of(outer, struct shield, outer);
}

static void shield_destroy(struct coil_future *outer)
{
    struct shield *shield = shield_of(outer);

    ci_list_remove(&shield->chain.link);
    ci_future_unref_later(shield->inner);
    ci_free(shield);
}

static const struct ci_future_class shield_class = {
    .name = "shield", .internal_result = true, .destroy = shield_destroy};

static void leave_inner(struct shield *shield)
{
    if (shield->inner->logger == &shield->on_inner) {
        shield->inner->logger = NULL;
    }
    ci_future_unsubscribe(shield->inner, &shield->on_inner);
    ci_future_unref(&shield->outer);
}

static void log_error(void *arg)
{
    struct shield *shield = arg;

    ci_callback_runs(&shield->on_inner, shield->outer.loop);
    if (shield->inner->state == CI_DONE && shield->inner->result < 0) {
        ci_report_error(shield->inner, COIL_REPORT_SHIELDED_ERROR,
                        "a shielded future failed after its waiter had left");
    }
    ci_future_unref(&shield->outer);
}

static void pass_on(void *arg)
{
    struct shield *shield = arg;
    struct coil_future *inner = shield->inner;

    ci_callback_runs(&shield->on_inner, shield->outer.loop);
    if (!ci_future_done(&shield->outer)) {
        if (inner->state == CI_CANCELLED) {
            ci_future_set_cancelled(&shield->outer, NULL);
        } else {
            shield->outer.value = inner->value;
            ci_future_complete(&shield->outer, ci_future_retrieve(inner),
                               inner->result < 0 ? ci_future_take_note(inner) : NULL);
        }
    }
    ci_future_unref(&shield->outer);
}

/* Only the shield that left last logs an error of the inner future. */
static void other_stops_logging(struct coil_future *inner)
{
    if (inner->logger != NULL) {
        leave_inner(inner->logger->arg);
    }
}

static void outer_is_done(void *arg)
{
    struct shield *shield = arg;
    struct coil_future *inner = shield->inner;

    ci_callback_runs(&shield->on_outer, shield->outer.loop);
    if (!ci_future_done(inner)) {
        leave_inner(shield);
        other_stops_logging(inner);
        ci_callback_init(&shield->on_inner, log_error, shield);
        if (ci_future_subscribe(inner, &shield->on_inner) == 0) { /* without memory there is no report, nothing else */
            shield->outer.references++;
            inner->logger = &shield->on_inner;
        }
    }
    ci_future_unref(&shield->outer); /* the node's */
}

static void drop(struct ci_chain *chain)
{
    struct shield *shield = ci_container_of(chain, struct shield, chain);

    ci_list_remove(&chain->link);
    if (shield->on_inner.state != CI_CALLBACK_IDLE) {
        leave_inner(shield);
    }
}

coil_future *coil_shield(coil_future *inner)
{
    if (inner == NULL) {
        return ci_loop_creation_failed(ci_loop_missing());
    }
    if (ci_loop_check_thread(inner->loop, "coil_shield") < 0) {
        return ci_loop_creation_failed(-EPERM);
    }
    if (ci_future_done(inner)) {
        return coil_ref(inner);
    }
    if (ci_runtime_of(inner->loop)->closing) {
        return ci_loop_creation_failed(-EPERM);
    }
    const struct coil_site site = {inner->file, inner->function, inner->line};
    struct coil_future *outer = ci_future_new(inner->loop, &shield_class, sizeof(struct shield), &site);
    if (outer == NULL) {
        return NULL;
    }
    struct shield *shield = shield_of(outer);
    shield->inner = coil_ref(inner);
    shield->chain.drop = drop;
    ci_list_append(&ci_runtime_of(inner->loop)->chains, &shield->chain.link);
    ci_callback_init(&shield->on_inner, pass_on, shield);
    ci_callback_init(&shield->on_outer, outer_is_done, shield);
    shield->on_outer.keeps = true;
    int rc = ci_future_subscribe(outer, &shield->on_outer);
    if (rc == 0) {
        rc = ci_future_subscribe(inner, &shield->on_inner);
    }
    if (rc < 0) {
        ci_future_unsubscribe(outer, &shield->on_outer);
        ci_future_unref(outer);
        return ci_loop_creation_failed(rc);
    }
    outer->references++;
    return outer;
}
