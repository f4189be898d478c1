/*
 * Handles: callbacks that were asked for. A handle belongs to the loop until it has run or was cancelled; references keep
 * only its memory. A few spent ones are kept to be used again, so that a program that calls call_soon all the time does not
 * allocate all the time.
 */
#include "loop/handle.h"

#include <errno.h>
#include <math.h>

#include "base/trace.h"
#include "loop/loop.h"
#include "loop/remote.h"
#include "loop/timer.h"
#include "sys/alloc.h"

enum { MAX_SPARES = 64 };

struct coil_handle {
    struct ci_list link; /* in loop->handles while it is still to run */
    struct ci_timer timer;
    struct ci_remote_call call;
    coil_loop *loop;
    struct coil_handle *next_spare;
    coil_callback *callback;
    void *userdata;
    struct coil_site site;
    unsigned references;
    bool pending; /* the loop holds a reference */
    bool cancelled;
};

static void handle_free(struct coil_handle *handle)
{
    coil_loop *loop = handle->loop;

    if (loop != NULL && loop->spares < MAX_SPARES) {
        handle->next_spare = loop->spare;
        loop->spare = handle;
        loop->spares++;
    } else {
        ci_free(handle);
    }
}

/* The loop is through with the handle; whoever still has a reference may keep it for longer than the loop lives. */
static void settle(struct coil_handle *handle)
{
    ci_list_remove(&handle->link);
    handle->pending = false;
    if (handle->references > 1) {
        handle->loop = NULL;
    }
    coil_handle_unref(handle);
}

static void run_handle(void *arg)
{
    struct coil_handle *handle = ci_container_of(arg, struct coil_handle, timer);
    coil_loop *loop = handle->loop;
    coil_callback *callback = handle->callback;
    void *userdata = handle->userdata;

    if (__builtin_expect(loop->trace != NULL, 0)) {
        loop->trace->calling(loop->trace, (void (*)(void))callback, &handle->site);
    }
    settle(handle);
    callback(userdata);
}

static struct coil_handle *handle_alloc(coil_loop *loop)
{
    struct coil_handle *handle = loop->spare;

    if (handle == NULL) {
        return ci_alloc(sizeof(*handle));
    }
    loop->spare = handle->next_spare;
    loop->spares--;
    return handle;
}

static void handle_init(struct coil_handle *handle, coil_loop *loop, coil_callback *callback, void *userdata,
                        const struct coil_site *site)
{
    *handle = (struct coil_handle){.loop = loop, .callback = callback, .userdata = userdata};
    if (site != NULL) {
        handle->site = *site;
    }
    handle->references = 1;
    handle->pending = true;
    ci_list_init(&handle->link);
    ci_timer_init(&handle->timer, loop, run_handle);
}

static coil_handle *handle_new(coil_callback *callback, void *userdata, const struct coil_site *site)
{
    coil_loop *loop = ci_loop_running;

    if (loop == NULL || callback == NULL) {
        return ci_loop_creation_failed(loop == NULL ? -EPERM : -EINVAL);
    }
    struct coil_handle *handle = handle_alloc(loop);
    if (handle == NULL) {
        return ci_loop_creation_failed(-ENOMEM);
    }
    handle_init(handle, loop, callback, userdata, site);
    ci_list_append(&loop->handles, &handle->link);
    return handle;
}

static coil_handle *handle_started(coil_handle *handle, int rc)
{
    if (rc == 0) {
        return handle;
    }
    settle(handle);
    return ci_loop_creation_failed(rc);
}

coil_handle *coil_call_soon_from(coil_callback *callback, void *userdata, const struct coil_site *site)
{
    coil_handle *handle = handle_new(callback, userdata, site);

    return handle == NULL ? NULL : handle_started(handle, ci_timer_set_soon(&handle->timer));
}

static coil_handle *call_at_ns(int64_t when_ns, coil_callback *callback, void *userdata, const struct coil_site *site)
{
    coil_handle *handle = handle_new(callback, userdata, site);

    return handle == NULL ? NULL : handle_started(handle, ci_timer_set(&handle->timer, when_ns));
}

coil_handle *coil_call_later_from(double delay, coil_callback *callback, void *userdata, const struct coil_site *site)
{
    if (isnan(delay)) {
        return ci_loop_creation_failed(-EINVAL);
    }
    if (ci_loop_running == NULL) {
        return ci_loop_creation_failed(-EPERM);
    }
    int64_t when_ns = ci_deadline_ns(ci_loop_now_ns(ci_loop_running), ci_duration_ns(delay));
    return call_at_ns(when_ns, callback, userdata, site);
}

coil_handle *coil_call_at_from(double when, coil_callback *callback, void *userdata, const struct coil_site *site)
{
    if (isnan(when)) {
        return ci_loop_creation_failed(-EINVAL);
    }
    return call_at_ns(ci_duration_ns(when), callback, userdata, site);
}

/* The place in the ready queue was reserved by ci_remote_collect; ci_timer_set_soon takes it over. */
static void handle_arrives(coil_loop *loop, struct ci_remote_call *call)
{
    struct coil_handle *handle = ci_container_of(call, struct coil_handle, call);

    ci_list_append(&loop->handles, &handle->link);
    ci_ready_release(&loop->ready);
    if (handle->cancelled) {
        settle(handle);
        return;
    }
    (void)ci_timer_set_soon(&handle->timer); /* cannot fail: the place given back above is there */
}

static void handle_drops(struct ci_remote_call *call)
{
    settle(ci_container_of(call, struct coil_handle, call));
}

coil_handle *coil_call_soon_threadsafe_from(coil_loop *loop, coil_callback *callback, void *userdata,
                                            const struct coil_site *site)
{
    if (loop == NULL || callback == NULL) {
        return ci_loop_creation_failed(-EINVAL);
    }
    if (loop == ci_loop_running) {
        return coil_call_soon_from(callback, userdata, site); /* in its turn among the others, as in asyncio */
    }
    struct coil_handle *handle = ci_alloc(sizeof(*handle)); /* the spares belong to the loop's thread */
    if (handle == NULL) {
        return ci_loop_creation_failed(-ENOMEM);
    }
    handle_init(handle, loop, callback, userdata, site);
    handle->call.arrive = handle_arrives;
    handle->call.drop = handle_drops;
    ci_remote_push(loop, &handle->call);
    return handle;
}

void coil_handle_cancel(coil_handle *handle)
{
    if (handle == NULL || handle->cancelled) {
        return;
    }
    if (handle->loop != NULL && ci_loop_check_thread(handle->loop, "coil_handle_cancel") < 0) {
        return;
    }
    handle->cancelled = true;
    if (handle->pending && !ci_list_empty(&handle->link)) {
        ci_timer_stop(&handle->timer);
        settle(handle);
    }
}

bool coil_handle_cancelled(const coil_handle *handle)
{
    return handle != NULL && handle->cancelled;
}

coil_handle *coil_handle_ref(coil_handle *handle)
{
    if (handle != NULL) {
        handle->references++;
    }
    return handle;
}

void coil_handle_unref(coil_handle *handle)
{
    if (handle != NULL && --handle->references == 0) {
        handle_free(handle);
    }
}

void ci_handles_drop(coil_loop *loop)
{
    while (!ci_list_empty(&loop->handles)) {
        struct coil_handle *handle = ci_container_of(loop->handles.next, struct coil_handle, link);
        ci_timer_stop(&handle->timer);
        settle(handle);
    }
    while (loop->spare != NULL) {
        ci_free(handle_alloc(loop));
    }
}
