/*
 * Waiting in long chains and in circles: requests travel through a hundred thousand tasks without recursion, a circle of awaits is
 * found before it is closed, and a circle that closes through other things neither crashes nor runs for ever.
 */
#include "harness.h"
#include "suites.h"

/* ---- chains ---------------------------------------------------------------------------------------------------------- */

/* A chain of count tasks, each of which awaits the one before it; the first awaits future. */
static coil_task **make_chain(coil_future *future, int count)
{
    coil_task **tasks = malloc((size_t)count * sizeof(coil_task *));

    ck_assert_ptr_nonnull(tasks);
    for (int i = 0; i < count; i++) {
        tasks[i] = spawn(await_it, i == 0 ? future : tasks[i - 1]);
    }
    coil_sleep(0);
    return tasks;
}

static void free_chain(coil_task **tasks, int count)
{
    for (int i = 0; i < count; i++) {
        coil_unref(tasks[i]);
    }
    free(tasks);
}

TASK_TEST(a_cancellation_goes_down_a_long_chain_at_once)
{
    int count = MANY_TASKS;
    A_FUTURE(future);
    coil_task **tasks = make_chain(future, count);

    trigger(NULL);
    ck_assert_int_eq(coil_cancel(tasks[count - 1]), 1);
    ck_assert(coil_cancelled(future));
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(coil_cancelling(tasks[i]), 1);
    }
    ck_assert_int_eq(coil_await(tasks[count - 1]), -ECANCELED);
    ck_assert_int_eq(hops(), count + 1); /* and comes back one task at a time */
    for (int i = 0; i < count; i++) {
        ck_assert(coil_cancelled(tasks[i]));
    }
    free_chain(tasks, count);
    coil_unref(future);
    return 0;
}

TASK_TEST(a_result_comes_up_a_long_chain)
{
    int count = MANY_TASKS;
    A_FUTURE(future);
    coil_task **tasks = make_chain(future, count);

    coil_future_set_result(future, 77);
    ck_assert_int_eq(coil_await(tasks[count - 1]), 77);
    free_chain(tasks, count);
    coil_unref(future);
    return 0;
}

static int await_chain_of_gathers(coil_future *future, int count)
{
    coil_future *top = coil_ref(future);

    for (int i = 0; i < count; i++) {
        coil_future *next = coil_gather(&top, 1);
        ck_assert_ptr_nonnull(next);
        coil_unref(top);
        top = next;
    }
    ck_assert_int_eq(coil_cancel(top), 1);
    ck_assert(coil_cancelled(future));
    int rc = coil_await(top);
    coil_unref(top);
    return rc;
}

TASK_TEST(a_cancellation_goes_down_a_long_chain_of_gathers)
{
    A_FUTURE(future);

    ck_assert_int_eq(await_chain_of_gathers(future, 100000), -ECANCELED);
    coil_unref(future);
    return 0;
}

static int wait_for_it(void *future)
{
    return coil_wait_for(future, 1000);
}

TASK_TEST(a_cancellation_goes_through_every_kind_of_wait_in_a_chain)
{
    A_FUTURE(future);
    coil_task *a = spawn(await_it, future);
    coil_future *b = coil_gather(&a, 1);
    coil_task *c = spawn(wait_for_it, b);
    coil_future *pair[] = {c, c};
    coil_future *d = coil_gather(pair, 2);
    coil_task *e = spawn(await_it, d);

    let_pass(3);
    ck_assert_int_eq(coil_cancel(e), 1);
    ck_assert(coil_cancelled(future));
    ck_assert_int_eq(coil_cancelling(c), 2); /* once for each time the gather has it */
    ck_assert_int_eq(coil_await(e), -ECANCELED);
    coil_unref(a);
    coil_unref(b);
    coil_unref(c);
    coil_unref(d);
    coil_unref(e);
    coil_unref(future);
    return 0;
}

/* ---- circles --------------------------------------------------------------------------------------------------------- */

TASK_TEST(awaiting_oneself_is_a_deadlock_at_once)
{
    coil_task *self = coil_current_task();

    trigger(NULL);
    ck_assert_int_eq(coil_await(self), -EDEADLK);
    ck_assert_int_eq(coil_wait_for(self, 1), -EDEADLK);
    ck_assert_int_eq(coil_wait_for(self, 0), -EDEADLK);
    ck_assert_int_eq(hops(), 0);
    ck_assert_int_eq(coil_join(coil_ref(self)), -EDEADLK);
    ck_assert_int_eq(coil_sleep(0), 0); /* nothing else has happened */
    return 0;
}

static int await_what_is_there(void *future)
{
    return coil_await(*(coil_future **)future);
}

TASK_TEST(a_circle_of_tasks_is_a_deadlock_for_the_one_that_would_close_it)
{
    coil_task *tasks[5];

    for (int i = 0; i < 5; i++) {
        tasks[i] = spawn(await_what_is_there, &tasks[(i + 1) % 5]);
    }
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(coil_await(tasks[i]), -EDEADLK); /* the last one gets it and the others pass it on */
    }
    for (int i = 0; i < 5; i++) {
        coil_unref(tasks[i]);
    }
    return 0;
}

TASK_TEST(a_circle_through_gathers_is_a_deadlock_for_the_one_that_would_close_it)
{
    coil_future *gather = NULL;
    coil_future *outer = NULL;
    coil_task *task = spawn(await_what_is_there, &outer);
    A_FUTURE(other);
    coil_future *children[] = {other, task};

    gather = coil_gather(children, 2);
    outer = coil_gather(&gather, 1);
    ck_assert_int_eq(coil_await(task), -EDEADLK);
    ck_assert_int_eq(coil_await(outer), -EDEADLK);
    coil_cancel(other);
    coil_unref(other);
    coil_unref(gather);
    coil_unref(outer);
    coil_unref(task);
    return 0;
}

TASK_TEST(what_only_looks_like_a_circle_is_none)
{
    A_FUTURE(future);
    coil_task *a = spawn(await_it, future);
    coil_task *b = spawn(await_it, a);
    coil_future *children[] = {a, b, a, future};
    coil_future *all = coil_gather(children, 4);
    coil_task *c = spawn(await_it, all);

    let_pass(2);
    coil_future_set_result(future, 1);
    ck_assert_int_eq(coil_join(c), 0);
    ck_assert_int_eq(coil_join(b), 1);
    ck_assert_int_eq(coil_join(a), 1);
    coil_unref(all);
    coil_unref(future);
    return 0;
}

static int wait_in_a_way_that_hides_it(void *future)
{
    coil_future *one = *(coil_future **)future;
    int rc = coil_wait(&one, 1);

    return rc < 0 ? rc : coil_result(one);
}

TASK_TEST(cancelling_a_circle_that_no_await_closed_ends_all_of_it)
{
    coil_task *a = NULL;
    coil_task *b = NULL;

    a = spawn(wait_in_a_way_that_hides_it, &b);
    b = spawn(await_what_is_there, &a);
    let_pass(2);
    ck_assert_int_eq(coil_cancel(b), 1); /* goes on to a, whose wait takes it */
    ck_assert_int_eq(coil_join(b), -ECANCELED);
    ck_assert_int_eq(coil_join(a), -ECANCELED);
    return 0;
}

static int cancel_and_await(void *future)
{
    coil_future *one = *(coil_future **)future;

    coil_sleep(1);
    coil_cancel(one);
    return coil_await(one);
}

/* The request comes back to the task that made it, which is then cancelled while it would close the circle. */
TASK_TEST(a_request_that_comes_back_to_its_sender_stops_there)
{
    coil_future *gather = NULL;
    coil_task *task = spawn(cancel_and_await, &gather);

    gather = coil_gather(&task, 1);
    ck_assert_int_eq(coil_await(task), -EDEADLK);
    ck_assert_int_eq(coil_cancelling(task), 1);
    ck_assert_int_eq(coil_join(gather), -EDEADLK);
    coil_unref(task);
    return 0;
}

/* A diamond of gathers doubles the number of ways down at each level; looking for circles must not go every way. */
TASK_TEST(looking_for_a_circle_goes_by_each_future_once)
{
    A_FUTURE(bottom);
    coil_future *levels[40] = {bottom};

    for (int i = 1; i < 40; i++) {
        coil_future *twice[] = {levels[i - 1], levels[i - 1]};
        levels[i] = coil_gather(twice, 2);
    }
    coil_task *task = spawn(await_it, levels[39]); /* who is awaited looks for circles */
    coil_task *waiter = spawn(await_it, task);
    let_pass(2);
    coil_future_set_result(bottom, 1);
    ck_assert_int_eq(coil_join(waiter), 0);
    coil_unref(task);
    for (int i = 0; i < 40; i++) {
        coil_unref(levels[i]);
    }
    return 0;
}

enum { WIDE = 1000, NEAR = 8 };

/* How many of futures a walk has been to that began after the one numbered before. */
static int been_to(coil_future *const *futures, int count, uint64_t before)
{
    int been = 0;

    for (int i = 0; i < count; i++) {
        been += futures[i]->walk_epoch > before;
    }
    return been;
}

static uint64_t walks(void)
{
    return ci_runtime_of(coil_get_running_loop())->walk_epoch;
}

static void make_wide(coil_future **futures)
{
    for (int i = 0; i < WIDE; i++) {
        futures[i] = coil_future_new();
    }
}

static void unref_wide(coil_future **futures)
{
    for (int i = 0; i < WIDE; i++) {
        coil_unref(futures[i]);
    }
}

TASK_TEST(who_is_not_awaited_looks_for_no_circle)
{
    coil_future *children[WIDE];

    make_wide(children);
    coil_future *all = coil_gather(children, WIDE);
    uint64_t before = walks();
    coil_task *task = spawn(await_it, all);
    coil_task *waiter = spawn(await_it, task);
    coil_sleep(0);
    ck_assert_uint_eq(walks(), before);
    coil_future_set_error(children[0], -EIO);
    ck_assert_int_eq(coil_join(waiter), -EIO);
    coil_unref(task);
    coil_unref(all);
    unref_wide(children);
    return 0;
}

/* Waits for the first of two futures, then for the second. */
static int await_both(void *futures)
{
    coil_future *const *pair = futures;

    (void)coil_await(pair[0]);
    return coil_await(pair[1]);
}

TASK_TEST(an_await_of_a_wide_gather_by_who_is_awaited_looks_upwards)
{
    coil_future *children[WIDE];
    A_FUTURE(first);

    make_wide(children);
    coil_future *pair[] = {first, coil_gather(children, WIDE)};
    coil_task *task = spawn(await_both, pair);
    coil_task *waiter = spawn(await_it, task);
    coil_sleep(0);
    uint64_t before = walks();
    coil_future_set_result(first, 1);
    let_pass(2);
    ck_assert_uint_gt(walks(), before);
    ck_assert_int_lt(been_to(children, WIDE, before), NEAR);
    coil_future_set_error(children[0], -EIO);
    ck_assert_int_eq(coil_join(waiter), -EIO);
    coil_unref(task);
    coil_unref(pair[1]);
    coil_unref(first);
    unref_wide(children);
    return 0;
}

TASK_TEST(an_await_by_one_for_whom_many_wait_looks_downwards)
{
    coil_task *waiters[WIDE];
    A_FUTURE(first);
    A_FUTURE(second);
    coil_task *sleeper = spawn(await_it, second);
    coil_future *pair[] = {first, sleeper};
    coil_task *task = spawn(await_both, pair);

    for (int i = 0; i < WIDE; i++) {
        waiters[i] = spawn(await_it, task);
    }
    coil_sleep(0);
    uint64_t before = walks();
    coil_future_set_result(first, 1);
    let_pass(2);
    ck_assert_uint_gt(walks(), before);
    ck_assert_int_lt(been_to(waiters, WIDE, before), NEAR);
    coil_future_set_result(second, 2);
    for (int i = 0; i < WIDE; i++) {
        ck_assert_int_eq(coil_join(waiters[i]), 2);
    }
    coil_unref(task);
    coil_unref(sleeper);
    coil_unref(first);
    coil_unref(second);
    return 0;
}

/* Awaits what arg points to, whatever it comes to. */
static int await_anything(void *arg)
{
    (void)coil_await(arg);
    return 0;
}

/* The circle is found wherever it closes in the crowd: among a gather's children, among a task's waiters. */
TASK_TEST(a_circle_in_a_crowd_is_found)
{
    coil_future *crowd[WIDE];

    for (int at = 0; at < WIDE; at += WIDE / 3) {
        make_wide(crowd);
        A_FUTURE(first);
        coil_future *pair[] = {first, NULL};
        coil_task *task = spawn(await_both, pair);
        coil_unref(crowd[at]);
        crowd[at] = spawn(await_it, task);
        for (int i = 0; i < WIDE; i++) {
            coil_unref(spawn(await_anything, task));
        }
        pair[1] = coil_gather(crowd, WIDE);
        coil_sleep(0);
        coil_future_set_result(first, 1);
        ck_assert_int_eq(coil_await(task), -EDEADLK);
        ck_assert_int_eq(coil_await(pair[1]), -EDEADLK); /* by way of the child that had waited for the task */
        coil_unref(task);
        coil_unref(pair[1]);
        coil_unref(first);
        for (int i = 0; i < WIDE; i++) {
            coil_cancel(crowd[i]);
        }
        unref_wide(crowd);
        let_pass(3);
    }
    return 0;
}

/* Walks are numbered, and there are more of them than 32 bits can count. */
TASK_TEST(walks_beyond_four_billion_miss_nothing)
{
    struct ci_runtime *runtime = ci_runtime_of(coil_get_running_loop());

    for (int i = 0; i < 8; i++) {
        A_FUTURE(a);
        A_FUTURE(b);
        coil_future *children[] = {a, b, a};
        coil_future *futures[2];
        runtime->walk_epoch = (uint64_t)UINT32_MAX - 4 + (unsigned)i;
        futures[0] = coil_gather(children, 3);
        futures[1] = coil_gather(children, 3);
        ck_assert(!coil_done(futures[0]));
        coil_future_set_result(a, 1);
        coil_future_set_result(b, 2);
        ck_assert_int_eq(coil_wait(futures, 2, .timeout = 1), 2);
        for (int k = 0; k < 2; k++) {
            ck_assert_int_eq(coil_join(futures[k]), 0);
        }
        coil_unref(a);
        coil_unref(b);
    }
    return 0;
}

Suite *chain_suite(void)
{
    Suite *suite = suite_create("chain");
    TCase *chains = tcase_create("chain_long");
    TCase *circles = tcase_create("chain_circle");

    tcase_add_checked_fixture(chains, setup, teardown);
    tcase_add_test(chains, a_cancellation_goes_down_a_long_chain_at_once);
    tcase_add_test(chains, a_result_comes_up_a_long_chain);
    tcase_add_test(chains, a_cancellation_goes_down_a_long_chain_of_gathers);
    tcase_add_test(chains, a_cancellation_goes_through_every_kind_of_wait_in_a_chain);
    suite_add_tcase(suite, chains);

    tcase_add_checked_fixture(circles, setup, teardown);
    tcase_add_test(circles, awaiting_oneself_is_a_deadlock_at_once);
    tcase_add_test(circles, a_circle_of_tasks_is_a_deadlock_for_the_one_that_would_close_it);
    tcase_add_test(circles, a_circle_through_gathers_is_a_deadlock_for_the_one_that_would_close_it);
    tcase_add_test(circles, what_only_looks_like_a_circle_is_none);
    tcase_add_test(circles, cancelling_a_circle_that_no_await_closed_ends_all_of_it);
    tcase_add_test(circles, a_request_that_comes_back_to_its_sender_stops_there);
    tcase_add_test(circles, looking_for_a_circle_goes_by_each_future_once);
    tcase_add_test(circles, who_is_not_awaited_looks_for_no_circle);
    tcase_add_test(circles, an_await_of_a_wide_gather_by_who_is_awaited_looks_upwards);
    tcase_add_test(circles, an_await_by_one_for_whom_many_wait_looks_downwards);
    tcase_add_test(circles, a_circle_in_a_crowd_is_found);
    tcase_add_test(circles, walks_beyond_four_billion_miss_nothing);
    suite_add_tcase(suite, circles);
    return suite;
}
