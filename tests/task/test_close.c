/*
 * What is left of futures and tasks when their loop is closed: references stay good for everything but waiting, whatever state
 * they were in, and nothing is left once the last is given back.
 */
#include <pthread.h>

#include "harness.h"
#include "suites.h"

static coil_loop *loop;

static void setup_loop(void)
{
    setup();
    loop = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL);
    ck_assert_ptr_nonnull(loop);
    coil_loop_set_exception_handler(loop, hear, NULL);
}

static void close_loop(void)
{
    ck_assert_int_eq(coil_loop_close(loop), 0);
}

static coil_task *make_task(coil_fn *fn, void *arg)
{
    const struct coil_task_options options = {.size = sizeof(options), .arg = arg, .name = "kept"};
    coil_task *task = coil_loop_create_task(loop, fn, &options);

    ck_assert_ptr_nonnull(task);
    return task;
}

static coil_future *make_future(void)
{
    coil_future *future = coil_loop_create_future(loop);

    ck_assert_ptr_nonnull(future);
    return future;
}

static int no_op(void *unused)
{
    (void)unused;
    return coil_sleep(0);
}

/* Lets a few iterations pass. */
static void run_a_little(void)
{
    for (int i = 0; i < 3; i++) {
        coil_task *task = make_task(no_op, NULL);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
    }
}

static void never(coil_future *future, void *unused)
{
    (void)future;
    (void)unused;
    ck_abort_msg("a callback ran after the loop was closed");
}

/* ---- futures --------------------------------------------------------------------------------------------------------- */

START_TEST(done_futures_can_be_looked_at)
    {
        coil_future *result = make_future();
        coil_future *error = make_future();
        coil_future *cancelled = make_future();

        coil_future_set_result(result, 5);
        coil_future_set_error(error, -EIO);
        coil_cancel_msg(cancelled, "why");
        close_loop();
        ck_assert(coil_done(result) && coil_done(error) && coil_cancelled(cancelled));
        ck_assert_int_eq(coil_result(result), 5);
        ck_assert_int_eq(coil_error(error), -EIO);
        ck_assert_str_eq(coil_error_message(error), "Input/output error");
        ck_assert_int_eq(coil_result(cancelled), -ECANCELED);
        ck_assert_str_eq(coil_cancel_message(cancelled), "why");
        ck_assert_int_eq(coil_cancel(result), 0);
        ck_assert_int_eq(coil_future_set_result(result, 1), -EALREADY);
        coil_unref(coil_ref(result));
        coil_unref(result);
        coil_unref(error);
        coil_unref(cancelled);
    }
END_TEST

START_TEST(pending_futures_can_still_be_completed_but_call_nobody)
    {
        coil_future *futures[4];

        for (int i = 0; i < 4; i++) {
            futures[i] = make_future();
            ck_assert_int_eq(coil_add_done_callback(futures[i], never, NULL), 0);
            ck_assert_int_eq(coil_add_done_callback(futures[i], never, NULL), 0);
        }
        close_loop();
        ck_assert_int_eq(coil_result(futures[0]), -EINPROGRESS);
        ck_assert_int_eq(coil_future_set_result(futures[0], 5), 0);
        ck_assert_int_eq(coil_result(futures[0]), 5);
        ck_assert_int_eq(coil_future_set_error(futures[1], -EIO), 0);
        ck_assert_int_eq(coil_result(futures[1]), -EIO);
        ck_assert_int_eq(coil_cancel(futures[2]), 1);
        ck_assert(coil_cancelled(futures[2]));
        ck_assert_int_eq(coil_remove_done_callback(futures[3], never, NULL), 2);
        for (int i = 0; i < 4; i++) {
            coil_unref(futures[i]);
        }
    }
END_TEST

START_TEST(callbacks_cannot_be_added_any_more)
    {
        coil_future *done = make_future();
        coil_future *pending = make_future();

        coil_future_set_result(done, 1);
        close_loop();
        ck_assert_int_eq(coil_add_done_callback(done, never, NULL), -EPERM);
        ck_assert_int_eq(coil_add_done_callback(pending, never, NULL), -EPERM);
        coil_unref(done);
        coil_unref(pending);
    }
END_TEST

START_TEST(callbacks_that_were_scheduled_are_dropped)
    {
        coil_future *futures[2] = {make_future(), make_future()};

        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(coil_add_done_callback(futures[i], never, NULL), 0);
            coil_future_set_result(futures[i], 1);
            ck_assert_int_eq(coil_add_done_callback(futures[i], never, NULL), 0);
        }
        coil_unref(futures[0]);
        close_loop();
        ck_assert_int_eq(coil_result(futures[1]), 1);
        coil_unref(futures[1]);
    }
END_TEST

START_TEST(nothing_can_be_made_any_more)
    {
        coil_future *future = make_future();

        close_loop();
        ck_assert_ptr_null(coil_shield(future));
        ck_assert_int_eq(coil_creation_error(), -EPERM);
        ck_assert_int_eq(coil_cancel_threadsafe(future), -EPERM);
        ck_assert_int_eq(coil_await(future), -EPERM);
        ck_assert_int_eq(coil_wait_for(future, 1), -EPERM);
        ck_assert_int_eq(coil_join(future), -EPERM);
    }
END_TEST

static int await_foreign(void *future)
{
    ck_assert_int_eq(coil_await(future), -EINVAL);
    ck_assert_int_eq(coil_wait_for(future, 1), -EINVAL);
    ck_assert_int_eq(coil_wait((coil_future **)&future, 1), -EINVAL);
    ck_assert_ptr_null(coil_gather((coil_future **)&future, 1));
    return 0;
}

START_TEST(another_loop_cannot_wait_for_it)
    {
        coil_future *future = make_future();

        close_loop();
        ck_assert_int_eq(coil_run(await_foreign, future), 0);
        coil_unref(future);
    }
END_TEST

/* ---- tasks ----------------------------------------------------------------------------------------------------------- */

static int fail_with_words(void *unused)
{
    (void)unused;
    return coil_fail(-EIO, "words of %d", 17);
}

START_TEST(done_tasks_can_be_looked_at)
    {
        coil_task *task = make_task(fail_with_words, NULL);
        char argument[] = "argument";
        const struct coil_task_options options = {
            .size = sizeof(options), .arg = argument, .arg_size = sizeof(argument)};
        coil_task *other = coil_loop_create_task(loop, no_op, &options);

        run_a_little();
        close_loop();
        ck_assert_int_eq(coil_result(task), -EIO);
        ck_assert_str_eq(coil_error_message(task), "words of 17: Input/output error");
        ck_assert_str_eq(coil_task_name(task), "kept");
        ck_assert_int_eq(coil_task_set_name(task, "a new name that is longer than the one before"), 0);
        ck_assert_str_eq(coil_value(other), "argument");
        ck_assert_int_eq(coil_cancelling(other), 0);
        ck_assert_int_eq(coil_uncancel(other), 0);
        ck_assert_int_eq(coil_cancel(other), 0);
        coil_unref(task);
        coil_unref(other);
    }
END_TEST

static int hang_on_future(void *future)
{
    return coil_await(future);
}

static int hang_on_many(void *future)
{
    coil_future *futures[20];

    for (int i = 0; i < 20; i++) {
        futures[i] = future;
    }
    return coil_wait(futures, 20);
}

static int hang_with_limit(void *future)
{
    return coil_wait_for(future, 1000);
}

static int hang_on_gather(void *future)
{
    return coil_join(coil_gather((coil_future **)&future, 1));
}

static int hang_on_shield(void *future)
{
    return coil_join(coil_shield(future));
}

START_TEST(tasks_that_are_left_waiting_stay_as_they_are)
    {
        coil_fn *const ways[] = {hang_on_future, hang_on_many, hang_with_limit, hang, no_op};
        coil_task *tasks[5];
        coil_future *future = make_future();

        for (int i = 0; i < 4; i++) {
            tasks[i] = make_task(ways[i], future);
        }
        run_a_little();
        tasks[4] = make_task(no_op, NULL); /* never begins */
        close_loop();
        for (int i = 0; i < 5; i++) {
            take_report(COIL_REPORT_DESTROYED_PENDING);
            ck_assert(!coil_done(tasks[i]));
            ck_assert_int_eq(coil_result(tasks[i]), -EINPROGRESS);
            ck_assert_int_eq(coil_cancel(tasks[i]), 0); /* it can never be delivered */
            ck_assert_str_eq(coil_task_name(tasks[i]), "kept");
        }
        ck_assert_int_eq(coil_future_set_result(future, 1), 0); /* wakes nobody */
        coil_unref(future);
        for (int i = 0; i < 5; i++) {
            coil_unref(tasks[i]);
        }
    }
END_TEST

static int hang_on_task(void *task)
{
    return coil_await(task);
}

START_TEST(tasks_that_wait_for_each_other_are_all_given_back)
    {
        coil_task *tasks[10];

        for (int i = 0; i < 10; i++) {
            tasks[i] = make_task(i == 0 ? hang : hang_on_task, i == 0 ? NULL : tasks[i - 1]);
        }
        run_a_little();
        close_loop();
        for (int i = 0; i < 10; i++) {
            take_report(COIL_REPORT_DESTROYED_PENDING);
            coil_unref(tasks[i]);
        }
    }
END_TEST

START_TEST(tasks_that_nobody_holds_are_given_back_with_the_loop)
    {
        coil_future *future = make_future();

        for (int i = 0; i < 5; i++) {
            coil_unref(make_task(hang_on_future, future));
        }
        run_a_little();
        coil_unref(future);
        close_loop();
        for (int i = 0; i < 5; i++) {
            take_report(COIL_REPORT_DESTROYED_PENDING);
        }
        ck_assert_int_eq(live_blocks, 0);
    }
END_TEST

/* ---- what hangs on other futures ------------------------------------------------------------------------------------- */

static coil_future *made[4];

static int make_chains(void *future)
{
    coil_future *twice[] = {future, future};
    coil_as_completed_iter iter;

    made[0] = coil_gather(twice, 2);
    made[1] = coil_shield(future);
    made[2] = coil_shield(made[0]);
    coil_cancel(made[2]);
    made[3] = coil_gather(made, 3);
    ck_assert_int_eq(coil_as_completed(&iter, made, 4, .timeout = 1000), 0);
    coil_as_completed_close(&iter);
    return coil_sleep(0);
}

START_TEST(gathers_and_shields_stay_pending)
    {
        coil_future *future = make_future();
        coil_task *task = make_task(make_chains, future);

        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
        close_loop();
        ck_assert(!coil_done(made[0]) && !coil_done(made[1]));
        ck_assert(coil_cancelled(made[2]));
        ck_assert_int_eq(coil_future_set_result(future, 1), 0);
        ck_assert(!coil_done(made[0]) && !coil_done(made[1])); /* nobody carries it on */
        ck_assert_int_eq(coil_cancel(made[1]), 1);
        coil_cancel(made[0]);
        for (int i = 0; i < 4; i++) {
            (void)coil_result(made[i]);
            coil_unref(made[i]);
        }
        coil_unref(future);
    }
END_TEST

static coil_as_completed_iter open_iter;

static int leave_iteration_open(void *future)
{
    made[0] = coil_ref(future);
    ck_assert_int_eq(coil_as_completed(&open_iter, made, 1, .timeout = 1000), 0);
    return coil_sleep(0);
}

START_TEST(an_iteration_that_was_left_open_can_be_closed_later)
    {
        coil_future *future = make_future();
        coil_task *task = make_task(leave_iteration_open, future);

        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
        close_loop();
        coil_unref(future);
        coil_unref(made[0]);
        coil_as_completed_close(&open_iter);
        coil_as_completed_close(&open_iter);
    }
END_TEST

static int wait_for_the_next(void *unused)
{
    coil_future *next;

    (void)unused;
    return coil_as_completed_next(&open_iter, &next);
}

START_TEST(an_iteration_in_which_a_task_waits_can_be_closed_before_and_after)
    {
        for (int before = 0; before < 2; before++) {
            coil_future *future = make_future();
            coil_task *task = make_task(leave_iteration_open, future);
            ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
            coil_unref(task);
            task = make_task(wait_for_the_next, NULL);
            run_a_little();
            if (before) {
                coil_as_completed_close(&open_iter);
            }
            close_loop();
            take_report(COIL_REPORT_DESTROYED_PENDING);
            coil_as_completed_close(&open_iter);
            coil_unref(future);
            coil_unref(made[0]);
            coil_unref(task);
            ck_assert_int_eq(live_blocks, 0);
            loop = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL);
            coil_loop_set_exception_handler(loop, hear, NULL);
        }
        close_loop();
    }
END_TEST

START_TEST(waits_that_hang_on_chains_are_left_with_them)
    {
        coil_future *future = make_future();
        coil_task *gathering = make_task(hang_on_gather, future);
        coil_task *shielding = make_task(hang_on_shield, future);

        run_a_little();
        close_loop();
        take_report(COIL_REPORT_DESTROYED_PENDING);
        take_report(COIL_REPORT_DESTROYED_PENDING);
        coil_unref(gathering);
        coil_unref(shielding);
        coil_unref(future);
        live_blocks = 0; /* what the frames of those tasks held, a gather and a shield, went down with them */
    }
END_TEST

/* ---- reports on the way ---------------------------------------------------------------------------------------------- */

static coil_future *kept;
static coil_future *completed;

/* A handler that tries everything that starts something, from within the close. */
static void start_something(coil_loop *closing, const struct coil_report *report, void *userdata)
{
    const struct coil_task_options options = {.size = sizeof(options)};

    hear(closing, report, userdata);
    ck_assert_int_eq(coil_loop_close(closing), -EINVAL);
    ck_assert_int_eq(coil_loop_run_forever(closing), -EINVAL);
    ck_assert_int_eq(coil_loop_run_until_complete(closing, kept), -EINVAL);
    ck_assert_ptr_null(coil_loop_create_task(closing, give, &options));
    ck_assert_int_eq(coil_creation_error(), -EPERM);
    ck_assert_ptr_null(coil_loop_create_future(closing));
    ck_assert_int_eq(coil_creation_error(), -EPERM);
    ck_assert_ptr_null(coil_shield(kept));
    ck_assert_int_eq(coil_add_done_callback(kept, never, NULL), -EPERM);
    ck_assert_int_eq(coil_cancel_threadsafe(kept), -EPERM);
    (void)coil_future_set_result(completed, 1);
}

START_TEST(a_report_of_the_close_can_start_nothing)
    {
        kept = make_future();
        completed = make_future();
        coil_future *failed = make_future();
        coil_unref(make_task(hang, NULL));
        coil_unref(make_task(hang_on_future, kept));

        coil_loop_set_exception_handler(loop, start_something, NULL);
        ck_assert_int_eq(coil_add_done_callback(completed, never, NULL), 0);
        ck_assert_int_eq(coil_add_done_callback(failed, never, NULL), 0);
        run_a_little();
        coil_future_set_error(failed, -EIO);
        coil_unref(failed); /* its callback has the last reference: it goes with the close */
        close_loop();
        while (reports_taken < reports_heard) {
            reports_taken++;
        }
        ck_assert_int_eq(coil_result(completed), 1);
        coil_unref(completed);
        coil_unref(kept);
    }
END_TEST

/* ---- what is left ---------------------------------------------------------------------------------------------------- */

START_TEST(errors_that_nobody_looked_at_are_not_reported_after_the_close)
    {
        coil_future *future = make_future();

        coil_future_set_error(future, -EIO);
        close_loop();
        coil_unref(future);
    }
END_TEST

START_TEST(a_loop_that_never_ran_can_be_closed)
    {
        close_loop();
        ck_assert_int_eq(live_blocks, 0);
    }
END_TEST

static void *run_and_close(void *results)
{
    ((int *)results)[0] = coil_loop_run_forever(loop);
    ((int *)results)[1] = coil_loop_close(loop);
    return NULL;
}

START_TEST(another_thread_can_neither_run_nor_close_it)
    {
        int results[2] = {0, 0};
        pthread_t thread;

        ck_assert_int_eq(pthread_create(&thread, NULL, run_and_close, results), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(results[0], -EPERM);
        ck_assert_int_eq(results[1], -EPERM);
        close_loop();
    }
END_TEST

START_TEST(the_last_reference_may_be_a_task_or_a_future)
    {
        for (int i = 0; i < 2; i++) {
            coil_future *future = make_future();
            coil_task *task = make_task(give, NULL);
            run_a_little();
            close_loop();
            ck_assert_int_gt(live_blocks, 0);
            coil_unref(i == 0 ? future : task);
            coil_unref(i == 0 ? task : future);
            ck_assert_int_eq(live_blocks, 0);
            loop = coil_loop_new();
        }
        close_loop();
    }
END_TEST

Suite *close_suite(void)
{
    Suite *suite = suite_create("close");
    TCase *futures = tcase_create("close_futures");
    TCase *tasks = tcase_create("close_tasks");
    TCase *rest = tcase_create("close_rest");

    tcase_add_checked_fixture(futures, setup_loop, teardown);
    tcase_add_test(futures, done_futures_can_be_looked_at);
    tcase_add_test(futures, pending_futures_can_still_be_completed_but_call_nobody);
    tcase_add_test(futures, callbacks_cannot_be_added_any_more);
    tcase_add_test(futures, callbacks_that_were_scheduled_are_dropped);
    tcase_add_test(futures, nothing_can_be_made_any_more);
    tcase_add_test(futures, another_loop_cannot_wait_for_it);
    suite_add_tcase(suite, futures);

    tcase_add_checked_fixture(tasks, setup_loop, teardown);
    tcase_add_test(tasks, done_tasks_can_be_looked_at);
    tcase_add_test(tasks, tasks_that_are_left_waiting_stay_as_they_are);
    tcase_add_test(tasks, tasks_that_wait_for_each_other_are_all_given_back);
    tcase_add_test(tasks, tasks_that_nobody_holds_are_given_back_with_the_loop);
    suite_add_tcase(suite, tasks);

    tcase_add_checked_fixture(rest, setup_loop, teardown);
    tcase_add_test(rest, gathers_and_shields_stay_pending);
    tcase_add_test(rest, an_iteration_that_was_left_open_can_be_closed_later);
    tcase_add_test(rest, an_iteration_in_which_a_task_waits_can_be_closed_before_and_after);
    tcase_add_test(rest, a_report_of_the_close_can_start_nothing);
    tcase_add_test(rest, waits_that_hang_on_chains_are_left_with_them);
    tcase_add_test(rest, errors_that_nobody_looked_at_are_not_reported_after_the_close);
    tcase_add_test(rest, a_loop_that_never_ran_can_be_closed);
    tcase_add_test(rest, another_thread_can_neither_run_nor_close_it);
    tcase_add_test(rest, the_last_reference_may_be_a_task_or_a_future);
    suite_add_tcase(suite, rest);
    return suite;
}
