/* Callbacks for descriptors: told as long as it is true, taken out and replaced from anywhere, also from inside. */
#include <coil/watch.h>

#include "harness.h"
#include "suites.h"

struct watched {
    int fd;
    int calls;
    int stop_at;
    coil_callback *replacement;
};

static void note(void *arg)
{
    struct watched *watched = arg;

    watched->calls++;
    if (watched->calls == watched->stop_at) {
        ck_assert_int_eq(coil_remove_reader(watched->fd), 1);
    }
    if (watched->replacement != NULL) {
        ck_assert_int_eq(coil_add_reader(watched->fd, watched->replacement, watched), 0);
        watched->replacement = NULL;
    }
}

static void note_ten(void *arg)
{
    struct watched *watched = arg;

    watched->calls += 10;
    ck_assert_int_eq(coil_remove_reader(watched->fd), 1);
}

IO_TEST(a_reader_is_called_as_long_as_there_is_something)
{
    int fds[2];
    char data[4];

    unix_pair(fds);
    struct watched watched = {.fd = fds[0]};
    ck_assert_int_eq(coil_add_reader(fds[0], note, &watched), 0);
    settle();
    ck_assert_int_eq(watched.calls, 0);
    ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
    ck_assert_int_eq(coil_sleep(0.002), 0);
    ck_assert_int_gt(watched.calls, 2);
    ck_assert_int_eq(recv(fds[0], data, 4, 0), 1);
    settle();
    int calls = watched.calls;
    ck_assert_int_eq(coil_sleep(0.002), 0);
    ck_assert_int_eq(watched.calls, calls);
    ck_assert_int_eq(coil_remove_reader(fds[0]), 1);
    ck_assert_int_eq(coil_remove_reader(fds[0]), 0);
    close_pair(fds);
    return 0;
}

IO_TEST(a_writer_and_a_reader_watch_the_same_descriptor)
{
    int fds[2];

    unix_pair(fds);
    struct watched in = {.fd = fds[0]};
    struct watched out = {.fd = fds[0]};
    ck_assert_int_eq(coil_add_reader(fds[0], note, &in), 0);
    ck_assert_int_eq(coil_add_writer(fds[0], note, &out), 0);
    settle();
    ck_assert_int_eq(in.calls, 0);
    ck_assert_int_gt(out.calls, 0);
    ck_assert_int_eq(coil_remove_writer(fds[0]), 1);
    int calls = out.calls;
    ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
    ck_assert_int_eq(coil_sleep(0.002), 0);
    ck_assert_int_eq(out.calls, calls);
    ck_assert_int_gt(in.calls, 0);
    ck_assert_int_eq(coil_remove_reader(fds[0]), 1);
    close_pair(fds);
    return 0;
}

IO_TEST(a_callback_may_take_itself_out_or_replace_itself)
{
    int fds[2];

    unix_pair(fds);
    ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
    struct watched watched = {.fd = fds[0], .stop_at = 3};
    ck_assert_int_eq(coil_add_reader(fds[0], note, &watched), 0);
    ck_assert_int_eq(coil_sleep(0.002), 0);
    ck_assert_int_eq(watched.calls, 3);
    watched = (struct watched){.fd = fds[0], .replacement = note_ten};
    ck_assert_int_eq(coil_add_reader(fds[0], note, &watched), 0);
    ck_assert_int_eq(coil_sleep(0.002), 0);
    ck_assert_int_eq(watched.calls, 11);
    close_pair(fds);
    return 0;
}

IO_TEST(one_that_is_about_to_be_called_can_still_be_taken_out)
{
    int fds[2];

    unix_pair(fds);
    ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
    struct watched watched = {.fd = fds[0]};
    ck_assert_int_eq(coil_add_reader(fds[0], note, &watched), 0);
    ck_assert_int_eq(coil_remove_reader(fds[0]), 1);
    settle();
    ck_assert_int_eq(watched.calls, 0);
    close_pair(fds);
    return 0;
}

IO_TEST(a_descriptor_that_is_closed_is_watched_no_more)
{
    int fds[2];

    unix_pair(fds);
    struct watched watched = {.fd = fds[0]};
    ck_assert_int_eq(coil_add_reader(fds[0], note, &watched), 0);
    settle();
    close_pair(fds);
    settle();
    ck_assert_int_eq(watched.calls, 0);
    ck_assert_int_eq(coil_remove_reader(fds[0]), 0);
    return 0;
}

IO_TEST(what_is_left_ends_with_the_loop)
{
    static struct watched watched;
    static int fds[40];

    for (int i = 0; i < 40; i += 2) {
        unix_pair(&fds[i]);
        ck_assert_int_eq(coil_add_reader(fds[i], note, &watched), 0);
        ck_assert_int_eq(coil_add_writer(fds[i], note, &watched), 0);
    }
    settle();
    for (int i = 0; i < 40; i++) {
        close(fds[i]); /* behind coil's back */
    }
    return 0;
}

IO_TEST(misuse_is_refused)
{
    ck_assert_int_eq(coil_add_reader(-1, note, NULL), -EINVAL);
    ck_assert_int_eq(coil_add_reader(0, NULL, NULL), -EINVAL);
    ck_assert_int_lt(coil_add_reader(9999, note, NULL), 0);
    ck_assert_int_eq(coil_remove_reader(-1), 0);
    ck_assert_int_eq(coil_remove_writer(5), 0);
    return 0;
}

START_TEST(outside_of_a_loop_it_is_refused)
    {
        ck_assert_int_eq(coil_add_reader(0, note, NULL), -EPERM);
        ck_assert_int_eq(coil_remove_reader(0), 0);
    }
END_TEST

Suite *watch_suite(void)
{
    Suite *suite = suite_create("watch");
    TCase *tests = tcase_create("watched-descriptors");

    tcase_add_test(tests, a_reader_is_called_as_long_as_there_is_something);
    tcase_add_test(tests, a_writer_and_a_reader_watch_the_same_descriptor);
    tcase_add_test(tests, a_callback_may_take_itself_out_or_replace_itself);
    tcase_add_test(tests, one_that_is_about_to_be_called_can_still_be_taken_out);
    tcase_add_test(tests, a_descriptor_that_is_closed_is_watched_no_more);
    tcase_add_test(tests, what_is_left_ends_with_the_loop);
    tcase_add_test(tests, misuse_is_refused);
    tcase_add_test(tests, outside_of_a_loop_it_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
