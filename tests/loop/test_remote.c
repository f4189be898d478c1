/* Calls from other threads: in order for each thread, none lost, a sleeping loop woken, also when memory is short. */
#include <pthread.h>
#include <semaphore.h>

#include "harness.h"
#include "suites.h"
#include "sys/fault.h"

enum { THREADS = 4, CALLS = 20000 };

static struct sender {
    pthread_t thread;
    int number;
    int next;           /* on the loop's thread: the call that must come next */
    int numbers[CALLS]; /* what each call carries */
} senders[THREADS];

static int finished;

static void receive(void *arg)
{
    int *number = arg;
    struct sender *sender = NULL;

    for (int i = 0; i < THREADS; i++) {
        if (number >= senders[i].numbers && number < senders[i].numbers + CALLS) {
            sender = &senders[i];
        }
    }
    if (sender == NULL || *number != sender->next) {
        ck_abort_msg("a call came out of order");
    }
    if (++sender->next == CALLS && ++finished == THREADS) {
        coil_loop_stop(loop);
    }
}

static void *send_all(void *arg)
{
    struct sender *sender = arg;

    for (int i = 0; i < CALLS; i++) {
        sender->numbers[i] = i;
        if (coil_call_soon_threadsafe(loop, receive, &sender->numbers[i]) == NULL) {
            abort();
        }
    }
    return NULL;
}

START_TEST(calls_of_each_thread_run_in_order_and_none_is_lost)
    {
        for (int i = 0; i < THREADS; i++) {
            ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
        }
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        for (int i = 0; i < THREADS; i++) {
            ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
            ck_assert_int_eq(senders[i].next, CALLS);
        }
    }
END_TEST

/* ---- waking ---------------------------------------------------------------------------------------------------------- */

static sem_t loop_sleeps;

static void tell_that_it_sleeps(void)
{
    sem_post(&loop_sleeps);
}

static void *wake_the_sleeper(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        while (sem_wait(&loop_sleeps) != 0) {
        }
        coil_callback *callback = i < 99 ? say : stop;
        if (coil_call_soon_threadsafe(loop, callback, ".") == NULL) {
            abort();
        }
    }
    return NULL;
}

START_TEST(a_sleeping_loop_is_woken_by_each_call)
    {
        pthread_t thread;
        struct counting_poller *poller = count_polls();

        ck_assert_int_eq(sem_init(&loop_sleeps, 0, 0), 0);
        poller->before_wait = tell_that_it_sleeps;
        ck_assert_int_eq(pthread_create(&thread, NULL, wake_the_sleeper, NULL), 0);
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_uint_eq(log_length, 99);
        ck_assert_int_eq(poller->waits, 100); /* it slept between them and not more often */
        ck_assert_int_eq(poller->wakes, 100);
    }
END_TEST

START_TEST(many_calls_to_a_loop_that_has_not_looked_yet_cost_one_wake_up)
    {
        struct counting_poller *poller = count_polls();

        for (int i = 0; i < 100; i++) {
            ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, say, "."));
        }
        ck_assert_int_eq(poller->wakes, 1);
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_uint_eq(log_length, 100);
    }
END_TEST

static void call_from_inside(void *unused)
{
    (void)unused;
    coil_call_soon(say, "a");
    coil_call_soon_threadsafe(loop, say, "b");
    coil_call_soon(say, "c");
}

START_TEST(a_call_from_the_loops_own_thread_takes_its_turn_among_the_others)
    {
        run(call_from_inside);
        assert_said("abc");
    }
END_TEST

/* ---- when nothing else is left --------------------------------------------------------------------------------------- */

static void *call_once(void *unused)
{
    (void)unused;
    while (sem_wait(&loop_sleeps) != 0) {
    }
    if (coil_call_soon_threadsafe(loop, stop, NULL) == NULL) {
        abort();
    }
    return NULL;
}

START_TEST(a_loop_that_only_another_thread_can_wake_waits_for_it)
    {
        pthread_t thread;
        struct counting_poller *poller = count_polls();

        ck_assert_int_eq(sem_init(&loop_sleeps, 0, 0), 0);
        poller->before_wait = tell_that_it_sleeps;
        ck_assert_int_eq(pthread_create(&thread, NULL, call_once, NULL), 0);
        ck_assert_int_eq(coil_loop_run_forever(loop), 0); /* and not -EDEADLK, although nothing is ready */
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
END_TEST

static void *call_and_end(void *callback)
{
    if (coil_call_soon_threadsafe(loop, callback == NULL ? say : stop, "in time") == NULL) {
        abort();
    }
    return NULL;
}

static void call_from_a_thread_that_ends(void *callback)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, call_and_end, callback), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* A thread makes its last call just before it ends, which may be between the loop's two looks. */
static int call_while_threads_are_counted(const char *name)
{
    if (strcmp(name, "thread_count") == 0) {
        ci_fault_hook = NULL;
        call_from_a_thread_that_ends(NULL);
    }
    return 0;
}

START_TEST(a_call_that_comes_while_the_loop_gives_up_is_not_lost)
    {
        ci_fault_hook = call_while_threads_are_counted;
        ck_assert_int_eq(coil_loop_run_forever(loop), -EDEADLK);
        assert_said("in time");
    }
END_TEST

static int refuse_to_count(const char *name)
{
    return strcmp(name, "thread_count") == 0 ? -EACCES : 0;
}

START_TEST(without_the_number_of_threads_nothing_is_declared_dead)
    {
        pthread_t thread;
        struct counting_poller *poller = count_polls();

        ck_assert_int_eq(sem_init(&loop_sleeps, 0, 0), 0);
        poller->before_wait = tell_that_it_sleeps;
        ck_assert_int_eq(pthread_create(&thread, NULL, call_once, NULL), 0);
        atomic_store(&ci_sys_own_threads, 100); /* as if all were the library's own */
        ci_fault_hook = refuse_to_count;
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ci_fault_hook = NULL;
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
END_TEST

/* ---- when memory is short -------------------------------------------------------------------------------------------- */

static int refusals;

static int refuse_memory(const char *call)
{
    if ((strcmp(call, "malloc") == 0 || strcmp(call, "realloc") == 0) && refusals > 0) {
        refusals--;
        return -ENOMEM;
    }
    return 0;
}

/* The calls need more places in the ready queue than it has, and there is no memory to make it larger for a while. */
static void call_without_memory(int how_long)
{
    for (int i = 0; i < 200; i++) {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, say, "."));
    }
    ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop, NULL));
    refusals = how_long;
    ci_fault_hook = refuse_memory;
    ck_assert_int_eq(coil_loop_run_forever(loop), 0);
    ci_fault_hook = NULL;
    ck_assert_uint_eq(log_length, 200);
}

START_TEST(calls_without_room_in_the_queue_come_late_but_come)
    {
        for (int how_long = 1; how_long <= 5; how_long++) {
            call_without_memory(how_long);
            assert_said(log_text);
        }
    }
END_TEST

START_TEST(a_call_without_memory_fails_and_says_so)
    {
        refusals = 1;
        ci_fault_hook = refuse_memory;
        ck_assert_ptr_null(coil_call_soon_threadsafe(loop, say, "x"));
        ck_assert_int_eq(coil_creation_error(), -ENOMEM);
        ci_fault_hook = NULL;
    }
END_TEST

/* All places of the queue are taken by what will not run soon, so that a call that arrives finds none, and nothing else is ready. */
static void take_all_places(void *unused)
{
    (void)unused;
    while (loop->ready.reserved <= loop->ready.mask) {
        ck_assert_ptr_nonnull(coil_call_later(1000, say, "timer"));
    }
    call_from_a_thread_that_ends(&refusals);
    refusals = 10;
    ci_fault_hook = refuse_memory;
}

START_TEST(a_sleeping_loop_tries_again_when_memory_is_back)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, take_all_places, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ci_fault_hook = NULL;
        ck_assert_int_eq(refusals, 0);
        assert_said("");
    }
END_TEST

/* ---- the end --------------------------------------------------------------------------------------------------------- */

START_TEST(calls_made_before_the_loop_runs_wait_for_it)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, say, "a"));
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, say, "b"));
        run_with(say, "c");
        assert_said("abc");
    }
END_TEST

START_TEST(calls_that_never_ran_are_freed_with_the_loop)
    {
        for (int i = 0; i < 100; i++) {
            ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, say, "x"));
        }
        ck_assert_int_eq(coil_loop_close(loop), 0);
        loop = NULL;
        ck_assert_int_eq(live_blocks, 0);
        assert_said("");
    }
END_TEST

static void *end_at_once(void *unused)
{
    return unused;
}

START_TEST(a_thread_that_was_joined_can_wake_nobody)
    {
        pthread_t thread;

        for (int i = 0; i < 200; i++) {
            ck_assert_int_eq(pthread_create(&thread, NULL, end_at_once, NULL), 0);
            ck_assert_int_eq(pthread_join(thread, NULL), 0);
            ck_assert_int_eq(coil_loop_run_forever(loop), -EDEADLK);
        }
    }
END_TEST

Suite *remote_suite(void)
{
    Suite *suite = suite_create("remote");
    TCase *tc = tcase_create("remote");

    tcase_add_checked_fixture(tc, setup_real, teardown);
    tcase_add_test(tc, calls_of_each_thread_run_in_order_and_none_is_lost);
    tcase_add_test(tc, a_sleeping_loop_is_woken_by_each_call);
    tcase_add_test(tc, many_calls_to_a_loop_that_has_not_looked_yet_cost_one_wake_up);
    tcase_add_test(tc, a_call_from_the_loops_own_thread_takes_its_turn_among_the_others);
    tcase_add_test(tc, a_loop_that_only_another_thread_can_wake_waits_for_it);
    if (!CI_WITH_TSAN) { /* whose own threads, once the program has made one, could still wake the loop as far as it knows */
        tcase_add_test(tc, a_call_that_comes_while_the_loop_gives_up_is_not_lost);
        tcase_add_test(tc, a_thread_that_was_joined_can_wake_nobody);
    }
    tcase_add_test(tc, without_the_number_of_threads_nothing_is_declared_dead);
    tcase_add_test(tc, calls_without_room_in_the_queue_come_late_but_come);
    tcase_add_test(tc, a_call_without_memory_fails_and_says_so);
    tcase_add_test(tc, a_sleeping_loop_tries_again_when_memory_is_back);
    tcase_add_test(tc, calls_made_before_the_loop_runs_wait_for_it);
    tcase_add_test(tc, calls_that_never_ran_are_freed_with_the_loop);
    suite_add_tcase(suite, tc);
    return suite;
}
