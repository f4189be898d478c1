/*
 * Looking up names. Numbers are read on the spot. For a name, the C library asks the network in a thread of a pool that does nothing else,
 * so that a name server that is silent holds up no other work. A look-up is a block of its own with copies of all that it needs, and
 * so is nobody's memory but its own: a waiter that is cancelled leaves it, and it frees itself when it comes back.
 */
#include <coil/dns.h>

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "loop/loop.h"
#include "net/part.h"
#include "net/resolve.h"
#include "sys/alloc.h"
#include "sys/resolver.h"
#include "task/suspend.h"
#include "thread/pool.h"

enum { MOST_THREADS = 8, MOST_HOST = 1025, MOST_SERVICE = 32 };

#define IDLE_NS (10 * CI_SECOND_NS)

struct ci_lookups {
    struct ci_pool pool;
    struct ci_list all; /* look-ups in memory */
};

struct lookup {
    struct ci_job job;
    struct ci_list link;
    struct ci_wait *waiter; /* NULL: nobody waits any more */
    int code;               /* of the resolver; 0: found */
    int error;
    const char *host; /* NULL: none; these two lie behind the struct */
    const char *service;
    bool has_hints;
    struct addrinfo hints;
    struct addrinfo *result;
    struct sockaddr_storage address; /* of which the name is looked up, if length is not 0 */
    socklen_t length;
    int flags;
    char host_name[MOST_HOST]; /* and what was found */
    char service_name[MOST_SERVICE];
    char text[];
};

/* ---- in a thread ----------------------------------------------------------------------------------------------------- */

static void look_up(struct ci_job *job)
{
    struct lookup *lookup = ci_container_of(job, struct lookup, job);

    if (lookup->length > 0) {
        lookup->code = ci_resolver_name((const struct sockaddr *)&lookup->address, lookup->length, lookup->host_name,
                                        sizeof lookup->host_name, lookup->service_name, sizeof lookup->service_name,
                                        lookup->flags, &lookup->error);
    } else {
        lookup->code = ci_resolver_lookup(lookup->host, lookup->service, lookup->has_hints ? &lookup->hints : NULL,
                                          &lookup->result, &lookup->error);
    }
}

/* ---- a look-up ------------------------------------------------------------------------------------------------------- */

static struct ci_lookups *lookups_of(struct ci_net *net)
{
    struct ci_lookups *lookups = net->lookups;

    if (lookups == NULL) {
        lookups = ci_alloc_zero(sizeof *lookups);
        if (lookups == NULL) {
            return NULL;
        }
        ci_pool_init(&lookups->pool, net->part.loop, MOST_THREADS, IDLE_NS, "coil-dns");
        ci_list_init(&lookups->all);
        net->lookups = lookups;
    }
    return lookups;
}

static void lookup_free(struct lookup *lookup)
{
    ci_list_remove(&lookup->link);
    ci_resolver_free(lookup->code == 0 ? lookup->result : NULL);
    ci_free(lookup);
}

/* It has come back. */
static void done(struct ci_job *job)
{
    struct lookup *lookup = ci_container_of(job, struct lookup, job);

    if (lookup->waiter != NULL) {
        ci_wait_finish(lookup->waiter);
    } else {
        lookup_free(lookup);
    }
}

static struct lookup *lookup_new(struct ci_lookups *lookups, const char *host, const char *service)
{
    size_t host_size = host == NULL ? 0 : strlen(host) + 1;
    size_t service_size = service == NULL ? 0 : strlen(service) + 1;
    struct lookup *lookup = ci_alloc_zero(sizeof *lookup + host_size + service_size);

    if (lookup == NULL) {
        return NULL;
    }
    lookup->job.run = look_up;
    lookup->job.done = done;
    lookup->job.what = "name look-up";
    if (host != NULL) {
        lookup->host = memcpy(lookup->text, host, host_size);
    }
    if (service != NULL) {
        lookup->service = memcpy(lookup->text + host_size, service, service_size);
    }
    ci_list_append(&lookups->all, &lookup->link);
    return lookup;
}

/* ---- waiting for it -------------------------------------------------------------------------------------------------- */

/* Has it looked up. Returns 0 with the look-up's own outcome, or a negative errno, with which the look-up is not the caller's any more. */
static int await_lookup(struct ci_lookups *lookups, struct ci_task *task, struct lookup *lookup)
{
    struct ci_wait wait;
    int rc = ci_pool_submit(&lookups->pool, &lookup->job);

    if (rc < 0) {
        lookup->code = EAI_SYSTEM;
        lookup_free(lookup);
        return rc;
    }
    ci_wait_init(&wait, task, "a name to be looked up");
    lookup->waiter = &wait;
    rc = ci_wait_suspend(&wait);
    lookup->waiter = NULL;
    if (rc == 0) {
        return 0;
    }
    if (wait.state == CI_WAIT_DONE) {
        lookup_free(lookup); /* it came back in the same moment */
    } else if (ci_job_drop(&lookup->job)) {
        lookup->code = EAI_SYSTEM;
        lookup_free(lookup); /* no thread had begun it */
    }
    return rc;
}

/* Says what the resolver said. */
static int explain(int code, int error, const char *what)
{
    if (code == 0) {
        return 0;
    }
    return code == EAI_SYSTEM ? error : coil_fail(error, "%s: %s", what, gai_strerror(code));
}

static const char *name_of(const char *host, const char *service)
{
    return host != NULL ? host : service;
}

static int look_up_in_thread(struct ci_task *task, const char *host, const char *service, const struct addrinfo *hints,
                             struct addrinfo **result)
{
    struct ci_net *net = ci_net_of(task->future.loop);
    struct ci_lookups *lookups = net == NULL ? NULL : lookups_of(net);
    struct lookup *lookup = lookups == NULL ? NULL : lookup_new(lookups, host, service);

    if (lookup == NULL) {
        return -ENOMEM;
    }
    if (hints != NULL) {
        lookup->has_hints = true;
        lookup->hints = (struct addrinfo){.ai_flags = hints->ai_flags,
                                          .ai_family = hints->ai_family,
                                          .ai_socktype = hints->ai_socktype,
                                          .ai_protocol = hints->ai_protocol};
    }
    int rc = await_lookup(lookups, task, lookup);
    if (rc < 0) {
        return rc;
    }
    rc = explain(lookup->code, lookup->error, name_of(host, service));
    if (rc == 0) {
        *result = lookup->result;
        lookup->result = NULL;
    }
    lookup_free(lookup);
    return rc;
}

int coil_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    struct ci_task *task = ci_task_running();
    int error;

    if (result == NULL) {
        return -EINVAL;
    }
    *result = NULL;
    if (task == NULL || (host == NULL && service == NULL)) {
        return task == NULL ? -EPERM : -EINVAL;
    }
    int code = ci_resolver_numeric(host, service, hints, result, &error);
    if (code == 0) {
        return 0;
    }
    *result = NULL;
    if (code != EAI_NONAME && code != EAI_SERVICE) {
        return explain(code, error, name_of(host, service));
    }
    return look_up_in_thread(task, host, service, hints, result);
}

/* ---- the other way --------------------------------------------------------------------------------------------------- */

static int give(char *to, size_t size, const char *name)
{
    if (to == NULL || size == 0) {
        return 0;
    }
    if (strlen(name) >= size) {
        return -EOVERFLOW;
    }
    strcpy(to, name);
    return 0;
}

static int look_up_name(struct ci_task *task, const struct sockaddr *address, socklen_t length, int flags,
                        struct lookup **ret)
{
    struct ci_net *net = ci_net_of(task->future.loop);
    struct ci_lookups *lookups = net == NULL ? NULL : lookups_of(net);
    struct lookup *lookup = lookups == NULL ? NULL : lookup_new(lookups, NULL, NULL);

    if (lookup == NULL) {
        return -ENOMEM;
    }
    memcpy(&lookup->address, address, length);
    lookup->length = length;
    lookup->flags = flags;
    *ret = lookup;
    return await_lookup(lookups, task, lookup);
}

int coil_getnameinfo(const struct sockaddr *address, socklen_t length, char *host, size_t host_size, char *service,
                     size_t service_size, int flags)
{
    struct ci_task *task = ci_task_running();
    struct lookup *lookup;
    int error;

    if (address == NULL || length == 0 || length > sizeof lookup->address) {
        return -EINVAL;
    }
    if (task == NULL) {
        return -EPERM;
    }
    if ((flags & NI_NUMERICHOST || host == NULL) && (flags & NI_NUMERICSERV || service == NULL)) {
        int code = ci_resolver_name(address, length, host, host_size, service, service_size, flags, &error);
        return explain(code, error, "an address");
    }
    int rc = look_up_name(task, address, length, flags, &lookup);
    if (rc < 0) {
        return rc;
    }
    rc = explain(lookup->code, lookup->error, "an address");
    if (rc == 0) {
        rc = give(host, host_size, lookup->host_name);
    }
    if (rc == 0) {
        rc = give(service, service_size, lookup->service_name);
    }
    lookup_free(lookup);
    return rc;
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

/* Nobody will run what has come back: the loop drops it. */
static void dropped(struct ci_remote_call *call)
{
    lookup_free(ci_container_of(call, struct lookup, job.call));
}

void ci_resolver_end(struct ci_net *net)
{
    struct ci_lookups *lookups = net->lookups;

    if (lookups == NULL) {
        return;
    }
    ci_pool_close(&lookups->pool);
    while (!ci_list_empty(&lookups->all)) {
        struct lookup *lookup = ci_container_of(ci_list_pop(&lookups->all), struct lookup, link);
        if (lookup->job.state == CI_JOB_RUNNING) {
            lookup->job.call.drop = dropped; /* its thread has ended, and it is on its way to the loop */
        } else {
            lookup_free(lookup);
        }
    }
    ci_free(lookups);
}
