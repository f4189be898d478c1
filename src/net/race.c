/*
 * The staggered race of RFC 8305, as asyncio's staggered.py runs it: every attempt is a task, all of them in one group, so that whatever
 * happens none is left behind. An attempt that has succeeded leaves its socket with the race, or closes it if another was first.
 */
#include <errno.h>
#include <math.h>

#include <coil/io.h>
#include <coil/sync.h>
#include <coil/task.h>

#include "net/connect.h"

/* Nobody waits for more than so many addresses; those beyond are not tried. */
enum { MOST_ATTEMPTS = 32 };

struct race;

struct attempt {
    struct race *race;
    const struct addrinfo *address;
    coil_task *task; /* the group's; NULL: it could not be started */
    bool over;
};

struct race {
    const struct ci_route *route;
    struct ci_failures *failures;
    coil_event news; /* an attempt is over */
    size_t over;
    size_t started;
    int fd; /* of the first that succeeded, or -1 */
    const struct addrinfo *winner;
    size_t count;
    struct attempt attempts[MOST_ATTEMPTS];
};

/* ---- an attempt ------------------------------------------------------------------------------------------------------ */

static void settle(struct attempt *attempt, int fd)
{
    struct race *race = attempt->race;

    attempt->over = true;
    race->over++;
    if (fd >= 0 && race->fd < 0) {
        race->fd = fd;
        race->winner = attempt->address;
    } else if (fd >= 0) {
        (void)coil_close(fd); /* nothing was sent through it */
    } else if (fd != -ECANCELED) {
        ci_failures_add(race->failures, attempt->address->ai_addr, attempt->address->ai_addrlen, fd);
    }
    coil_event_set(&race->news);
}

static int try(void *arg)
{
    struct attempt *attempt = arg;

    settle(attempt, ci_connect(attempt->address, attempt->race->route->local));
    return 0;
}

static void start(struct race *race, coil_group *group)
{
    struct attempt *attempt = &race->attempts[race->started++];

    attempt->task = coil_group_create_task(group, try, attempt, .name = "connecting");
    if (attempt->task == NULL) {
        settle(attempt, coil_creation_error());
    }
}

/* ---- the race -------------------------------------------------------------------------------------------------------- */

/* Awaits until somebody has won, the last attempt has failed, or the time is over. Returns 0, or -ECANCELED. */
static int await_the_last(struct race *race, double seconds)
{
    const struct attempt *last = &race->attempts[race->started - 1];
    coil_timeout timeout;
    int rc = 0;

    coil_timeout_begin(&timeout, seconds);
    while (rc == 0 && race->fd < 0 && !last->over) {
        coil_event_clear(&race->news);
        rc = coil_event_wait(&race->news);
    }
    rc = coil_timeout_end(&timeout, rc);
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int await_all(struct race *race)
{
    int rc = 0;

    while (rc == 0 && race->fd < 0 && race->over < race->count) {
        coil_event_clear(&race->news);
        rc = coil_event_wait(&race->news);
    }
    return rc;
}

static int run(struct race *race)
{
    coil_group group;
    int rc = 0;

    coil_group_begin(&group);
    while (rc == 0 && race->fd < 0 && race->started < race->count) {
        start(race, &group);
        if (race->started < race->count) {
            rc = await_the_last(race, race->route->delay);
        }
    }
    if (rc == 0) {
        rc = await_all(race);
    }
    for (size_t i = 0; i < race->started; i++) {
        (void)coil_cancel(race->attempts[i].task); /* those that are over stay as they are */
    }
    return coil_group_end(&group, rc);
}

/* Families take turns, beginning with that of the first address. */
static void line_up(struct race *race, const struct addrinfo *addresses)
{
    const struct addrinfo *own = addresses;
    const struct addrinfo *other = addresses;
    int family = addresses->ai_family;
    bool turn = true;

    while ((own != NULL || other != NULL) && race->count < MOST_ATTEMPTS) {
        while (own != NULL && own->ai_family != family) {
            own = own->ai_next;
        }
        while (other != NULL && other->ai_family == family) {
            other = other->ai_next;
        }
        const struct addrinfo **next = (turn && own != NULL) || other == NULL ? &own : &other;
        if (*next != NULL) {
            race->attempts[race->count++] = (struct attempt){.race = race, .address = *next};
            *next = (*next)->ai_next;
        }
        turn = !turn;
    }
}

int ci_race(const struct addrinfo *addresses, const struct ci_route *route, const struct addrinfo **winner,
            struct ci_failures *failures)
{
    struct race race = {.route = route, .failures = failures, .fd = -1, .news = COIL_EVENT_INIT};

    line_up(&race, addresses);
    int rc = run(&race);
    if (rc < 0 && race.fd >= 0) {
        (void)coil_close(race.fd); /* nothing was sent through it */
    }
    *winner = race.winner;
    if (rc < 0 || race.fd >= 0) {
        return rc < 0 ? rc : race.fd;
    }
    return failures->last < 0 ? failures->last : -ECANCELED;
}
