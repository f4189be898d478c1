/*
 * A task whose descriptor is always ready does not keep the others from running: of the calls of one step that are finished at once
 * every 128th lets them run before it returns, without losing what it did, nor a cancellation.
 */
#include "harness.h"
#include "io/call.h"
#include "suites.h"

enum { ENDLESS = 50 * CI_CALLS_AT_ONCE };

static int turns; /* of the counter */

static int count_turns(void *unused)
{
    (void)unused;
    for (;;) {
        int rc = coil_sleep(0);
        if (rc < 0) {
            return rc;
        }
        turns++;
    }
}

/* Starts to count the turns that others get from now on. */
static coil_task *start_counting(void)
{
    coil_task *counter = spawn(count_turns, NULL);

    settle();
    turns = 0;
    return counter;
}

static int stop_counting(coil_task *counter)
{
    int counted = turns;

    coil_cancel(counter);
    ck_assert_int_eq(coil_join(counter), -ECANCELED);
    return counted;
}

/* ---- calls that never wait ------------------------------------------------------------------------------------------- */

/* What stands ready for them: zeros without end, a socket with room and data, a listener with connections, and nothing at all. */
struct ready {
    int zero;
    int fds[2];
    int null;
};

static void open_ready(struct ready *ready)
{
    ready->zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ready->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(ready->zero, 0);
    ck_assert_int_ge(ready->null, 0);
    unix_pair(ready->fds);
}

static void close_ready(struct ready *ready)
{
    ck_assert_int_eq(coil_close(ready->zero), 0);
    ck_assert_int_eq(coil_close(ready->null), 0);
    close_pair(ready->fds);
}

enum kind { READING, WRITING, SENDING_AND_RECEIVING, POLLING, POLLING_WITHOUT_WAITING, ASKING_IN_VAIN, FAILING, KINDS };

/* Makes one call, or two. Returns how many those were. */
static int call_once(const struct ready *ready, enum kind kind)
{
    struct pollfd pollfd = {.fd = kind == POLLING ? ready->zero : ready->fds[0], .events = POLLIN};
    char byte = 'x';

    switch (kind) {
    case READING:
        ck_assert_int_eq(coil_read(ready->zero, &byte, 1), 1);
        break;
    case WRITING:
        ck_assert_int_eq(coil_write(ready->null, &byte, 1), 1);
        break;
    case SENDING_AND_RECEIVING:
        ck_assert_int_eq(coil_send(ready->fds[1], &byte, 1, 0), 1);
        ck_assert_int_eq(coil_recv(ready->fds[0], &byte, 1, 0), 1);
        return 2;
    case POLLING:
        ck_assert_int_eq(coil_poll(&pollfd, 1, INFINITY), 1);
        break;
    case POLLING_WITHOUT_WAITING:
        ck_assert_int_eq(coil_poll(&pollfd, 1, 0), 0);
        break;
    case ASKING_IN_VAIN:
        ck_assert_int_eq(coil_recv(ready->fds[0], &byte, 1, MSG_DONTWAIT), -EAGAIN);
        break;
    case FAILING:
    case KINDS:
        ck_assert_int_eq(coil_read(-1, &byte, 1), -EBADF);
        break;
    }
    return 1;
}

static int loop_index;

IO_LOOP_TEST(one_call_in_128_lets_others_run)
{
    enum { ROUNDS = 20 };
    struct ready ready;

    open_ready(&ready);
    coil_task *counter = start_counting();
    for (int calls = 0; calls < ROUNDS * CI_CALLS_AT_ONCE;) {
        calls += call_once(&ready, (enum kind)loop_index);
    }
    ck_assert_int_eq(stop_counting(counter), ROUNDS);
    close_ready(&ready);
    return 0;
}

IO_TEST(a_step_that_waits_in_between_keeps_its_place)
{
    struct ready ready;

    open_ready(&ready);
    coil_task *counter = start_counting();
    for (int round = 1; round <= 10; round++) {
        for (int i = 1; i < CI_CALLS_AT_ONCE; i++) {
            call_once(&ready, READING);
        }
        ck_assert_int_eq(turns, round - 1); /* those of the sleeps alone */
        ck_assert_int_eq(coil_sleep(0), 0);
    }
    (void)stop_counting(counter);
    close_ready(&ready);
    return 0;
}

/* ---- others ---------------------------------------------------------------------------------------------------------- */

/* Reads zeros until that fails. Returns the error. */
static int read_for_ever(void *zero)
{
    char byte;

    for (;;) {
        ssize_t rc = coil_read(*(int *)zero, &byte, 1);
        if (rc != 1) {
            return (int)rc;
        }
    }
}

IO_TEST(timers_run_and_time_limits_hold)
{
    struct ready ready;

    open_ready(&ready);
    ck_assert_int_eq(coil_wait_for_coroutine(read_for_ever, &ready.zero, 0.01), -ETIMEDOUT);
    coil_task *reader = spawn(read_for_ever, &ready.zero);
    ck_assert_int_eq(coil_sleep(0.01), 0);
    coil_cancel(reader);
    ck_assert_int_eq(coil_join(reader), -ECANCELED);
    close_ready(&ready);
    return 0;
}

IO_TEST(who_waits_for_another_descriptor_is_served)
{
    char byte = 0;
    struct ready ready;
    struct call call = {.data = &byte, .size = 1};

    open_ready(&ready);
    call.fd = ready.fds[0];
    coil_task *waiting = spawn(call_recv, &call);
    settle();
    ck_assert_int_eq(send(ready.fds[1], "x", 1, 0), 1);
    for (int calls = 0; calls < 3 * CI_CALLS_AT_ONCE; calls++) {
        call_once(&ready, READING);
    }
    ck_assert(coil_done(waiting)); /* and not after 61 turns of this task */
    ck_assert_int_eq(coil_join(waiting), 1);
    close_ready(&ready);
    return 0;
}

static int readers_steps[2];

static int read_and_count(void *arg)
{
    struct ready *ready = arg;
    char byte;

    for (int i = 0; i < ENDLESS; i++) {
        if (coil_read(ready->zero, &byte, 1) != 1) {
            return -EIO;
        }
        readers_steps[coil_task_name(coil_current_task())[0] - '0']++;
        ck_assert_int_le(abs(readers_steps[0] - readers_steps[1]), 2 * CI_CALLS_AT_ONCE);
    }
    return 0;
}

static int two_readers(void *arg)
{
    coil_task *first = coil_create_task(read_and_count, arg, .name = "0");
    coil_task *second = coil_create_task(read_and_count, arg, .name = "1");

    ck_assert_int_eq(coil_join(first), 0);
    ck_assert_int_eq(coil_join(second), 0);
    return 0;
}

IO_TEST(two_who_are_always_ready_take_turns)
{
    struct ready ready;

    open_ready(&ready);
    two_readers(&ready);
    close_ready(&ready);
    return 0;
}

START_TEST(in_a_seeded_order_too)
    {
        struct ready ready = {.zero = open("/dev/zero", O_RDONLY | O_CLOEXEC)};

        ck_assert_int_eq(coil_run(two_readers, &ready, .seed = 7), 0);
        close(ready.zero);
    }
END_TEST

IO_TEST(an_eager_task_gives_way_to_its_creator)
{
    struct ready ready;

    open_ready(&ready);
    coil_task *reader = coil_create_task(read_for_ever, &ready.zero, .eager_start = true);
    ck_assert(!coil_done(reader));
    coil_cancel(reader);
    ck_assert_int_eq(coil_join(reader), -ECANCELED);
    close_ready(&ready);
    return 0;
}

/* ---- cancellation ---------------------------------------------------------------------------------------------------- */

struct numbers {
    int fds[2];
    int sent;
    int received;
    bool cancelled;
};

/* Sends itself numbers, until it is cancelled; then it takes what has not been received yet. */
static int send_and_receive(void *arg)
{
    struct numbers *numbers = arg;

    for (;;) {
        int number = -1;
        ssize_t rc = coil_send(numbers->fds[1], &numbers->sent, sizeof(int), 0);
        if (rc == sizeof(int)) {
            numbers->sent++;
            rc = coil_recv(numbers->fds[0], &number, sizeof number, 0);
        }
        if (rc < 0) {
            numbers->cancelled = rc == -ECANCELED;
            break;
        }
        ck_assert_int_eq(number, numbers->received);
        numbers->received++;
    }
    int rc = coil_uncancel(coil_current_task());
    char rest[64];
    ssize_t left = coil_recv(numbers->fds[0], rest, sizeof rest, MSG_DONTWAIT); /* delivered once: this works again */
    numbers->received += left > 0 ? (int)(left / (ssize_t)sizeof(int)) : 0;
    return rc;
}

IO_TEST(a_cancellation_that_comes_then_costs_no_byte_and_is_returned_by_the_next_call)
{
    for (int round = 0; round < 2; round++) {
        struct numbers numbers = {.sent = 0};
        unix_pair(numbers.fds);
        coil_task *task = spawn(send_and_receive, &numbers);
        ck_assert_int_eq(coil_sleep(0), 0);
        int sent = numbers.sent;
        ck_assert_int_gt(sent, 0); /* it is in the middle of its calls, in the ready queue */
        coil_cancel(task);
        ck_assert_int_eq(coil_join(task), 0);
        ck_assert(numbers.cancelled);
        ck_assert_int_eq(numbers.sent, sent);
        ck_assert_int_eq(numbers.received, numbers.sent);
        close_pair(numbers.fds);
    }
    return 0;
}

static int read_cancel_and_take_back(void *arg)
{
    struct ready *ready = arg;

    for (int i = 0; i < CI_CALLS_AT_ONCE; i++) {
        call_once(ready, READING);
    }
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 1);
    coil_uncancel(coil_current_task());
    call_once(ready, READING);
    return 5;
}

IO_TEST(one_that_is_taken_back_is_not_returned)
{
    struct ready ready;

    open_ready(&ready);
    coil_task *task = spawn(read_cancel_and_take_back, &ready);
    ck_assert_int_eq(coil_sleep(0), 0);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), 5);
    close_ready(&ready);
    return 0;
}

/* ---- close ----------------------------------------------------------------------------------------------------------- */

static int read_a_number_and_again(void *arg)
{
    int *fd = arg;
    char byte = 0;

    for (int i = 0; i < CI_CALLS_AT_ONCE; i++) {
        if (coil_read(*fd, &byte, 1) != 1) {
            return -EIO;
        }
    }
    return byte; /* of the last call, during which the number was closed and opened again */
}

IO_TEST(a_descriptor_that_is_replaced_meanwhile_is_not_read)
{
    int fds[2];
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    coil_task *reader = spawn(read_a_number_and_again, &zero);
    ck_assert_int_eq(coil_sleep(0), 0);
    ck_assert(!coil_done(reader));
    ck_assert_int_eq(coil_close(zero), 0);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(fds[0], zero);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(coil_join(reader), 0);
    char byte = 0;
    ck_assert_int_eq(coil_read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    close_pair(fds);
    return 0;
}

Suite *budget_suite(void)
{
    Suite *suite = suite_create("budget");
    TCase *tests = tcase_create("always-ready");

    tcase_add_loop_test(tests, one_call_in_128_lets_others_run, 0, KINDS);
    tcase_add_test(tests, a_step_that_waits_in_between_keeps_its_place);
    tcase_add_test(tests, timers_run_and_time_limits_hold);
    tcase_add_test(tests, who_waits_for_another_descriptor_is_served);
    tcase_add_test(tests, two_who_are_always_ready_take_turns);
    tcase_add_test(tests, in_a_seeded_order_too);
    tcase_add_test(tests, an_eager_task_gives_way_to_its_creator);
    tcase_add_test(tests, a_cancellation_that_comes_then_costs_no_byte_and_is_returned_by_the_next_call);
    tcase_add_test(tests, one_that_is_taken_back_is_not_returned);
    tcase_add_test(tests, a_descriptor_that_is_replaced_meanwhile_is_not_read);
    suite_add_tcase(suite, tests);
    return suite;
}
