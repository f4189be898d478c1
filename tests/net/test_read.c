/* Reading: what each call takes, what it leaves, and how it says that it cannot. */
#include "harness.h"
#include "suites.h"

/* ---- read ------------------------------------------------------------------------------------------------------------ */

IO_TEST(read_takes_what_is_there)
{
    char data[16];
    struct pair pair = pair_new(0);

    say(&pair, "hello");
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), 5);
    ck_assert_mem_eq(data, "hello", 5);
    ck_assert_int_eq(coil_stream_read(pair.stream, data, 0), 0);
    pair_free(&pair);
    return 0;
}

IO_TEST(read_waits_for_something)
{
    char data[16];
    struct pair pair = pair_new(0);
    struct stream_call call = {.stream = pair.stream, .data = data, .size = sizeof data};

    coil_task *task = spawn(stream_read, &call);
    settle();
    ck_assert(!coil_done(task));
    say(&pair, "late");
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, 4);
    pair_free(&pair);
    return 0;
}

IO_TEST(read_tells_the_end_again_and_again)
{
    char data[16];
    struct pair pair = pair_new(0);

    say(&pair, "x");
    say_end(&pair);
    ck_assert(!coil_stream_at_eof(pair.stream));
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), 1);
    ck_assert(!coil_stream_at_eof(pair.stream)); /* it has not been seen yet */
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), 0);
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), 0);
    ck_assert(coil_stream_at_eof(pair.stream));
    pair_free(&pair);
    return 0;
}

IO_TEST(a_second_reader_is_refused)
{
    char data[16];
    struct pair pair = pair_new(0);
    struct stream_call call = {.stream = pair.stream, .data = data, .size = sizeof data};

    coil_task *task = spawn(stream_read, &call);
    settle();
    ck_assert_int_eq(coil_stream_read(pair.stream, data, 1), -EBUSY);
    ck_assert_int_eq(coil_stream_read_exactly(pair.stream, data, 1), -EBUSY);
    ck_assert_int_eq(coil_stream_read_until(pair.stream, "x", 1, data, 1), -EBUSY);
    ck_assert_int_eq(coil_stream_read_line(pair.stream, data, 1), -EBUSY);
    say(&pair, "x");
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, 1);
    pair_free(&pair);
    return 0;
}

IO_TEST(a_reset_is_told_after_what_came_before_and_then_for_ever)
{
    char data[16];
    struct pair pair = pair_new_tcp(0);
    struct stream_call call = {.stream = pair.stream, .data = data, .size = sizeof data};

    say(&pair, "abc");
    ck_assert_int_eq(coil_stream_read_exactly(pair.stream, data, 2), 2);
    coil_task *task = spawn(stream_read_exactly, &call);
    settle();
    reset(&pair);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, -ECONNRESET);
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), 1); /* the "c" was not lost */
    ck_assert_int_eq(data[0], 'c');
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), -ECONNRESET);
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), -ECONNRESET);
    ck_assert(!coil_stream_at_eof(pair.stream));
    pair_free(&pair);
    return 0;
}

/* ---- read_exactly ---------------------------------------------------------------------------------------------------- */

static const size_t exact_sizes[] = {1, 2, 100, 2031, 2032, 2033, 5000, 70000, 300000};
enum { EXACT_SIZES = sizeof exact_sizes / sizeof exact_sizes[0] };

static int loop_index;

IO_LOOP_TEST(read_exactly_joins_the_pieces)
{
    size_t size = exact_sizes[loop_index];
    struct pair pair = pair_new(0);
    unsigned char *sent = pattern(size + 3);
    unsigned char *got = calloc(1, size + 3);
    struct stream_call call = {.stream = pair.stream, .data = got, .size = size};
    size_t piece = size / 5 + 1;

    coil_task *task = spawn(stream_read_exactly, &call);
    settle();
    for (size_t at = 0; at < size + 3; at += piece) {
        size_t rest = size + 3 - at;
        ck_assert_int_gt(coil_send(pair.fd, sent + at, rest < piece ? rest : piece, 0), 0);
        settle();
    }
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, (ssize_t)size);
    ck_assert_int_eq(coil_stream_read_exactly(pair.stream, got + size, 3), 3);
    ck_assert_mem_eq(sent, got, size + 3);
    free(sent);
    free(got);
    pair_free(&pair);
    return 0;
}

IO_LOOP_TEST(read_exactly_hands_over_what_the_end_leaves)
{
    size_t size = exact_sizes[loop_index];
    struct pair pair = pair_new(0);
    unsigned char *sent = pattern(size);
    unsigned char *got = calloc(1, size);
    struct stream_call call = {.stream = pair.stream, .data = got, .size = size};

    coil_task *task = spawn(stream_read_exactly, &call);
    if (size > 1) {
        ck_assert_int_eq(coil_send(pair.fd, sent, size - 1, 0), (ssize_t)(size - 1));
    }
    say_end(&pair);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, -ENODATA);
    ck_assert_uint_eq(coil_stream_partial(pair.stream), size - 1);
    ck_assert_mem_eq(sent, got, size - 1);
    ck_assert(coil_stream_at_eof(pair.stream));
    free(sent);
    free(got);
    pair_free(&pair);
    return 0;
}

/* ---- read_until, read_line ------------------------------------------------------------------------------------------- */

IO_TEST(a_separator_may_come_in_two_pieces)
{
    char data[32];
    struct pair pair = pair_new(0);
    struct stream_call call = {.stream = pair.stream, .data = data, .size = sizeof data, .separator = "--END"};

    coil_task *task = spawn(stream_read_until, &call);
    settle();
    for (const char *text = "a--EN--E--ENDrest"; *text != '\0'; text++) {
        ck_assert_int_eq(send(pair.fd, text, 1, 0), 1);
        settle();
    }
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, 13);
    ck_assert_mem_eq(data, "a--EN--E--END", 13);
    ck_assert_int_eq(coil_stream_read(pair.stream, data, sizeof data), 4);
    ck_assert_mem_eq(data, "rest", 4);
    pair_free(&pair);
    return 0;
}

IO_TEST(lines_come_one_by_one)
{
    char line[16];
    struct pair pair = pair_new(0);

    say(&pair, "one\n\ntwo\r\nthree");
    say_end(&pair);
    ck_assert_int_eq(coil_stream_read_line(pair.stream, line, sizeof line), 4);
    ck_assert_str_eq(line, "one\n");
    ck_assert_int_eq(coil_stream_read_line(pair.stream, line, sizeof line), 1);
    ck_assert_str_eq(line, "\n");
    ck_assert_int_eq(coil_stream_read_line(pair.stream, line, sizeof line), 5);
    ck_assert_str_eq(line, "two\r\n");
    ck_assert_int_eq(coil_stream_read_line(pair.stream, line, sizeof line), 5);
    ck_assert_str_eq(line, "three");
    ck_assert_int_eq(coil_stream_read_line(pair.stream, line, sizeof line), 0);
    ck_assert_str_eq(line, "");
    pair_free(&pair);
    return 0;
}

IO_TEST(read_until_tells_how_much_came_before_the_end)
{
    char data[16];
    struct pair pair = pair_new(0);

    say(&pair, "abc");
    say_end(&pair);
    ck_assert_int_eq(coil_stream_read_until(pair.stream, ";", 1, data, sizeof data), -ENODATA);
    ck_assert_uint_eq(coil_stream_partial(pair.stream), 3);
    ck_assert_mem_eq(data, "abc", 3);
    ck_assert_int_eq(coil_stream_read_until(pair.stream, ";", 1, data, sizeof data), -ENODATA);
    ck_assert_uint_eq(coil_stream_partial(pair.stream), 0);
    pair_free(&pair);
    return 0;
}

IO_TEST(a_line_that_is_too_long_for_the_caller_stays_in_the_stream)
{
    char line[32];
    struct pair pair = pair_new(0);

    say(&pair, "0123456789\nnext\n");
    ck_assert_int_eq(coil_stream_read_line(pair.stream, line, 11), -EOVERFLOW); /* no room for the zero */
    ck_assert_str_eq(line, "");
    ck_assert_uint_eq(coil_stream_partial(pair.stream), 10);
    ck_assert_int_eq(coil_stream_read_line(pair.stream, line, 5), -EOVERFLOW);
    ck_assert_int_eq(coil_stream_read_line(pair.stream, line, 12), 11);
    ck_assert_str_eq(line, "0123456789\n");
    ck_assert_int_eq(coil_stream_read_line(pair.stream, line, sizeof line), 5);
    pair_free(&pair);
    return 0;
}

/* asyncio: LimitOverrunError, "found, but chunk is longer than limit" and "not found, and chunk exceed the limit". */
IO_TEST(a_line_beyond_the_limit_can_be_skipped_and_nothing_of_the_next_is_lost)
{
    char data[32];
    struct pair pair = pair_new(4);

    say(&pair, "12345;ab;");
    ck_assert_int_eq(coil_stream_read_until(pair.stream, ";", 1, data, sizeof data), -EOVERFLOW);
    ck_assert_uint_eq(coil_stream_partial(pair.stream), 5);
    ck_assert_int_eq(coil_stream_read(pair.stream, data, coil_stream_partial(pair.stream)), 5);
    ck_assert_int_eq(coil_stream_read_until(pair.stream, ";", 1, data, sizeof data), 1);
    ck_assert_int_eq(coil_stream_read_until(pair.stream, ";", 1, data, sizeof data), 3);
    say(&pair, "1234567<");
    ck_assert_int_eq(coil_stream_read_until(pair.stream, "<>", 2, data, sizeof data), -EOVERFLOW);
    ck_assert_uint_eq(coil_stream_partial(pair.stream), 7); /* the "<" may begin a separator */
    ck_assert_int_eq(coil_stream_read(pair.stream, data, 7), 7);
    say(&pair, ">");
    ck_assert_int_eq(coil_stream_read_until(pair.stream, "<>", 2, data, sizeof data), 2);
    pair_free(&pair);
    return 0;
}

IO_TEST(the_limit_does_not_count_the_separator)
{
    char data[32];
    struct pair pair = pair_new(3);

    say(&pair, "abc<>abcd<>");
    ck_assert_int_eq(coil_stream_read_until(pair.stream, "<>", 2, data, sizeof data), 5);
    ck_assert_int_eq(coil_stream_read_until(pair.stream, "<>", 2, data, sizeof data), -EOVERFLOW);
    ck_assert_uint_eq(coil_stream_partial(pair.stream), 4);
    pair_free(&pair);
    return 0;
}

static int send_all(void *arg)
{
    struct stream_call *call = arg;
    int fd = *(int *)call->data;

    for (size_t i = 0; i < call->size; i++) {
        unsigned char byte = i % 1000 == 999 ? '\n' : (unsigned char)('a' + i % 26);
        ck_assert_int_eq(coil_send(fd, &byte, 1, 0), 1);
    }
    return shutdown(fd, SHUT_WR);
}

IO_LOOP_TEST(every_way_of_reading_gets_the_same_bytes)
{
    enum { SIZE = 20000 };
    static char got[SIZE + 64];
    size_t count = 0;
    unsigned random = (unsigned)loop_index + 1;
    struct pair pair = loop_index % 2 ? pair_new(0) : pair_new_tcp(0);
    struct stream_call call = {.data = &pair.fd, .size = SIZE};
    coil_task *sender = spawn(send_all, &call);
    ssize_t rc = 1;

    while (rc > 0) {
        random = random * 1103515245 + 12345;
        size_t size = random >> 16 & 63;
        switch (random >> 28 & 3) {
        case 0:
            rc = coil_stream_read(pair.stream, got + count, size + 1);
            break;
        case 1:
            rc = coil_stream_read_exactly(pair.stream, got + count, size + 1);
            break;
        case 2:
            rc = coil_stream_read_until(pair.stream, "xyz", 3, got + count, 48);
            break;
        default:
            rc = coil_stream_read_line(pair.stream, got + count, 48);
            break;
        }
        if (rc == -ENODATA) {
            rc = (ssize_t)coil_stream_partial(pair.stream);
        } else if (rc == -EOVERFLOW) {
            rc = coil_stream_read(pair.stream, got + count, coil_stream_partial(pair.stream) + 1);
        }
        count += rc > 0 ? (size_t)rc : 0;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(count, SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        ck_assert_int_eq(got[i], i % 1000 == 999 ? '\n' : (char)('a' + i % 26));
    }
    ck_assert_int_eq(coil_join(sender), 0);
    pair_free(&pair);
    return 0;
}

/* ---- misuse ---------------------------------------------------------------------------------------------------------- */

static void read_in_a_callback(void *arg)
{
    struct stream_call *call = arg;

    call->result = coil_stream_read(call->stream, call->data, call->size);
}

IO_TEST(misuse_is_refused)
{
    char data[4];
    struct pair pair = pair_new(0);
    struct stream_call call = {.stream = pair.stream, .data = data, .size = sizeof data};

    ck_assert_int_lt(coil_stream_read(NULL, data, 1), 0);
    ck_assert_int_eq(coil_stream_read(pair.stream, NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_stream_read_until(pair.stream, "", 0, data, 1), -EINVAL);
    ck_assert_int_eq(coil_stream_read_until(pair.stream, NULL, 1, data, 1), -EINVAL);
    ck_assert_int_eq(coil_stream_read_line(pair.stream, data, 0), -EINVAL);
    ck_assert_ptr_nonnull(coil_call_soon(read_in_a_callback, &call));
    settle();
    ck_assert_int_eq(call.result, -EPERM);
    pair_free(&pair);
    return 0;
}

Suite *read_suite(void)
{
    Suite *suite = suite_create("read");
    TCase *tests = tcase_create("reading");

    tcase_add_test(tests, read_takes_what_is_there);
    tcase_add_test(tests, read_waits_for_something);
    tcase_add_test(tests, read_tells_the_end_again_and_again);
    tcase_add_test(tests, a_second_reader_is_refused);
    tcase_add_test(tests, a_reset_is_told_after_what_came_before_and_then_for_ever);
    tcase_add_loop_test(tests, read_exactly_joins_the_pieces, 0, EXACT_SIZES);
    tcase_add_loop_test(tests, read_exactly_hands_over_what_the_end_leaves, 0, EXACT_SIZES);
    tcase_add_test(tests, a_separator_may_come_in_two_pieces);
    tcase_add_test(tests, lines_come_one_by_one);
    tcase_add_test(tests, read_until_tells_how_much_came_before_the_end);
    tcase_add_test(tests, a_line_that_is_too_long_for_the_caller_stays_in_the_stream);
    tcase_add_test(tests, a_line_beyond_the_limit_can_be_skipped_and_nothing_of_the_next_is_lost);
    tcase_add_test(tests, the_limit_does_not_count_the_separator);
    tcase_add_loop_test(tests, every_way_of_reading_gets_the_same_bytes, 0, 8);
    tcase_add_test(tests, misuse_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
