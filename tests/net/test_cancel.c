/*
 * Cancellation and time limits at every await: no byte is lost, none comes twice, and the stream goes on as if nothing had been.
 */
#include "harness.h"
#include "suites.h"

static int loop_index;

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static coil_fn *const readers[] = {stream_read, stream_read_exactly, stream_read_until, stream_read_line};
enum { READERS = sizeof readers / sizeof readers[0] };

/* What is received before the cancellation is there for the next read, whole and in order. */
IO_LOOP_TEST(a_read_that_is_cancelled_leaves_what_it_had_received)
{
    char data[16] = "";
    struct pair pair = pair_new(0);
    struct stream_call call = {.stream = pair.stream, .data = data, .size = 12, .separator = "\n"};
    coil_task *task = spawn(readers[loop_index], &call);

    settle();
    if (loop_index > 0) {
        say(&pair, "hello ");
        ck_assert_int_eq(coil_sleep(0.002), 0);
    }
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, -ECANCELED);
    ck_assert_int_eq(call.after, 0);
    say(&pair, loop_index > 0 ? "world\n" : "hello world\n");
    ck_assert_int_eq(coil_stream_read_line(pair.stream, data, sizeof data), 12);
    ck_assert_str_eq(data, "hello world\n");
    pair_free(&pair);
    return 0;
}

IO_LOOP_TEST(data_that_comes_with_the_cancellation_is_not_lost)
{
    char data[16] = "";
    struct pair pair = pair_new(0);
    struct stream_call call = {.stream = pair.stream, .data = data, .size = 12, .separator = "\n"};
    coil_task *task = spawn(readers[loop_index], &call);

    settle();
    say(&pair, "hello world\n");
    while (call.result == 0 && !coil_done(task)) {
        (void)coil_cancel(task);
        (void)coil_sleep(0);
    }
    (void)coil_join(task);
    if (call.result == -ECANCELED) {
        ck_assert_int_eq(coil_stream_read_exactly(pair.stream, data, 12), 12);
    } else {
        ck_assert_int_eq(call.result, 12);
        ck_assert_int_eq(call.after, -ECANCELED);
    }
    ck_assert_mem_eq(data, "hello world\n", 12);
    pair_free(&pair);
    return 0;
}

static int send_drop_by_drop(void *arg)
{
    struct stream_call *call = arg;

    for (size_t i = 0; i < call->size; i++) {
        unsigned char byte = i % 50 == 49 ? '\n' : (unsigned char)('a' + i % 26);
        ck_assert_int_eq(coil_send((int)call->result, &byte, 1, 0), 1);
        if (i % 7 == 3) {
            (void)coil_sleep(0);
        }
    }
    return shutdown((int)call->result, SHUT_WR);
}

/* A read of one kind again and again, each under a limit of a random time. */
IO_LOOP_TEST(reads_that_time_out_again_and_again_lose_nothing)
{
    enum { SIZE = 4000 };
    static char got[SIZE + 64];
    struct pair pair = pair_new(0);
    struct stream_call feed = {.result = pair.fd, .size = SIZE};
    coil_task *sender = spawn(send_drop_by_drop, &feed);
    size_t count = 0;
    unsigned random = 1;
    ssize_t rc = 1;

    while (rc != 0) {
        coil_timeout timeout;
        random = random * 1103515245 + 12345;
        coil_timeout_begin(&timeout, (random >> 16) % 3 * 0.00001);
        switch (loop_index) {
        case 0:
            rc = coil_stream_read(pair.stream, got + count, 5);
            break;
        case 1:
            rc = coil_stream_read_exactly(pair.stream, got + count, 33);
            break;
        case 2:
            rc = coil_stream_read_until(pair.stream, "xyz", 3, got + count, 60);
            break;
        default:
            rc = coil_stream_read_line(pair.stream, got + count, 60);
            break;
        }
        if (rc == -ENODATA) {
            rc = (ssize_t)coil_stream_partial(pair.stream);
        }
        count += rc > 0 ? (size_t)rc : 0;
        int end = coil_timeout_end(&timeout, rc < 0 ? (int)rc : 0);
        ck_assert(end == 0 || end == -ETIMEDOUT);
    }
    ck_assert_uint_eq(count, SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        ck_assert_int_eq(got[i], i % 50 == 49 ? '\n' : (char)('a' + i % 26));
    }
    ck_assert_int_eq(coil_join(sender), 0);
    pair_free(&pair);
    return 0;
}

IO_TEST(a_large_exact_read_that_is_cancelled_gives_everything_back)
{
    enum { SIZE = 200000, SENT = 150001 };
    unsigned char *sent = pattern(SIZE);
    unsigned char *got = calloc(1, SIZE);
    struct pair pair = pair_new(0);
    struct stream_call call = {.stream = pair.stream, .data = got, .size = SIZE};
    coil_task *task = spawn(stream_read_exactly, &call);

    ck_assert_int_eq(coil_send(pair.fd, sent, SENT, 0), SENT);
    ck_assert_int_eq(coil_sleep(0.005), 0);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, -ECANCELED);
    memset(got, 0, SIZE);
    ck_assert_int_eq(coil_stream_read(pair.stream, got, 10), 10);
    task =
        spawn(stream_read_exactly, &(struct stream_call){.stream = pair.stream, .data = got + 10, .size = SIZE - 10});
    ck_assert_int_eq(coil_send(pair.fd, sent + SENT, SIZE - SENT, 0), SIZE - SENT);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_mem_eq(sent, got, SIZE);
    free(sent);
    free(got);
    pair_free(&pair);
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static int listen_to_pattern(void *arg)
{
    static unsigned char data[65536];
    struct stream_call *call = arg;
    ssize_t got;
    size_t count = 0;
    size_t wrong = 0;

    while ((got = coil_recv((int)call->size, data, sizeof data, 0)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            wrong += data[i] != byte_at(count + (size_t)i);
        }
        count += (size_t)got;
    }
    call->result = (ssize_t)count;
    ck_assert_uint_eq(wrong, 0);
    return 0;
}

/* Whatever a write says that it has taken, and not a byte more, arrives. */
IO_LOOP_TEST(a_write_that_is_cancelled_says_how_much_it_took)
{
    enum { SIZE = 1 << 20, PIECE = 200000 };
    unsigned char *data = pattern(SIZE);
    struct pair pair = loop_index % 2 ? pair_new(0) : pair_new_tcp(0);
    size_t at = 0;

    if (loop_index > 1) {
        ck_assert_int_eq(coil_stream_set_write_limits(pair.stream, 300000, 1000), 0);
    }
    for (int i = 0; i < 4; i++) {
        struct stream_call call = {.stream = pair.stream, .data = data + at, .size = i % 2 ? 30000 : PIECE};
        coil_task *task = spawn(stream_write, &call);
        ck_assert_int_eq(coil_sleep(0.001), 0);
        int asked = coil_cancel(task);
        (void)coil_join(task);
        if (call.result >= 0) {
            at += (size_t)call.result;
            ck_assert_int_eq(call.after, asked ? -ECANCELED : 0);
        } else {
            ck_assert_int_eq(call.result, -ECANCELED);
            ck_assert_int_eq(call.after, 0);
        }
    }
    struct stream_call listener = {.size = (size_t)pair.fd};
    coil_task *reader = spawn(listen_to_pattern, &listener);
    ck_assert_int_eq(coil_stream_write(pair.stream, data + at, SIZE - at), (ssize_t)(SIZE - at));
    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_int_eq(coil_join(reader), 0);
    ck_assert_int_eq(listener.result, SIZE);
    free(data);
    pair_free(&pair);
    return 0;
}

IO_TEST(a_writer_that_waits_its_turn_and_is_cancelled_has_written_nothing)
{
    enum { SIZE = 1 << 20 };
    unsigned char *data = pattern(SIZE + 5);
    struct pair pair = pair_new(0);
    struct stream_call first = {.stream = pair.stream, .data = data, .size = SIZE};
    struct stream_call second = {.stream = pair.stream, .data = (char[]){"never"}, .size = 5};
    struct stream_call third = {.stream = pair.stream, .data = data + SIZE, .size = 5};
    coil_task *tasks[3] = {spawn(stream_write, &first), spawn(stream_write, &second), spawn(stream_write, &third)};

    settle();
    ck_assert_int_eq(coil_cancel(tasks[1]), 1);
    ck_assert_int_eq(coil_join(tasks[1]), 0);
    ck_assert_int_eq(second.result, -ECANCELED);
    struct stream_call listener = {.size = (size_t)pair.fd};
    coil_task *reader = spawn(listen_to_pattern, &listener);
    ck_assert_int_eq(coil_join(tasks[0]), 0);
    ck_assert_int_eq(coil_join(tasks[2]), 0);
    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_int_eq(coil_join(reader), 0);
    ck_assert_int_eq(listener.result, SIZE + 5);
    free(data);
    pair_free(&pair);
    return 0;
}

IO_TEST(a_flush_that_is_cancelled_changes_nothing)
{
    enum { SIZE = 1 << 20 };
    unsigned char *data = pattern(SIZE);
    struct pair pair = pair_new(0);
    size_t at = 0;

    while (coil_stream_write_buffer_size(pair.stream) == 0) {
        ck_assert_int_eq(coil_stream_write(pair.stream, data + at, 30000), 30000);
        at += 30000;
    }
    struct stream_call flush = {.stream = pair.stream};
    coil_task *task = spawn(stream_flush, &flush);
    settle();
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(flush.result, -ECANCELED);
    struct stream_call listener = {.size = (size_t)pair.fd};
    coil_task *reader = spawn(listen_to_pattern, &listener);
    ck_assert_int_eq(coil_stream_close(pair.stream), 0);
    ck_assert_int_eq(coil_join(reader), 0);
    ck_assert_int_eq(listener.result, (ssize_t)at);
    free(data);
    pair_free(&pair);
    return 0;
}

/* ---- several times over ---------------------------------------------------------------------------------------------- */

static int cancel_myself_and_read(void *arg)
{
    struct stream_call *call = arg;

    coil_cancel(coil_current_task());
    call->result = coil_stream_read(call->stream, call->data, call->size);
    call->after = coil_sleep(0);
    return 0;
}

IO_TEST(a_read_that_need_not_wait_is_not_cancelled)
{
    char data[8];
    struct pair pair = pair_new(0);
    struct stream_call call = {.stream = pair.stream, .data = data, .size = sizeof data};

    say(&pair, "abc");
    (void)coil_join(spawn(cancel_myself_and_read, &call));
    ck_assert_int_eq(call.result, 3);
    ck_assert_int_eq(call.after, -ECANCELED);
    (void)coil_join(spawn(cancel_myself_and_read, &call));
    ck_assert_int_eq(call.result, -ECANCELED);
    ck_assert_int_eq(call.after, 0);
    pair_free(&pair);
    return 0;
}

Suite *cancel_suite(void)
{
    Suite *suite = suite_create("cancel");
    TCase *tests = tcase_create("cancelled-streams");

    tcase_add_loop_test(tests, a_read_that_is_cancelled_leaves_what_it_had_received, 0, READERS);
    tcase_add_loop_test(tests, data_that_comes_with_the_cancellation_is_not_lost, 0, READERS);
    tcase_add_loop_test(tests, reads_that_time_out_again_and_again_lose_nothing, 0, READERS);
    tcase_add_test(tests, a_large_exact_read_that_is_cancelled_gives_everything_back);
    tcase_add_loop_test(tests, a_write_that_is_cancelled_says_how_much_it_took, 0, 4);
    tcase_add_test(tests, a_writer_that_waits_its_turn_and_is_cancelled_has_written_nothing);
    tcase_add_test(tests, a_flush_that_is_cancelled_changes_nothing);
    tcase_add_test(tests, a_read_that_need_not_wait_is_not_cancelled);
    suite_add_tcase(suite, tests);
    return suite;
}
