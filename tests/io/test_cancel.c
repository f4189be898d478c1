/*
 * Cancellation of calls: it reaches every one, loses no byte, and when a call has returned the kernel has no more to do with the
 * caller's memory.
 */
#include <poll.h>
#include <sys/mman.h>

#include "harness.h"
#include "loop/loop.h"
#include "suites.h"
#include "task/task.h"

/* ---- each call, cancelled while it waits ----------------------------------------------------------------------------- */

enum kind { RECV, READ, RECV_UNIX, READ_PIPE, ACCEPT, POLL, POLL_MANY, SEND, WRITE_PIPE, CONNECT, KINDS };

/* A page that is gone once the call has returned: who touches it afterwards dies. */
struct page {
    void *start;
    size_t bytes;
};

static struct page page_new(void)
{
    struct page page = {.bytes = (size_t)sysconf(_SC_PAGESIZE)};

    page.start = mmap(NULL, page.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(page.start, MAP_FAILED);
    return page;
}

struct victim {
    coil_fn *fn;
    struct call call;
    int fds[2];
    struct page page;
    struct pollfd pollfds[20];
    struct sockaddr_in address;
};

static void fill_both(const int fds[2])
{
    static const char zeros[65536];

    while (send(fds[0], zeros, sizeof zeros, MSG_DONTWAIT) > 0) {
    }
    while (send(fds[0], zeros, 1, MSG_DONTWAIT) > 0) {
    }
}

static void prepare_poll(struct victim *victim, size_t count)
{
    unix_pair(victim->fds);
    for (size_t i = 0; i < count; i++) {
        victim->pollfds[i] = (struct pollfd){.fd = victim->fds[0], .events = POLLIN};
    }
    victim->fn = call_poll;
    victim->call = (struct call){.data = victim->pollfds, .size = count};
}

/* A connection that takes long: the listener's queue is full, and it answers no more. */
static void prepare_connect(struct victim *victim)
{
    victim->fds[0] = tcp_listener(&victim->address);
    ck_assert_int_eq(listen(victim->fds[0], 0), 0);
    for (int i = 0; i < 3; i++) {
        victim->fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(victim->fds[1], (struct sockaddr *)&victim->address, sizeof victim->address);
        victim->pollfds[i].fd = victim->fds[1];
    }
    victim->fds[1] = tcp_socket();
    victim->fn = call_connect;
    victim->call = (struct call){.fd = victim->fds[1], .data = &victim->address, .size = sizeof victim->address};
}

static void prepare(struct victim *victim, enum kind kind)
{
    *victim = (struct victim){.page = page_new()};
    switch (kind) {
    case RECV:
    case READ:
        tcp_pair(victim->fds);
        victim->fn = kind == RECV ? call_recv : call_read;
        break;
    case RECV_UNIX:
    case SEND:
        unix_pair(victim->fds);
        victim->fn = kind == SEND ? call_send : call_recv;
        break;
    case READ_PIPE:
    case WRITE_PIPE:
        ck_assert_int_eq(pipe2(victim->fds, O_CLOEXEC), 0);
        victim->fn = kind == READ_PIPE ? call_read : call_write;
        break;
    case ACCEPT:
        victim->fds[0] = tcp_listener(&victim->address);
        victim->fds[1] = tcp_socket();
        victim->fn = call_accept;
        break;
    case POLL:
        prepare_poll(victim, 1);
        return;
    case POLL_MANY:
        prepare_poll(victim, 20);
        return;
    case CONNECT:
        prepare_connect(victim);
        return;
    case KINDS:
        break;
    }
    victim->call =
        (struct call){.fd = victim->fds[kind == WRITE_PIPE], .data = victim->page.start, .size = victim->page.bytes};
    if (kind == SEND) {
        fill_both(victim->fds);
    } else if (kind == WRITE_PIPE) {
        fcntl(victim->fds[1], F_SETFL, O_NONBLOCK);
        while (write(victim->fds[1], victim->page.start, victim->page.bytes) > 0) {
        }
        fcntl(victim->fds[1], F_SETFL, 0);
    }
}

static void dispose(struct victim *victim)
{
    for (int i = 0; i < 3 && victim->fn == call_connect; i++) {
        close(victim->pollfds[i].fd);
    }
    close_pair(victim->fds);
    munmap(victim->page.start, victim->page.bytes);
}

static int call_then_yield(void *arg)
{
    struct victim *victim = arg;

    int rc = victim->fn(&victim->call);
    ck_assert_int_eq(mprotect(victim->page.start, victim->page.bytes, PROT_NONE), 0);
    victim->call.after = coil_sleep(0);
    return rc;
}

static int loop_index;

IO_LOOP_TEST(every_call_can_be_cancelled)
{
    struct victim victim;

    prepare(&victim, (enum kind)loop_index);
    coil_task *task = spawn(call_then_yield, &victim);
    settle();
    ck_assert_int_eq(coil_sleep(0.002), 0);
    ck_assert(!coil_done(task));
    uint64_t iteration = coil_get_running_loop()->iteration;
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_sleep(0), 0);
    ck_assert_int_eq(victim.call.result, -ECANCELED); /* in the next iteration, as for any future */
    ck_assert_uint_eq(coil_get_running_loop()->iteration, iteration + 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_int_eq(victim.call.after, 0);
    if (victim.fn == call_recv || victim.fn == call_read) {
        ck_assert_int_eq(write(victim.fds[1], "x", 1), 1); /* the page would show who still reads */
        ck_assert_int_eq(coil_sleep(0.001), 0);
    }
    dispose(&victim);
    return 0;
}

IO_LOOP_TEST(every_call_can_be_cancelled_before_it_begins)
{
    struct victim victim;

    prepare(&victim, (enum kind)loop_index);
    coil_task *task = spawn(call_then_yield, &victim);
    coil_sleep(-1);
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_int_eq(victim.call.result, -ECANCELED);
    dispose(&victim);
    return 0;
}

IO_LOOP_TEST(every_call_can_be_timed_out)
{
    struct victim victim;

    prepare(&victim, (enum kind)loop_index);
    ck_assert_int_eq(coil_wait_for_coroutine(victim.fn, &victim.call, 0.003), -ETIMEDOUT);
    ck_assert_int_eq(mprotect(victim.page.start, victim.page.bytes, PROT_NONE), 0);
    dispose(&victim);
    return 0;
}

/* ---- nothing is lost ------------------------------------------------------------------------------------------------- */

static int recv_then_yield(void *arg)
{
    struct call *call = arg;

    call_recv(call);
    call->after = coil_sleep(0);
    return 0;
}

static int send_then_yield(void *arg)
{
    struct call *call = arg;

    call_send(call);
    call->after = coil_sleep(0);
    return 0;
}

IO_TEST(what_is_not_read_stays_for_the_next_reader)
{
    char buffer[8] = "";
    int fds[2];

    tcp_pair(fds);
    struct call call = {.fd = fds[0], .data = buffer, .size = sizeof buffer};
    coil_task *task = spawn(recv_then_yield, &call);
    settle();
    ck_assert_int_eq(send(fds[1], "abc", 3, 0), 3); /* the kernel has it, the loop has not looked */
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, -ECANCELED);
    ck_assert_int_eq(coil_recv(fds[0], buffer, sizeof buffer, 0), 3);
    ck_assert_str_eq(buffer, "abc");
    close_pair(fds);
    return 0;
}

static coil_task *to_cancel;
static int cancelled_after; /* its call had succeeded */

/*
 * Always ready, and so before the reader in the batch in which that is woken: sees that its wait is over, and cancels it before it
 * runs.
 */
static int cancel_when_woken(void *unused)
{
    (void)unused;
    while (!coil_done(to_cancel)) {
        const struct ci_wait *wait = ci_task_of(to_cancel)->wait;
        if (wait != NULL && wait->state == CI_WAIT_DONE) {
            cancelled_after = coil_cancel(to_cancel);
            break;
        }
        (void)coil_sleep(0);
    }
    return 0;
}

IO_TEST(a_call_that_has_succeeded_returns_its_result_and_the_next_await_is_cancelled)
{
    char buffer[8] = "";
    int fds[2];

    tcp_pair(fds);
    struct call call = {.fd = fds[0], .data = buffer, .size = sizeof buffer};
    for (int round = 0; round < 50 && !cancelled_after; round++) {
        to_cancel = spawn(recv_then_yield, &call);
        settle();
        coil_task *canceller = spawn(cancel_when_woken, NULL);
        ck_assert_int_eq(send(fds[1], "abc", 3, 0), 3);
        ck_assert_int_eq(coil_join(canceller), 0);
        (void)coil_join(to_cancel);
        ck_assert_int_eq(call.result, 3);
    }
    ck_assert(cancelled_after);
    ck_assert_str_eq(buffer, "abc");
    ck_assert_int_eq(call.after, -ECANCELED);
    close_pair(fds);
    return 0;
}

IO_TEST(a_send_that_was_half_done_tells_how_much)
{
    enum { SIZE = 8 << 20 };
    char *data = malloc(SIZE);
    char *back = malloc(SIZE);
    int fds[2];

    tcp_pair(fds);
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (char)(i * 7 + i / 253);
    }
    struct call out = {.fd = fds[0], .data = data, .size = SIZE};
    coil_task *task = spawn(send_then_yield, &out);
    ck_assert_int_eq(coil_sleep(0.01), 0);
    ck_assert_int_eq(coil_cancel(task), 1);
    (void)coil_join(task);
    ck_assert_int_gt(out.result, 0);
    ck_assert_int_lt(out.result, SIZE);
    ck_assert_int_eq(out.after, -ECANCELED);
    ck_assert_int_eq(coil_recv(fds[1], back, (size_t)out.result, MSG_WAITALL), out.result);
    ck_assert_int_eq(memcmp(data, back, (size_t)out.result), 0);
    ck_assert_int_eq(coil_recv(fds[1], back, 1, MSG_DONTWAIT), -EAGAIN);
    close_pair(fds);
    free(data);
    free(back);
    return 0;
}

IO_TEST(a_waitall_that_was_half_done_tells_how_much)
{
    char buffer[8] = "";
    int fds[2];

    tcp_pair(fds);
    struct call call = {.fd = fds[0], .data = buffer, .size = sizeof buffer, .flags = MSG_WAITALL};
    coil_task *task = spawn(recv_then_yield, &call);
    settle();
    ck_assert_int_eq(coil_send(fds[1], "abc", 3, 0), 3);
    ck_assert_int_eq(coil_sleep(0.005), 0);
    coil_cancel(task);
    (void)coil_join(task);
    ck_assert_int_eq(call.result, 3);
    ck_assert_int_eq(call.after, -ECANCELED);
    close_pair(fds);
    return 0;
}

static int cancel_myself_and_recv(void *arg)
{
    struct call *call = arg;

    coil_cancel(coil_current_task());
    call_recv(call);
    call->after = coil_sleep(0);
    return 0;
}

IO_TEST(a_call_that_need_not_wait_is_not_cancelled)
{
    char buffer[8] = "";
    int fds[2];

    tcp_pair(fds);
    struct call call = {.fd = fds[0], .data = buffer, .size = sizeof buffer};
    ck_assert_int_eq(coil_send(fds[1], "abc", 3, 0), 3);
    (void)coil_join(spawn(cancel_myself_and_recv, &call));
    ck_assert_int_eq(call.result, 3);
    ck_assert_int_eq(call.after, -ECANCELED);
    (void)coil_join(spawn(cancel_myself_and_recv, &call));
    ck_assert_int_eq(call.result, -ECANCELED);
    ck_assert_int_eq(call.after, 0);
    close_pair(fds);
    return 0;
}

IO_TEST(two_requests_are_delivered_once)
{
    char buffer[8];
    int fds[2];

    unix_pair(fds);
    struct call call = {.fd = fds[0], .data = buffer, .size = sizeof buffer};
    coil_task *task = spawn(recv_then_yield, &call);
    settle();
    coil_cancel(task);
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.result, -ECANCELED);
    ck_assert_int_eq(call.after, 0);
    close_pair(fds);
    return 0;
}

Suite *cancel_suite(void)
{
    Suite *suite = suite_create("cancel");
    TCase *tests = tcase_create("cancelled-calls");

    tcase_add_loop_test(tests, every_call_can_be_cancelled, 0, KINDS);
    tcase_add_loop_test(tests, every_call_can_be_cancelled_before_it_begins, 0, KINDS);
    tcase_add_loop_test(tests, every_call_can_be_timed_out, 0, KINDS);
    tcase_add_test(tests, what_is_not_read_stays_for_the_next_reader);
    tcase_add_test(tests, a_call_that_has_succeeded_returns_its_result_and_the_next_await_is_cancelled);
    tcase_add_test(tests, a_send_that_was_half_done_tells_how_much);
    tcase_add_test(tests, a_waitall_that_was_half_done_tells_how_much);
    tcase_add_test(tests, a_call_that_need_not_wait_is_not_cancelled);
    tcase_add_test(tests, two_requests_are_delivered_once);
    suite_add_tcase(suite, tests);
    return suite;
}
