/* Threads: a function that computes runs beside the loop, and a plain thread works together with it. */
#include <coil.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>

/* Runs in a thread: it may take its time, and must not await. */
static int count_primes(void *arg)
{
    int limit = *(const int *)arg;
    int count = 0;

    for (int n = 2; n < limit; n++) {
        int divisor = 2;
        while (divisor * divisor <= n && n % divisor != 0) {
            divisor++;
        }
        count += divisor * divisor > n;
    }
    return count;
}

struct desk {
    coil_loop *loop;
    coil_queue *questions;
};

static int greet(void *arg)
{
    printf("hello from the task '%s'\n", coil_task_name(coil_current_task()));
    return *(const int *)arg;
}

/* A plain thread: it has no loop, and asks one. */
static void *ask(void *arg)
{
    const struct desk *desk = arg;
    int answer = 42;

    coil_concurrent_future *future = coil_run_coroutine_threadsafe(desk->loop, greet, &answer, .name = "greeter");
    printf("it came to %d\n", coil_concurrent_future_result(future, INFINITY));
    coil_concurrent_future_unref(future);
    for (int limit = 100; limit <= 10000; limit *= 10) {
        if (coil_queue_put_threadsafe(desk->loop, desk->questions, &limit, 10.0) < 0) {
            break;
        }
    }
    return NULL;
}

static int main_(void *arg)
{
    pthread_t thread;
    struct desk desk = {coil_get_running_loop(), coil_queue_new(sizeof(int), 1)};

    (void)arg;
    if (desk.questions == NULL || pthread_create(&thread, NULL, ask, &desk) != 0) {
        return -1;
    }
    for (int i = 0; i < 3; i++) {
        int limit;
        int rc = coil_queue_get(desk.questions, &limit);
        if (rc == 0) {
            printf("primes below %d: %d\n", limit, coil_to_thread(count_primes, &limit));
        }
    }
    pthread_join(thread, NULL); /* it has put its last item: this is not for long */
    coil_queue_unref(desk.questions);
    return 0;
}

int main(void)
{
    return coil_run(main_, NULL) < 0;
}
