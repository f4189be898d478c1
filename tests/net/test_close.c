/* The end of a stream: closed, aborted, let go, or left behind by its loop. */
#include "harness.h"
#include "suites.h"

enum { PLENTY = 1 << 20 };

static size_t fill(const struct pair *pair)
{
    static const char zeros[4096];
    size_t size = 0;

    while (coil_stream_write_buffer_size(pair->stream) == 0) {
        ck_assert_int_eq(coil_stream_write(pair->stream, zeros, sizeof zeros), sizeof zeros);
        size += sizeof zeros;
    }
    return size;
}

struct count {
    int fd;
    size_t count;
};

static int count_bytes(void *arg)
{
    static char data[65536];
    struct count *count = arg;
    ssize_t got;

    while ((got = coil_recv(count->fd, data, sizeof data, 0)) > 0) {
        count->count += (size_t)got;
    }
    return (int)got;
}

IO_TEST(close_sends_what_was_written)
{
    struct pair pair = pair_new(0);
    size_t size = fill(&pair);
    struct count count = {.fd = pair.fd};
    struct stream_call call = {.stream = pair.stream};
    coil_task *closing = spawn(stream_close, &call);

    settle();
    ck_assert(!coil_done(closing));
    ck_assert(coil_stream_is_closing(pair.stream));
    ck_assert_int_eq(coil_stream_write(pair.stream, "x", 1), -EPIPE);
    ck_assert_int_eq(coil_join(spawn(count_bytes, &count)), 0);
    ck_assert_int_eq(coil_join(closing), 0);
    ck_assert_int_eq(call.result, 0);
    ck_assert_uint_eq(count.count, size);
    ck_assert_int_eq(coil_stream_close(pair.stream), 0);
    pair_free(&pair);
    return 0;
}

IO_TEST(two_tasks_may_close)
{
    struct pair pair = pair_new(0);
    size_t size = fill(&pair);
    struct count count = {.fd = pair.fd};
    struct stream_call calls[2] = {{.stream = pair.stream}, {.stream = pair.stream}};
    coil_task *first = spawn(stream_close, &calls[0]);
    coil_task *second = spawn(stream_close, &calls[1]);

    settle();
    ck_assert_int_eq(coil_join(spawn(count_bytes, &count)), 0);
    ck_assert_int_eq(coil_join(first), 0);
    ck_assert_int_eq(coil_join(second), 0);
    ck_assert_int_eq(calls[0].result, 0);
    ck_assert_int_eq(calls[1].result, 0);
    ck_assert_uint_eq(count.count, size);
    pair_free(&pair);
    return 0;
}

IO_TEST(a_close_that_is_timed_out_drops_the_rest_and_is_one)
{
    struct pair pair = pair_new(0);
    coil_timeout timeout;
    int fd;
    socklen_t length = sizeof fd;

    (void)fill(&pair);
    ck_assert_int_eq(coil_stream_get_extra_info(pair.stream, COIL_INFO_SOCKET, &fd, &length), 0);
    coil_timeout_begin(&timeout, 0.01);
    ck_assert_int_eq(coil_timeout_end(&timeout, coil_stream_close(pair.stream)), -ETIMEDOUT);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_int_eq(coil_stream_get_extra_info(pair.stream, COIL_INFO_SOCKET, &fd, &length), -EBADF);
    pair_free(&pair);
    return 0;
}

IO_TEST(abort_ends_everybodys_wait)
{
    char data[4];
    char *much = calloc(1, PLENTY);
    struct pair pair = pair_new(0);
    (void)fill(&pair);
    struct stream_call reading = {.stream = pair.stream, .data = data, .size = sizeof data};
    struct stream_call writing = {.stream = pair.stream, .data = much, .size = PLENTY};
    struct stream_call second = {.stream = pair.stream, .data = much, .size = PLENTY};
    struct stream_call flushing = {.stream = pair.stream};
    struct stream_call closing = {.stream = pair.stream};
    coil_task *tasks[5] = {spawn(stream_read_exactly, &reading), spawn(stream_write, &writing),
                           spawn(stream_write, &second), spawn(stream_flush, &flushing)};

    settle();
    tasks[4] = spawn(stream_close, &closing);
    settle();
    coil_stream_abort(pair.stream);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
    }
    ck_assert_int_eq(reading.result, -ENODATA);
    ck_assert_int_eq(writing.result, -EPIPE);
    ck_assert_int_eq(second.result, -EPIPE);
    ck_assert_int_eq(flushing.result, -EPIPE);
    ck_assert_int_eq(closing.result, -EPIPE);
    ck_assert(coil_stream_at_eof(pair.stream));
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), 0);
    free(much);
    pair_free(&pair);
    return 0;
}

IO_TEST(abort_ends_a_write_that_sends_from_the_callers_memory)
{
    char *much = calloc(1, PLENTY);
    struct pair pair = pair_new(0);
    struct stream_call writing = {.stream = pair.stream, .data = much, .size = PLENTY};
    coil_task *task = spawn(stream_write, &writing);

    settle();
    ck_assert(!coil_done(task));
    coil_stream_abort(pair.stream);
    memset(much, 1, PLENTY);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_gt(writing.result, 0); /* what had gone before */
    ck_assert_int_lt(writing.result, PLENTY);
    free(much);
    pair_free(&pair);
    return 0;
}

IO_TEST(a_reader_gets_the_end_when_the_stream_is_closed_here)
{
    char data[4];
    struct pair pair = pair_new(0);
    struct stream_call reading = {.stream = pair.stream, .data = data, .size = sizeof data};
    coil_task *task = spawn(stream_read, &reading);

    settle();
    ck_assert_int_eq(coil_stream_close(pair.stream), 0);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(reading.result, 0);
    pair_free(&pair);
    return 0;
}

/* ---- references ------------------------------------------------------------------------------------------------------ */

static int reports;
static enum coil_report_kind last_kind;

static void count_reports(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    (void)userdata;
    reports++;
    last_kind = report->kind;
}

IO_TEST(the_last_reference_of_an_open_stream_closes_and_reports_it)
{
    char data[4];
    struct pair pair = pair_new(0);

    coil_loop_set_exception_handler(coil_get_running_loop(), count_reports, NULL);
    coil_stream_unref(coil_stream_ref(pair.stream));
    ck_assert_int_eq(reports, 0);
    coil_stream_unref(pair.stream);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_kind, COIL_REPORT_NOT_CLOSED);
    ck_assert_int_eq(hear(&pair, data, sizeof data), 0);
    ck_assert_int_eq(coil_close(pair.fd), 0);
    coil_stream_unref(NULL);
    return 0;
}

IO_TEST(a_stream_lives_as_long_as_somebody_waits_in_it)
{
    char data[4];
    struct pair pair = pair_new(0);
    (void)fill(&pair);
    struct stream_call reading = {.stream = pair.stream, .data = data, .size = sizeof data};
    struct stream_call flushing = {.stream = pair.stream};
    coil_task *first = spawn(stream_read, &reading);
    coil_task *second = spawn(stream_flush, &flushing);

    coil_loop_set_exception_handler(coil_get_running_loop(), count_reports, NULL);
    settle();
    coil_stream_unref(pair.stream);
    ck_assert_int_eq(coil_join(first), 0);
    ck_assert_int_eq(coil_join(second), 0);
    ck_assert_int_eq(reading.result, 0);
    ck_assert_int_eq(flushing.result, -EPIPE);
    ck_assert_int_eq(coil_close(pair.fd), 0);
    return 0;
}

/* ---- the loop ends first --------------------------------------------------------------------------------------------- */

static coil_stream *left;
static int left_fd;

static int leave_stream(void *unused)
{
    struct pair pair = pair_new(0);

    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), count_reports, NULL);
    (void)fill(&pair);
    left = pair.stream;
    left_fd = pair.fd;
    return 0;
}

START_TEST(a_stream_that_outlives_its_loop_is_closed_and_reported)
    {
        int before = open_descriptors();

        ck_assert_int_eq(coil_run(leave_stream, NULL), 0);
        close(left_fd);
        ck_assert_int_eq(open_descriptors(), before);
        ck_assert_int_eq(reports, 1);
        ck_assert_int_eq(last_kind, COIL_REPORT_NOT_CLOSED);
        ck_assert(coil_stream_is_closing(left));
        ck_assert_int_eq(coil_stream_write(left, "x", 1), -EPIPE);
        coil_stream_abort(left);
        coil_stream_unref(left);
    }
END_TEST

static int read_for_ever(void *arg)
{
    char data[4];

    return (int)coil_stream_read(arg, data, sizeof data);
}

static int write_for_ever(void *arg)
{
    static char much[PLENTY];

    return (int)coil_stream_write(arg, much, sizeof much);
}

static void stop(void *loop)
{
    coil_loop_stop(loop);
}

static void open_streams(void *unused)
{
    struct pair pair = pair_new(0);

    (void)unused;
    left = pair.stream;
    left_fd = pair.fd;
    coil_unref(spawn(read_for_ever, left));
    coil_unref(spawn(write_for_ever, left));
    coil_unref(spawn(write_for_ever, left));
    ck_assert_ptr_nonnull(coil_call_later(0.01, stop, coil_get_running_loop()));
}

START_TEST(a_loop_that_closes_under_tasks_that_wait_leaves_nothing_open)
    {
        int before = open_descriptors();
        coil_loop *loop = coil_loop_new();

        coil_loop_set_exception_handler(loop, count_reports, NULL);
        coil_call_soon_threadsafe(loop, open_streams, NULL);
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        close(left_fd);
        ck_assert_int_eq(open_descriptors(), before);
        coil_stream_unref(left);
    }
END_TEST

/* ---- what can be asked ----------------------------------------------------------------------------------------------- */

IO_TEST(a_stream_tells_its_names_and_its_descriptor)
{
    struct sockaddr_in own, peer, other;
    socklen_t length = sizeof own;
    int fd;
    struct pair pair = pair_new_tcp(0);

    ck_assert_int_eq(coil_stream_get_extra_info(pair.stream, COIL_INFO_SOCKNAME, &own, &length), 0);
    ck_assert_uint_eq(length, sizeof own);
    ck_assert_int_eq(coil_stream_get_extra_info(pair.stream, COIL_INFO_PEERNAME, &peer, &length), 0);
    ck_assert_int_eq(getsockname(pair.fd, (struct sockaddr *)&other, &length), 0);
    ck_assert_int_eq(peer.sin_port, other.sin_port);
    ck_assert_int_ne(peer.sin_port, own.sin_port);
    length = sizeof fd;
    ck_assert_int_eq(coil_stream_get_extra_info(pair.stream, COIL_INFO_SOCKET, &fd, &length), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(coil_stream_get_extra_info(pair.stream, (enum coil_extra_info)99, &fd, &length), -EINVAL);
    ck_assert_int_eq(coil_stream_get_extra_info(pair.stream, COIL_INFO_SOCKET, NULL, &length), -EINVAL);
    pair_free(&pair);
    return 0;
}

Suite *close_suite(void)
{
    Suite *suite = suite_create("close");
    TCase *tests = tcase_create("closing");

    tcase_add_test(tests, close_sends_what_was_written);
    tcase_add_test(tests, two_tasks_may_close);
    tcase_add_test(tests, a_close_that_is_timed_out_drops_the_rest_and_is_one);
    tcase_add_test(tests, abort_ends_everybodys_wait);
    tcase_add_test(tests, abort_ends_a_write_that_sends_from_the_callers_memory);
    tcase_add_test(tests, a_reader_gets_the_end_when_the_stream_is_closed_here);
    tcase_add_test(tests, the_last_reference_of_an_open_stream_closes_and_reports_it);
    tcase_add_test(tests, a_stream_lives_as_long_as_somebody_waits_in_it);
    tcase_add_test(tests, a_stream_that_outlives_its_loop_is_closed_and_reported);
    tcase_add_test(tests, a_loop_that_closes_under_tasks_that_wait_leaves_nothing_open);
    tcase_add_test(tests, a_stream_tells_its_names_and_its_descriptor);
    suite_add_tcase(suite, tests);
    return suite;
}
