/* communicate: both ways at once, however much, whatever the child does, and what a call that ends early leaves. */
#include <stdio.h>

#include "children.h"
#include "suites.h"

#define MUCH ((size_t)10 << 20)

static char *pattern(size_t size)
{
    char *data = malloc(size);

    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < size; i++) {
        data[i] = (char)(i * 7919 >> 3);
    }
    return data;
}

static int talk_once(coil_process *child, const void *input, size_t size, coil_buffer *output, coil_buffer *errors)
{
    int rc = coil_process_communicate(child, input, size, output, errors);

    coil_process_unref(child);
    return rc;
}

PROCESS_TEST(what_goes_in_and_what_comes_out)
{
    coil_process *child =
        start_shell("sort; echo err >&2; exit 3", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE, .stderr_ = COIL_PIPE);
    coil_buffer output;
    coil_buffer errors;

    ck_assert_int_eq(talk_once(child, "c\nb\na\n", 6, &output, &errors), 3);
    assert_buffer_is(output, "a\nb\nc\n");
    assert_buffer_is(errors, "err\n");
    ck_assert_ptr_null(output.data);
    return 0;
}

PROCESS_TEST(where_there_is_no_pipe_there_is_nothing)
{
    coil_buffer output = {.data = &output};
    coil_buffer errors = {.data = &errors};

    ck_assert_int_eq(talk_once(start_shell("exit 3"), NULL, 0, &output, &errors), 3);
    ck_assert_ptr_null(output.data);
    ck_assert_ptr_null(errors.data);
    ck_assert_int_eq(talk_once(start_shell("exit 3", .stdout_ = COIL_PIPE), NULL, 0, &output, NULL), 3);
    assert_buffer_is(output, "");
    coil_process *child = start_shell("exit 3");
    ck_assert_int_eq(coil_process_communicate(child, "x", 1, &output, NULL), -EINVAL);
    ck_assert_int_eq(end_of(child), 3);
    child = start_shell("exit 3", .stdin_ = COIL_PIPE);
    ck_assert_int_eq(coil_process_communicate(child, NULL, 1, &output, NULL), -EINVAL);
    ck_assert_int_eq(end_of(child), 3);
    return 0;
}

PROCESS_TEST(a_child_that_waits_for_input_gets_its_end)
{
    coil_buffer output;
    coil_process *child = start_shell("cat; echo end", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);

    ck_assert_int_eq(talk_once(child, NULL, 0, &output, NULL), 0);
    assert_buffer_is(output, "end\n");
    return 0;
}

PROCESS_TEST(much_goes_both_ways_at_once)
{
    char *data = pattern(MUCH);
    coil_process *child = start_shell("cat", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);
    coil_buffer output;

    ck_assert_int_eq(talk_once(child, data, MUCH, &output, NULL), 0);
    ck_assert_uint_eq(output.size, MUCH);
    ck_assert_int_eq(memcmp(output.data, data, MUCH), 0);
    coil_buffer_free(&output);
    child = start_shell("tee /dev/stderr", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE, .stderr_ = COIL_PIPE);
    coil_buffer errors;
    ck_assert_int_eq(talk_once(child, data, MUCH / 4, &output, &errors), 0);
    ck_assert_uint_eq(output.size, MUCH / 4);
    ck_assert_uint_eq(errors.size, MUCH / 4);
    ck_assert_int_eq(memcmp(output.data, data, MUCH / 4), 0);
    ck_assert_int_eq(memcmp(errors.data, data, MUCH / 4), 0);
    coil_buffer_free(&output);
    coil_buffer_free(&errors);
    free(data);
    return 0;
}

PROCESS_TEST(output_that_nobody_wants_does_not_stop_the_child)
{
    coil_process *child = start_shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exit 5",
                                      .stdout_ = COIL_PIPE, .stderr_ = COIL_PIPE);

    ck_assert_int_eq(talk_once(child, NULL, 0, NULL, NULL), 5);
    return 0;
}

PROCESS_TEST(a_child_that_does_not_read_is_no_error)
{
    char *data = pattern(1 << 20);
    coil_buffer output;
    coil_process *child = start_shell("sleep 0.1; echo done; exit 4", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);

    ck_assert_int_eq(talk_once(child, data, 1 << 20, &output, NULL), 4);
    assert_buffer_is(output, "done\n");
    child = start_shell("true", .stdin_ = COIL_PIPE);
    ck_assert_int_eq(coil_process_wait(child), 0); /* it is gone before anything was written */
    ck_assert_int_eq(talk_once(child, data, 1 << 20, NULL, NULL), 0);
    child = start_shell("exec <&-; head -c 1000000 /dev/zero", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);
    ck_assert_int_eq(talk_once(child, data, 1 << 20, &output, NULL), 0);
    ck_assert_uint_eq(output.size, 1000000);
    coil_buffer_free(&output);
    free(data);
    return 0;
}

PROCESS_TEST(a_child_that_reads_a_part_is_no_error)
{
    char *data = pattern(1 << 20);
    coil_buffer output;
    coil_process *child = start_shell("head -c 100000", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);

    ck_assert_int_eq(talk_once(child, data, 1 << 20, &output, NULL), 0);
    ck_assert_uint_eq(output.size, 100000);
    ck_assert_int_eq(memcmp(output.data, data, 100000), 0);
    coil_buffer_free(&output);
    free(data);
    return 0;
}

PROCESS_TEST(nothing_of_what_a_killed_child_wrote_is_lost)
{
    coil_buffer output;
    coil_process *child =
        start_shell("head -c 60000 /dev/zero; kill -9 $$", .stdout_ = COIL_PIPE, .stderr_ = COIL_DEVNULL);

    ck_assert_int_eq(coil_process_wait(child), 128 + SIGKILL);
    ck_assert_int_eq(coil_process_communicate(child, NULL, 0, &output, NULL), 128 + SIGKILL);
    ck_assert_uint_eq(output.size, 60000);
    coil_buffer_free(&output);
    coil_process_unref(child);
    child = start_shell("head -c 1000000 /dev/zero; kill -9 $$", .stdout_ = COIL_PIPE);
    ck_assert_int_eq(talk_once(child, NULL, 0, &output, NULL), 128 + SIGKILL);
    ck_assert_uint_eq(output.size, 1000000);
    coil_buffer_free(&output);
    return 0;
}

PROCESS_TEST(a_second_call_after_the_end_is_empty)
{
    coil_process *child = start_shell("echo x; exit 2", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);
    coil_buffer output;

    ck_assert_int_eq(coil_process_communicate(child, "input", 5, &output, NULL), 2);
    assert_buffer_is(output, "x\n");
    ck_assert_int_eq(coil_process_communicate(child, "input", 5, &output, NULL), 2);
    ck_assert_ptr_null(output.data);
    coil_process_unref(child);
    return 0;
}

/* ---- calls that end early -------------------------------------------------------------------------------------------- */

struct talk {
    coil_process *child;
    const char *input;
    size_t size;
    coil_buffer output;
    coil_buffer errors;
};

static int talk(void *arg)
{
    struct talk *talk = arg;

    return coil_process_communicate(talk->child, talk->input, talk->size, &talk->output, &talk->errors);
}

PROCESS_TEST(a_timeout_leaves_the_child_alone_and_loses_nothing)
{
    struct talk it = {.child = start_shell("echo begun; echo err >&2; read x; echo \"$x\"; sleep 0.2; echo end",
                                           .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE, .stderr_ = COIL_PIPE),
                      .input = "line\n",
                      .size = 5};

    ck_assert_int_eq(coil_wait_for_coroutine(talk, &it, 0.1), -ETIMEDOUT);
    ck_assert_ptr_null(it.output.data);
    ck_assert_ptr_null(it.errors.data);
    ck_assert_int_eq(coil_process_returncode(it.child), -EINPROGRESS);
    ck_assert_int_eq(talk(&it), 0);
    assert_buffer_is(it.output, "begun\nline\nend\n");
    assert_buffer_is(it.errors, "err\n");
    coil_process_unref(it.child);
    return 0;
}

PROCESS_TEST(a_child_that_takes_too_long_is_killed_by_the_caller_who_gets_what_there_is)
{
    struct talk it = {.child = start_shell("echo begun; exec sleep 1000", .stdout_ = COIL_PIPE)};

    ck_assert_int_eq(coil_wait_for_coroutine(talk, &it, 0.1), -ETIMEDOUT);
    ck_assert_int_eq(coil_process_kill(it.child), 0);
    ck_assert_int_eq(talk(&it), 128 + SIGKILL);
    assert_buffer_is(it.output, "begun\n");
    coil_process_unref(it.child);
    return 0;
}

PROCESS_TEST(what_was_read_and_not_fetched_goes_with_the_process)
{
    struct talk it = {.child = start_shell("echo begun; exec sleep 1000", .stdout_ = COIL_PIPE)};

    ck_assert_int_eq(coil_wait_for_coroutine(talk, &it, 0.1), -ETIMEDOUT);
    ck_assert_int_eq(coil_process_close(it.child), 128 + SIGKILL);
    coil_process_unref(it.child);
    return 0;
}

/* However often it is interrupted, and wherever, in the end every byte has been written and read once. */
PROCESS_TEST(calls_that_are_cancelled_at_random_lose_no_byte)
{
    size_t size = CI_WITH_TSAN || RUNNING_ON_VALGRIND ? 1 << 18 : 4 << 20;
    char *data = pattern(size);
    struct talk it = {.input = data, .size = size};
    unsigned seed = 1;
    int interrupted = 0;
    int rc;

    it.child = start_shell("tee /dev/stderr", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE, .stderr_ = COIL_PIPE);
    do {
        coil_task *task = spawn(talk, &it);
        for (int i = rand_r(&seed) % 20; i >= 0; i--) {
            (void)coil_sleep(rand_r(&seed) % 8 == 0 ? 0.0005 : 0);
        }
        coil_cancel(task);
        rc = coil_join(task);
        interrupted += rc < 0;
        ck_assert(rc == 0 || rc == -ECANCELED);
    } while (rc < 0);
    ck_assert_int_gt(interrupted, 0);
    ck_assert_uint_eq(it.output.size, size);
    ck_assert_uint_eq(it.errors.size, size);
    ck_assert_int_eq(memcmp(it.output.data, data, size), 0);
    ck_assert_int_eq(memcmp(it.errors.data, data, size), 0);
    coil_buffer_free(&it.output);
    coil_buffer_free(&it.errors);
    coil_process_unref(it.child);
    free(data);
    return 0;
}

PROCESS_TEST(two_tasks_cannot_communicate_at_once)
{
    struct talk it = {.child = start_shell("exec sleep 1000", .stdout_ = COIL_PIPE)};
    coil_task *task = spawn(talk, &it);

    settle();
    ck_assert_int_eq(coil_process_communicate(it.child, NULL, 0, NULL, NULL), -EBUSY);
    ck_assert_int_eq(coil_process_kill(it.child), 0);
    ck_assert_int_eq(coil_join(task), 128 + SIGKILL);
    coil_buffer_free(&it.output);
    coil_process_unref(it.child);
    return 0;
}

PROCESS_TEST(a_reference_that_goes_meanwhile_does_no_harm)
{
    struct talk it = {.child = start_shell("sleep 0.1; echo x", .stdout_ = COIL_PIPE)};
    coil_task *task = spawn(talk, &it);

    settle();
    coil_process_unref(it.child);
    ck_assert_int_eq(coil_join(task), 0);
    assert_buffer_is(it.output, "x\n");
    return 0;
}

Suite *communicate_suite(void)
{
    Suite *suite = suite_create("communicate");
    TCase *whole = tcase_create("communicate_whole");
    TCase *parts = tcase_create("communicate_parts");

    tcase_add_checked_fixture(whole, setup, teardown);
    tcase_add_test(whole, what_goes_in_and_what_comes_out);
    tcase_add_test(whole, where_there_is_no_pipe_there_is_nothing);
    tcase_add_test(whole, a_child_that_waits_for_input_gets_its_end);
    tcase_add_test(whole, much_goes_both_ways_at_once);
    tcase_add_test(whole, output_that_nobody_wants_does_not_stop_the_child);
    tcase_add_test(whole, a_child_that_does_not_read_is_no_error);
    tcase_add_test(whole, a_child_that_reads_a_part_is_no_error);
    tcase_add_test(whole, nothing_of_what_a_killed_child_wrote_is_lost);
    tcase_add_test(whole, a_second_call_after_the_end_is_empty);
    suite_add_tcase(suite, whole);

    tcase_add_checked_fixture(parts, setup, teardown);
    tcase_add_test(parts, a_timeout_leaves_the_child_alone_and_loses_nothing);
    tcase_add_test(parts, a_child_that_takes_too_long_is_killed_by_the_caller_who_gets_what_there_is);
    tcase_add_test(parts, what_was_read_and_not_fetched_goes_with_the_process);
    tcase_add_test(parts, calls_that_are_cancelled_at_random_lose_no_byte);
    tcase_add_test(parts, two_tasks_cannot_communicate_at_once);
    tcase_add_test(parts, a_reference_that_goes_meanwhile_does_no_harm);
    suite_add_tcase(suite, parts);
    return suite;
}
