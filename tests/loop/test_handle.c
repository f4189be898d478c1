/* Handles: cancelled in every state they can be in, and kept for longer than their callback or their loop. */
#include "harness.h"
#include "suites.h"

static coil_handle *handle;

/* ---- cancelling ------------------------------------------------------------------------------------------------------ */

static void cancel_handle(void *unused)
{
    (void)unused;
    coil_handle_cancel(handle);
}

static void cancel_at_once(void *unused)
{
    (void)unused;
    coil_call_soon(say, "a");
    coil_handle_cancel(coil_call_soon(say, "b"));
    coil_call_soon(say, "c");
}

START_TEST(a_callback_cancelled_before_its_iteration_does_not_run)
    {
        run(cancel_at_once);
        assert_said("ac");
    }
END_TEST

static void cancel_in_batch(void *unused)
{
    (void)unused;
    coil_call_soon(cancel_handle, NULL);
    handle = coil_call_soon(say, "b");
    coil_call_soon(say, "c");
}

START_TEST(a_callback_cancelled_earlier_in_its_own_batch_does_not_run)
    {
        run(cancel_in_batch);
        assert_said("c");
    }
END_TEST

static void cancel_in_heap(void *unused)
{
    (void)unused;
    coil_call_later(3, say, "3");
    handle = coil_call_later(2, say, "2");
    coil_call_later(1, cancel_handle, NULL);
    coil_call_later(4, say, "4");
}

START_TEST(a_timer_cancelled_in_the_heap_does_not_run)
    {
        run(cancel_in_heap);
        assert_said("34");
    }
END_TEST

static void cancel_due(void *unused)
{
    (void)unused;
    coil_call_later(1, cancel_handle, NULL);
    handle = coil_call_later(1, say, "due");
    coil_call_later(1, say, "next");
}

START_TEST(a_timer_cancelled_when_it_is_due_already_does_not_run)
    {
        run(cancel_due);
        assert_said("next");
    }
END_TEST

static void cancel_oneself(void *unused)
{
    (void)unused;
    coil_handle_cancel(handle);
    ck_assert(coil_handle_cancelled(handle));
    say("ran");
}

static void make_self_cancelling(void *unused)
{
    (void)unused;
    handle = coil_handle_ref(coil_call_soon(cancel_oneself, NULL));
}

START_TEST(a_callback_may_cancel_itself_while_it_runs)
    {
        run(make_self_cancelling);
        assert_said("ran");
        coil_handle_unref(handle);
    }
END_TEST

static void make_referenced(void *unused)
{
    (void)unused;
    handle = coil_handle_ref(coil_call_soon(say, "ran"));
    ck_assert(!coil_handle_cancelled(handle));
}

START_TEST(cancelling_after_the_run_changes_nothing_but_the_answer)
    {
        run(make_referenced);
        assert_said("ran");
        ck_assert(!coil_handle_cancelled(handle));
        coil_handle_cancel(handle);
        ck_assert(coil_handle_cancelled(handle));
        coil_handle_unref(handle);
    }
END_TEST

static void cancel_twice(void *unused)
{
    (void)unused;
    handle = coil_handle_ref(coil_call_later(5, say, "never"));
    coil_handle_cancel(handle);
    coil_handle_cancel(handle);
    ck_assert(coil_handle_cancelled(handle));
    coil_handle_unref(handle);
    coil_call_soon(say, "on");
}

START_TEST(cancelling_twice_is_cancelling_once)
    {
        run(cancel_twice);
        assert_said("on");
    }
END_TEST

START_TEST(no_handle_is_no_harm)
    {
        coil_handle_cancel(NULL);
        ck_assert(!coil_handle_cancelled(NULL));
        ck_assert_ptr_null(coil_handle_ref(NULL));
        coil_handle_unref(NULL);
    }
END_TEST

static coil_handle *others[3];

static void cancel_all_others(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) {
        coil_handle_cancel(others[i]);
    }
}

static void make_others(void *unused)
{
    (void)unused;
    others[0] = coil_call_later(7, say, "timer");
    coil_call_soon(cancel_all_others, NULL);
    others[1] = coil_call_soon(say, "soon");
    others[2] = coil_call_later(0, say, "zero");
}

START_TEST(a_loop_whose_callbacks_are_all_cancelled_has_nothing_left)
    {
        run(make_others);
        assert_said("");
        ck_assert_uint_eq(loop->timers.count, 0);
        ck_assert_uint_eq(loop->ready.reserved, 0);
    }
END_TEST

/* A cancelled call must not wake the loop at its former time: the virtual clock does not move. */
static void cancel_far(void *unused)
{
    (void)unused;
    coil_handle_cancel(coil_call_later(1000, say, "never"));
    coil_call_later(1, stop, NULL);
}

START_TEST(a_cancelled_timer_does_not_wake_the_loop)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, cancel_far, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_eq(loop->virtual_ns, CI_SECOND_NS);
    }
END_TEST

START_TEST(a_call_to_a_loop_that_does_not_run_yet_is_cancelled_before_it_arrives)
    {
        coil_handle_cancel(coil_call_soon_threadsafe(loop, say, "cancelled"));
        run_with(say, "kept");
        assert_said("kept");
    }
END_TEST

/* ---- references ------------------------------------------------------------------------------------------------------ */

enum { KEPT = 6 };
static coil_handle *kept[KEPT];

static void stop_now(void *unused)
{
    (void)unused;
    kept[0] = coil_handle_ref(coil_call_soon(say, "soon"));
    kept[1] = coil_handle_ref(coil_call_later(100, say, "later"));
    kept[2] = coil_handle_ref(coil_call_later(0, say, "zero"));
    kept[4] = coil_handle_ref(coil_call_soon(say, "cancelled"));
    coil_handle_cancel(kept[4]);
    coil_loop_stop(loop);
}

START_TEST(references_outlive_the_loop_in_every_state)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop_now, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        kept[3] = coil_handle_ref(coil_call_soon_threadsafe(loop, say, "has not arrived"));
        kept[5] =
            coil_handle_ref(coil_handle_ref(coil_call_soon_threadsafe(loop, say, "nor has this, and is cancelled")));
        coil_handle_cancel(kept[5]);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        loop = NULL;
        assert_said("");
        for (int i = 0; i < KEPT; i++) {
            ck_assert(coil_handle_cancelled(kept[i]) == (i >= 4));
            coil_handle_cancel(kept[i]);
            ck_assert(coil_handle_cancelled(kept[i]));
            coil_handle_unref(kept[i]);
        }
        coil_handle_unref(kept[5]);
    }
END_TEST

static void keep_after_run(void *unused)
{
    (void)unused;
    kept[0] = coil_handle_ref(coil_call_soon(say, "a"));
    kept[1] = coil_handle_ref(coil_call_later(1, say, "b"));
    coil_handle_unref(coil_handle_ref(coil_call_later(2, say, "c"))); /* a reference given back stops nothing */
}

START_TEST(references_outlive_the_run_and_then_the_loop)
    {
        run(keep_after_run);
        assert_said("abc");
        ck_assert_int_eq(coil_loop_close(loop), 0);
        loop = NULL;
        coil_handle_unref(kept[0]);
        coil_handle_unref(kept[1]);
    }
END_TEST

enum { MANY = 1000 };

static void make_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < MANY; i++) {
        coil_handle *made =
            i % 2 == 0 ? coil_call_soon(cancel_handle, NULL) : coil_call_later(i % 7, cancel_handle, NULL);
        ck_assert_ptr_nonnull(made);
        if (i % 3 == 0) {
            coil_handle_cancel(made);
        }
    }
}

START_TEST(spent_handles_are_used_again_and_few_are_kept)
    {
        handle = NULL;
        run(make_many);
        long after_one = live_blocks;
        for (int i = 0; i < 10; i++) {
            run(make_many);
        }
        ck_assert_int_eq(live_blocks, after_one);
        ck_assert_int_lt(after_one, 100);
    }
END_TEST

static void leave_many(void *unused)
{
    make_many(unused);
    coil_loop_stop(loop);
}

START_TEST(closing_drops_what_has_not_run)
    {
        handle = NULL;
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, leave_many, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, say, "never"));
        ck_assert_int_eq(coil_loop_close(loop), 0);
        loop = NULL;
        assert_said("");
    }
END_TEST

Suite *handle_suite(void)
{
    Suite *suite = suite_create("handle");
    TCase *cancelling = tcase_create("handle_cancel");
    TCase *references = tcase_create("handle_references");

    tcase_add_checked_fixture(cancelling, setup_virtual, teardown);
    tcase_add_test(cancelling, a_callback_cancelled_before_its_iteration_does_not_run);
    tcase_add_test(cancelling, a_callback_cancelled_earlier_in_its_own_batch_does_not_run);
    tcase_add_test(cancelling, a_timer_cancelled_in_the_heap_does_not_run);
    tcase_add_test(cancelling, a_timer_cancelled_when_it_is_due_already_does_not_run);
    tcase_add_test(cancelling, a_callback_may_cancel_itself_while_it_runs);
    tcase_add_test(cancelling, cancelling_after_the_run_changes_nothing_but_the_answer);
    tcase_add_test(cancelling, cancelling_twice_is_cancelling_once);
    tcase_add_test(cancelling, no_handle_is_no_harm);
    tcase_add_test(cancelling, a_loop_whose_callbacks_are_all_cancelled_has_nothing_left);
    tcase_add_test(cancelling, a_cancelled_timer_does_not_wake_the_loop);
    tcase_add_test(cancelling, a_call_to_a_loop_that_does_not_run_yet_is_cancelled_before_it_arrives);
    suite_add_tcase(suite, cancelling);

    tcase_add_checked_fixture(references, setup_virtual, teardown);
    tcase_add_test(references, references_outlive_the_loop_in_every_state);
    tcase_add_test(references, references_outlive_the_run_and_then_the_loop);
    tcase_add_test(references, spent_handles_are_used_again_and_few_are_kept);
    tcase_add_test(references, closing_drops_what_has_not_run);
    suite_add_tcase(suite, references);
    return suite;
}
