/* A test of a retry policy that waits for minutes, in no time, and the same each time. */
#include <coil.h>

#include <errno.h>
#include <stdio.h>

struct server {
    int failures; /* so many attempts fail, each after half a second */
};

static int attempt(struct server *server)
{
    int rc = coil_sleep(0.5);
    if (rc < 0) {
        return rc;
    }
    return server->failures-- > 0 ? -ECONNREFUSED : 0;
}

/* What is tested: tries five times, and waits 1, 2, 4 and 8 seconds in between. */
static int connect_patiently(struct server *server)
{
    int rc = 0;

    for (int i = 0; i < 5; i++) {
        rc = attempt(server);
        if (rc != -ECONNREFUSED) {
            break;
        }
        int slept = i < 4 ? coil_sleep(1 << i) : 0;
        if (slept < 0) {
            return slept;
        }
    }
    return rc;
}

static void expect(const char *what, bool holds)
{
    printf("%s: %s\n", holds ? "ok" : "FAILED", what);
}

static int main_(void *arg)
{
    struct server flaky = {.failures = 3};
    struct server dead = {.failures = 100};
    double start = coil_time();

    (void)arg;
    int rc = connect_patiently(&flaky);
    expect("the fourth attempt succeeds", rc == 0 && coil_time() - start == 4 * 0.5 + 1 + 2 + 4);

    start = coil_time();
    rc = connect_patiently(&dead);
    expect("it gives up after five", rc == -ECONNREFUSED && coil_time() - start == 5 * 0.5 + 1 + 2 + 4 + 8);
    return 0;
}

int main(void)
{
    return coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL) < 0;
}
