/* Loops on several threads that end together. */
#include <signal.h>
#include <sys/wait.h>

#include "gate.h"
#include "suites.h"

enum { SHARDS = 4 };

static atomic_int begun;
static atomic_int cancelled;
static atomic_uint indices;
static pthread_t threads_of[SHARDS];

static int note_index(void *arg)
{
    ck_assert_ptr_eq(arg, &begun);
    ck_assert_int_eq(coil_shard_count(), SHARDS);
    threads_of[coil_shard_index()] = pthread_self();
    atomic_fetch_or(&indices, 1U << coil_shard_index());
    atomic_fetch_add(&begun, 1);
    return coil_shard_index();
}

START_TEST(each_loop_has_a_thread_and_an_index)
    {
        ck_assert_int_eq(coil_run_sharded(SHARDS, note_index, &begun), 0);
        ck_assert_int_eq(begun, SHARDS);
        ck_assert_uint_eq(indices, (1U << SHARDS) - 1);
        ck_assert(pthread_equal(threads_of[0], pthread_self()));
        for (int i = 1; i < SHARDS; i++) {
            ck_assert(!pthread_equal(threads_of[0], threads_of[i]));
        }
    }
END_TEST

static int look_at_index(void *unused)
{
    (void)unused;
    return coil_shard_index() == -1 && coil_shard_count() == 0 ? 0 : -EINVAL;
}

static int look_from_a_thread(void *unused)
{
    atomic_fetch_add(&begun, 1);
    return coil_to_thread(look_at_index, unused);
}

START_TEST(no_other_thread_has_an_index)
    {
        ck_assert_int_eq(coil_run_sharded(1, look_from_a_thread, NULL), 0);
        ck_assert_int_eq(look_at_index(NULL), 0);
        ck_assert_int_eq(begun, 1);
    }
END_TEST

START_TEST(by_default_there_are_as_many_as_processors)
    {
        ck_assert_int_eq(coil_run_sharded(0, look_from_a_thread, NULL), 0);
        ck_assert_uint_eq((unsigned)begun, ci_sys_cpu_count());
    }
END_TEST

/* ---- errors ---------------------------------------------------------------------------------------------------------- */

static void await_begun(int count)
{
    while (atomic_load(&begun) < count) {
        ck_assert_int_eq(coil_sleep(0.001), 0);
    }
}

/* The shard that arg names fails when all have begun; the others sleep until they are cancelled. */
static int fail_or_sleep(void *arg)
{
    atomic_fetch_add(&begun, 1);
    if (coil_shard_index() == *(int *)arg) {
        await_begun(SHARDS);
        return -EDOM;
    }
    int rc = coil_sleep(3600);
    atomic_fetch_add(&cancelled, rc == -ECANCELED);
    return rc;
}

START_TEST(an_error_cancels_the_others_and_is_returned)
    {
        for (int failing = 0; failing < SHARDS; failing++) {
            begun = 0;
            cancelled = 0;
            ck_assert_int_eq(coil_run_sharded(SHARDS, fail_or_sleep, &failing), -EDOM);
            ck_assert_int_eq(cancelled, SHARDS - 1);
        }
    }
END_TEST

/*
 * What the others return on being cancelled is their own affair, unless they fail otherwise: then the first error
 * counts.
 */
static int fail_in_turn(void *unused)
{
    (void)unused;
    atomic_fetch_add(&begun, 1);
    if (coil_shard_index() == 2) {
        await_begun(SHARDS);
        return -EDOM;
    }
    int rc = coil_sleep(3600);
    ck_assert_int_eq(rc, -ECANCELED);
    return coil_shard_index() == 1 ? -EIO : 5;
}

START_TEST(later_errors_give_way_to_the_first)
    {
        ck_assert_int_eq(coil_run_sharded(SHARDS, fail_in_turn, NULL), -EDOM);
    }
END_TEST

static int return_cancelled(void *unused)
{
    (void)unused;
    return coil_shard_index() == 1 ? -ECANCELED : coil_sleep(3600);
}

START_TEST(a_main_that_ends_as_cancelled_by_itself_ends_the_others)
    {
        ck_assert_int_eq(coil_run_sharded(2, return_cancelled, NULL), -ECANCELED);
    }
END_TEST

START_TEST(options_that_no_loop_takes_are_everybodys_error)
    {
        ck_assert_int_eq(coil_run_sharded(SHARDS, note_index, NULL, .slow_callback_duration = -1), -EINVAL);
        ck_assert_int_eq(begun, 0);
    }
END_TEST

static int run_sharded_inside(void *unused)
{
    return coil_run_sharded(2, note_index, unused);
}

START_TEST(nonsense_is_refused)
    {
        ck_assert_int_eq(coil_run(run_sharded_inside, NULL), -EPERM);
        ck_assert_int_eq(coil_run_sharded(2, NULL, NULL), -EINVAL);
        ck_assert_int_eq(coil_run_sharded(SIZE_MAX, note_index, NULL), -ENOMEM);
        ck_assert_int_eq(coil_run_sharded_with(1, look_from_a_thread, NULL), 0);
    }
END_TEST

/* ---- SIGINT ---------------------------------------------------------------------------------------------------------- */

static atomic_int ended;

static int interrupt_when_all_have_begun(void *unused)
{
    (void)unused;
    bool first = coil_shard_index() == 0;
    atomic_fetch_add(&begun, 1);
    if (coil_shard_index() == 1) {
        await_begun(SHARDS);
        ck_assert_int_eq(kill(getpid(), SIGINT), 0);
    }
    int rc = coil_sleep(3600);
    ck_assert_int_eq(rc, -ECANCELED);
    while (first && atomic_load(&ended) < SHARDS - 1) { /* the others need not wait for it */
        ck_assert_int_eq(coil_sleep(0.001), 0);
    }
    atomic_fetch_add(&ended, 1);
    return rc;
}

START_TEST(a_sigint_ends_all_of_them_at_once)
    {
        ck_assert_int_eq(coil_run_sharded(SHARDS, interrupt_when_all_have_begun, NULL, .handle_sigint = true), -EINTR);
        ck_assert_int_eq(ended, SHARDS);
    }
END_TEST

/* ---- fork ------------------------------------------------------------------------------------------------------------ */

static pid_t child;

static int fork_off(void *unused)
{
    (void)unused;
    if (coil_shard_index() > 0) {
        return coil_sleep(0.001);
    }
    child = fork();
    ck_assert_int_ge(child, 0);
    return 0;
}

START_TEST(a_child_process_comes_back_alone)
    {
        int status;

        if (CI_WITH_TSAN) {
            return; /* it does not follow a process with several threads into its child */
        }
        int rc = coil_run_sharded(SHARDS, fork_off, NULL);
        if (child == 0) {
            _exit(rc == -ECHILD ? 7 : 1);
        }
        ck_assert_int_eq(rc, 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 7);
    }
END_TEST

/* ---- calls between shards -------------------------------------------------------------------------------------------- */

static coil_loop *_Atomic loops[SHARDS];
static coil_future *baton[SHARDS];
static atomic_bool passed[SHARDS]; /* to whom the call is over, so that its loop may close */

static void pass_on(void *arg)
{
    (void)coil_future_set_result(*(coil_future **)arg, 0);
}

/* Each waits for the one before, and wakes the next. */
static int pass_the_baton(void *unused)
{
    int index = coil_shard_index();

    (void)unused;
    baton[index] = coil_future_new();
    atomic_store(&loops[index], coil_get_running_loop());
    atomic_fetch_add(&begun, 1);
    await_begun(SHARDS);
    if (index > 0) {
        ck_assert_int_eq(coil_await(baton[index]), 0);
    }
    if (index + 1 < SHARDS) {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(atomic_load(&loops[index + 1]), pass_on, &baton[index + 1]));
        atomic_store(&passed[index + 1], true);
    }
    while (index > 0 && !atomic_load(&passed[index])) {
        ck_assert_int_eq(coil_sleep(0.001), 0);
    }
    coil_unref(baton[index]);
    return 0;
}

START_TEST(a_loop_that_only_another_can_wake_is_no_deadlock)
    {
        ck_assert_int_eq(coil_run_sharded(SHARDS, pass_the_baton, NULL), 0);
    }
END_TEST

Suite *sharded_suite(void)
{
    Suite *suite = suite_create("sharded");
    TCase *tests = tcase_create("sharded");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, each_loop_has_a_thread_and_an_index);
    tcase_add_test(tests, no_other_thread_has_an_index);
    tcase_add_test(tests, by_default_there_are_as_many_as_processors);
    tcase_add_test(tests, an_error_cancels_the_others_and_is_returned);
    tcase_add_test(tests, later_errors_give_way_to_the_first);
    tcase_add_test(tests, a_main_that_ends_as_cancelled_by_itself_ends_the_others);
    tcase_add_test(tests, options_that_no_loop_takes_are_everybodys_error);
    tcase_add_test(tests, nonsense_is_refused);
    tcase_add_test(tests, a_sigint_ends_all_of_them_at_once);
    tcase_add_test(tests, a_child_process_comes_back_alone);
    tcase_add_test(tests, a_loop_that_only_another_can_wake_is_no_deadlock);
    suite_add_tcase(suite, tests);
    return suite;
}
