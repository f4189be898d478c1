/* A time limit for a stretch of code, moved on while there is progress. */
#include <coil.h>

#include <errno.h>
#include <stdio.h>

enum { CHUNKS = 5 };

/* Each chunk may take a second and a half; the last one is too slow. */
static int talk_with_progress(coil_timeout *t)
{
    for (int i = 1; i <= CHUNKS; i++) {
        int rc = coil_sleep(i < CHUNKS ? 1.0 : 10.0);
        if (rc < 0) {
            return rc; /* -ECANCELED here; the scope's end says whether it was the time limit */
        }
        printf("chunk %d\n", i);
        rc = coil_timeout_reschedule(t, coil_time() + 1.5);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int slow_download(void)
{
    coil_timeout t;

    coil_timeout_begin(&t, 1.5);
    int rc = talk_with_progress(&t);
    rc = coil_timeout_end(&t, rc);
    printf("%s; expired? %s\n", coil_errname(rc), coil_timeout_expired(&t) ? "yes" : "no");
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int talk(void)
{
    return coil_sleep(2.0);
}

static int simple(void)
{
    coil_timeout t;
    coil_timeout_begin(&t, 1.5);
    int rc = talk();
    rc = coil_timeout_end(&t, rc); // -ETIMEDOUT if the time ran out
    printf("%s\n", coil_errname(rc));
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int main_(void *arg)
{
    (void)arg;
    int rc = slow_download();
    return rc < 0 ? rc : simple();
}

int main(void)
{
    return coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL) < 0;
}
