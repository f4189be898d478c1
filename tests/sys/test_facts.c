/* The small facts that only the system knows: the time, how many threads there are, how large a page is. */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include "coro/sanitizer.h"
#include "suites.h"
#include "sys/clock.h"
#include "sys/memory.h"
#include "sys/thread.h"

START_TEST(the_clock_is_the_monotonic_one_and_never_goes_back)
    {
        struct timespec before;

        ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &before), 0);
        int64_t last = ci_clock_ns();
        ck_assert_int_ge(last, before.tv_sec * INT64_C(1000000000) + before.tv_nsec);
        for (int i = 0; i < 1000; i++) {
            int64_t now = ci_clock_ns();
            ck_assert_int_ge(now, last);
            last = now;
        }
    }
END_TEST

static sem_t may_end;

static void *wait_for_the_end(void *arg)
{
    (void)arg;
    while (sem_wait(&may_end) != 0) {
    }
    return NULL;
}

START_TEST(every_thread_of_the_process_is_counted)
    {
        pthread_t threads[5];

        ck_assert_int_eq(sem_init(&may_end, 0, 0), 0);
        ck_assert_int_eq(ci_sys_thread_count(), 1);
        for (int i = 0; i < 5; i++) {
            ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_for_the_end, NULL), 0);
            ck_assert_int_eq(ci_sys_thread_count(), 2 + i);
        }
        for (int i = 0; i < 5; i++) {
            sem_post(&may_end);
        }
        for (int i = 0; i < 5; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        }
        /* A thread that was joined may be counted for an instant longer. */
        for (int i = 0; i < 1000 && ci_sys_thread_count() > 1; i++) {
            usleep(1000);
        }
        ck_assert_int_eq(ci_sys_thread_count(), 1);
    }
END_TEST

START_TEST(a_page_is_what_the_system_says)
    {
        ck_assert_uint_eq(ci_memory_page_bytes(), (size_t)sysconf(_SC_PAGESIZE));
    }
END_TEST

Suite *facts_suite(void)
{
    Suite *suite = suite_create("facts");
    TCase *tc = tcase_create("facts");

    tcase_add_test(tc, the_clock_is_the_monotonic_one_and_never_goes_back);
    if (!CI_WITH_TSAN) { /* which has threads of its own, more with the first that the program makes */
        tcase_add_test(tc, every_thread_of_the_process_is_counted);
    }
    tcase_add_test(tc, a_page_is_what_the_system_says);
    suite_add_tcase(suite, tc);
    return suite;
}
