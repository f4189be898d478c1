/* Writing: what is sent at once, what waits where, who waits for it, and the end of the output. */
#include "harness.h"
#include "suites.h"

/* Reads all that the other end gets, slowly, and checks it against the pattern. Ends at the end of the stream. */
struct listener {
    int fd;
    size_t count;
    size_t at_a_time;
    bool right;
};

static int listen_slowly(void *arg)
{
    static unsigned char data[65536];
    struct listener *listener = arg;
    ssize_t count;

    listener->right = true;
    while ((count = coil_recv(listener->fd, data, listener->at_a_time, 0)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            listener->right &= data[i] == byte_at(listener->count + (size_t)i);
        }
        listener->count += (size_t)count;
        (void)coil_sleep(0);
    }
    return (int)count;
}

/* Fills the kernel's buffers by way of the stream, so that the next write finds no room; returns how much that took. */
static size_t fill(const struct pair *pair, const unsigned char *data, size_t size)
{
    size_t at = 0;

    while (coil_stream_write_buffer_size(pair->stream) == 0 && at < size) {
        ck_assert_int_eq(coil_stream_write(pair->stream, data + at, 4096), 4096);
        at += 4096;
    }
    ck_assert_uint_lt(at, size);
    return at;
}

enum { PLENTY = 1 << 20 };

IO_TEST(a_write_is_sent_at_once)
{
    char data[16];
    struct pair pair = pair_new(0);

    ck_assert_int_eq(coil_stream_write(pair.stream, "hello", 5), 5);
    ck_assert_int_eq(hear(&pair, data, sizeof data), 5);
    ck_assert_int_eq(coil_stream_write(pair.stream, data, 0), 0);
    ck_assert_int_eq(coil_stream_drain(pair.stream), 0);
    ck_assert_int_eq(coil_stream_flush(pair.stream), 0);
    ck_assert_uint_eq(coil_stream_write_buffer_size(pair.stream), 0);
    pair_free(&pair);
    return 0;
}

IO_TEST(what_the_kernel_does_not_take_is_sent_in_the_background)
{
    unsigned char *data = pattern(PLENTY);
    struct pair pair = pair_new(0);
    size_t size = fill(&pair, data, PLENTY);

    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(coil_stream_write(pair.stream, data + size, 5000), 5000);
        size += 5000;
    }
    ck_assert_uint_gt(coil_stream_write_buffer_size(pair.stream), 35000);
    struct listener listener = {.fd = pair.fd, .at_a_time = 65536};
    coil_task *task = spawn(listen_slowly, &listener);
    ck_assert_int_eq(coil_stream_flush(pair.stream), 0);
    ck_assert_uint_eq(coil_stream_write_buffer_size(pair.stream), 0);
    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert(listener.right);
    ck_assert_uint_eq(listener.count, size);
    free(data);
    pair_free(&pair);
    return 0;
}

IO_TEST(a_write_above_the_mark_waits_until_the_low_one)
{
    unsigned char *data = pattern(PLENTY);
    struct pair pair = pair_new(0);

    ck_assert_int_eq(coil_stream_set_write_limits(pair.stream, 10000, 2000), 0);
    size_t size = fill(&pair, data, PLENTY);
    struct stream_call call = {.stream = pair.stream, .data = data + size, .size = 9000};
    coil_task *task = spawn(stream_write, &call);
    settle();
    ck_assert(!coil_done(task));
    ck_assert_uint_lt(coil_stream_write_buffer_size(pair.stream), 10001);
    struct listener listener = {.fd = pair.fd, .at_a_time = 65536};
    coil_task *reader = spawn(listen_slowly, &listener);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, 9000);
    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_int_eq(coil_join(reader), 0);
    ck_assert(listener.right);
    ck_assert_uint_eq(listener.count, size + 9000);
    free(data);
    pair_free(&pair);
    return 0;
}

static int loop_index;

IO_LOOP_TEST(a_huge_write_to_a_slow_reader_arrives_whole)
{
    static const size_t at_a_time[] = {65536, 5000, 777};
    size_t size = PLENTY;
    unsigned char *data = pattern(size);
    struct pair pair = loop_index % 2 ? pair_new(0) : pair_new_tcp(0);
    struct listener listener = {.fd = pair.fd, .at_a_time = at_a_time[loop_index]};
    coil_task *task = spawn(listen_slowly, &listener);

    ck_assert_int_eq(coil_stream_write(pair.stream, data, size), (ssize_t)size);
    ck_assert_uint_le(coil_stream_write_buffer_size(pair.stream), 65536);
    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert(listener.right);
    ck_assert_uint_eq(listener.count, size);
    free(data);
    pair_free(&pair);
    return 0;
}

IO_TEST(a_mark_of_zero_keeps_nothing_back)
{
    size_t size = PLENTY;
    unsigned char *data = pattern(size);
    struct pair pair = pair_new(0);
    struct listener listener = {.fd = pair.fd, .at_a_time = 10000};
    coil_task *task = spawn(listen_slowly, &listener);

    ck_assert_int_eq(coil_stream_set_write_limits(pair.stream, 0, 0), 0);
    for (size_t at = 0; at < size; at += 4096) {
        ck_assert_int_eq(coil_stream_write(pair.stream, data + at, 4096), 4096);
        ck_assert_uint_eq(coil_stream_write_buffer_size(pair.stream), 0);
    }
    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert(listener.right);
    ck_assert_uint_eq(listener.count, size);
    ck_assert_int_eq(coil_stream_set_write_limits(pair.stream, 1, 2), -EINVAL);
    free(data);
    pair_free(&pair);
    return 0;
}

/* ---- several writers ------------------------------------------------------------------------------------------------- */

enum { WRITERS = 5, RECORD = 30000, RECORDS = 10 };

struct writer {
    coil_stream *stream;
    unsigned char number;
};

static int write_records(void *arg)
{
    struct writer *writer = arg;
    unsigned char *record = malloc(RECORD);

    memset(record, writer->number, RECORD);
    for (int i = 0; i < RECORDS; i++) {
        size_t size = i % 2 ? RECORD : 3 * (size_t)writer->number + 1;
        ck_assert_int_eq(coil_stream_write(writer->stream, record, size), (ssize_t)size);
    }
    free(record);
    return 0;
}

struct record_reader {
    int fd;
    size_t counts[WRITERS];
};

/* Each run of equal bytes must be records that nobody has broken. */
static int read_records(void *arg)
{
    struct record_reader *reader = arg;
    unsigned char byte;
    unsigned char data[5000];
    ssize_t count;
    size_t left = 0;
    unsigned char current = 0;

    while ((count = coil_recv(reader->fd, data, sizeof data, 0)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            byte = data[i];
            ck_assert_uint_lt(byte, WRITERS);
            if (left == 0) {
                size_t number = reader->counts[byte]++;
                left = number % 2 ? RECORD : 3 * (size_t)byte + 1;
                current = byte;
            }
            ck_assert_int_eq(byte, current);
            left--;
        }
    }
    ck_assert_uint_eq(left, 0);
    return (int)count;
}

IO_TEST(the_bytes_of_several_writers_do_not_mix)
{
    struct writer writers[WRITERS];
    coil_task *tasks[WRITERS];
    struct pair pair = pair_new(0);
    struct record_reader reader = {.fd = pair.fd};
    coil_task *task = spawn(read_records, &reader);

    for (unsigned char i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.stream = pair.stream, .number = i};
        tasks[i] = spawn(write_records, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
    }
    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_int_eq(coil_join(task), 0);
    for (int i = 0; i < WRITERS; i++) {
        ck_assert_uint_eq(reader.counts[i], RECORDS);
    }
    pair_free(&pair);
    return 0;
}

/* ---- outside of a task ----------------------------------------------------------------------------------------------- */

static void write_in_a_callback(void *arg)
{
    struct stream_call *call = arg;

    call->result = coil_stream_write(call->stream, call->data, call->size);
}

IO_TEST(a_callback_writes_as_long_as_it_need_not_wait)
{
    unsigned char *data = pattern(PLENTY);
    struct pair pair = pair_new(0);
    struct stream_call call = {.stream = pair.stream, .data = data, .size = 1000};

    ck_assert_ptr_nonnull(coil_call_soon(write_in_a_callback, &call));
    settle();
    ck_assert_int_eq(call.result, 1000);
    (void)fill(&pair, data, PLENTY);
    call.size = 1000000;
    ck_assert_ptr_nonnull(coil_call_soon(write_in_a_callback, &call));
    settle();
    ck_assert_int_eq(call.result, -EPERM);
    coil_stream_abort(pair.stream);
    free(data);
    pair_free(&pair);
    return 0;
}

/* ---- errors ---------------------------------------------------------------------------------------------------------- */

IO_TEST(nobody_reads_any_more)
{
    struct pair pair = pair_new(0);

    ck_assert_int_eq(coil_close(pair.fd), 0);
    pair.fd = -1;
    ck_assert_int_eq(coil_stream_write(pair.stream, "x", 1), -EPIPE);
    ck_assert_int_eq(coil_stream_write(pair.stream, "x", 1), -EPIPE);
    ck_assert_int_eq(coil_stream_flush(pair.stream), -EPIPE);
    ck_assert_int_eq(coil_stream_drain(pair.stream), -EPIPE);
    ck_assert_int_eq(coil_stream_close(pair.stream), -EPIPE);
    coil_stream_unref(pair.stream);
    return 0;
}

IO_TEST(an_error_in_the_background_reaches_who_waits_and_who_comes)
{
    unsigned char *data = pattern(PLENTY);
    struct pair pair = pair_new_tcp(0);
    size_t size = fill(&pair, data, PLENTY);
    struct stream_call flush = {.stream = pair.stream};
    struct stream_call more = {.stream = pair.stream, .data = data + size, .size = 200000};
    coil_task *first = spawn(stream_flush, &flush);
    coil_task *second = spawn(stream_write, &more);

    settle();
    ck_assert(!coil_done(first) && !coil_done(second));
    reset(&pair);
    ck_assert_int_eq(coil_join(first), 0);
    ck_assert_int_eq(coil_join(second), 0);
    ck_assert_int_eq(flush.result, -ECONNRESET);
    ck_assert_int_eq(more.result, -ECONNRESET);
    ck_assert_uint_eq(coil_stream_write_buffer_size(pair.stream), 0);
    ck_assert_int_eq(coil_stream_write(pair.stream, "x", 1), -ECONNRESET);
    ck_assert_int_eq(coil_stream_close(pair.stream), -ECONNRESET);
    coil_stream_unref(pair.stream);
    free(data);
    return 0;
}

IO_TEST(what_the_peer_had_sent_can_be_read_after_a_write_has_failed)
{
    char answer[8];
    struct pair pair = pair_new(0);

    say(&pair, "bye");
    ck_assert_int_eq(coil_close(pair.fd), 0);
    pair.fd = -1;
    ck_assert_int_eq(coil_stream_write(pair.stream, "x", 1), -EPIPE);
    ck_assert_int_eq(coil_stream_read(pair.stream, answer, sizeof answer), 3);
    ck_assert_int_eq(coil_stream_close(pair.stream), -EPIPE);
    coil_stream_unref(pair.stream);
    return 0;
}

/* ---- write_eof ------------------------------------------------------------------------------------------------------- */

IO_TEST(the_other_direction_stays_open_after_write_eof)
{
    char data[16];
    struct pair pair = pair_new_tcp(0);

    ck_assert_int_eq(coil_stream_write(pair.stream, "ask", 3), 3);
    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_int_eq(coil_stream_write(pair.stream, "x", 1), -EPIPE);
    ck_assert_int_eq(coil_recv(pair.fd, data, sizeof data, MSG_WAITALL), 3);
    say(&pair, "answer");
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), 6);
    pair_free(&pair);
    return 0;
}

IO_TEST(the_end_follows_what_was_written)
{
    unsigned char *data = pattern(PLENTY);
    struct pair pair = pair_new(0);
    size_t size = fill(&pair, data, PLENTY);
    struct listener listener = {.fd = pair.fd, .at_a_time = 30000};

    ck_assert_int_eq(coil_stream_write_eof(pair.stream), 0);
    ck_assert_uint_gt(coil_stream_write_buffer_size(pair.stream), 0);
    ck_assert_int_eq(coil_join(spawn(listen_slowly, &listener)), 0);
    ck_assert(listener.right);
    ck_assert_uint_eq(listener.count, size);
    free(data);
    pair_free(&pair);
    return 0;
}

static int write_eof(void *arg)
{
    struct stream_call *call = arg;

    call->result = coil_stream_write_eof(call->stream);
    return 0;
}

IO_TEST(write_eof_waits_for_the_write_of_another_task)
{
    unsigned char *data = pattern(PLENTY);
    struct pair pair = pair_new(0);
    struct stream_call big = {.stream = pair.stream, .data = data, .size = PLENTY};
    struct stream_call end = {.stream = pair.stream};
    struct listener listener = {.fd = pair.fd, .at_a_time = 65536};
    coil_task *first = spawn(stream_write, &big);
    settle();
    coil_task *second = spawn(write_eof, &end);
    settle();
    ck_assert(!coil_done(first) && !coil_done(second));
    ck_assert_int_eq(coil_join(spawn(listen_slowly, &listener)), 0);
    ck_assert_int_eq(coil_join(first), 0);
    ck_assert_int_eq(coil_join(second), 0);
    ck_assert_int_eq(big.result, PLENTY);
    ck_assert_int_eq(end.result, 0);
    ck_assert(listener.right);
    ck_assert_uint_eq(listener.count, PLENTY);
    free(data);
    pair_free(&pair);
    return 0;
}

Suite *write_suite(void)
{
    Suite *suite = suite_create("write");
    TCase *tests = tcase_create("writing");

    tcase_add_test(tests, a_write_is_sent_at_once);
    tcase_add_test(tests, what_the_kernel_does_not_take_is_sent_in_the_background);
    tcase_add_test(tests, a_write_above_the_mark_waits_until_the_low_one);
    tcase_add_loop_test(tests, a_huge_write_to_a_slow_reader_arrives_whole, 0, 3);
    tcase_add_test(tests, a_mark_of_zero_keeps_nothing_back);
    tcase_add_test(tests, the_bytes_of_several_writers_do_not_mix);
    tcase_add_test(tests, a_callback_writes_as_long_as_it_need_not_wait);
    tcase_add_test(tests, nobody_reads_any_more);
    tcase_add_test(tests, an_error_in_the_background_reaches_who_waits_and_who_comes);
    tcase_add_test(tests, what_the_peer_had_sent_can_be_read_after_a_write_has_failed);
    tcase_add_test(tests, the_other_direction_stays_open_after_write_eof);
    tcase_add_test(tests, the_end_follows_what_was_written);
    tcase_add_test(tests, write_eof_waits_for_the_write_of_another_task);
    suite_add_tcase(suite, tests);
    return suite;
}
