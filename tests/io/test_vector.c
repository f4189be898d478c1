/* Several pieces of memory, messages, datagrams: on everything that can be waited for. */
#include <sys/uio.h>

#include "harness.h"
#include "suites.h"

enum { KINDS = 3 };

static int loop_index;

/* The loop index: TCP that coil accepted, a Unix pair, a pipe. fds[1] writes. */
static void some_pair(int fds[2])
{
    if (loop_index == 0) {
        tcp_pair(fds);
    } else if (loop_index == 1) {
        unix_pair(fds);
    } else {
        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    }
}

struct vectored {
    int fd;
    struct iovec *vectors;
    int count;
    ssize_t result;
};

static int call_readv(void *arg)
{
    struct vectored *call = arg;

    call->result = coil_readv(call->fd, call->vectors, call->count);
    return 0;
}

static int call_writev(void *arg)
{
    struct vectored *call = arg;

    call->result = coil_writev(call->fd, call->vectors, call->count);
    return 0;
}

IO_LOOP_TEST(pieces_are_filled_one_after_the_other)
{
    char a[3] = "", b[1] = "", c[10] = "";
    struct iovec vectors[] = {{a, sizeof a}, {b, 0}, {b, sizeof b}, {c, sizeof c}};
    int fds[2];

    some_pair(fds);
    struct vectored call = {.fd = fds[0], .vectors = vectors, .count = 4};
    coil_task *reader = spawn(call_readv, &call);
    settle();
    ck_assert(!coil_done(reader));
    ck_assert_int_eq(coil_write(fds[1], "abcdefg", 7), 7);
    ck_assert_int_eq(coil_join(reader), 0);
    ck_assert_int_eq(call.result, 7);
    ck_assert_int_eq(memcmp(a, "abc", 3), 0);
    ck_assert_int_eq(b[0], 'd');
    ck_assert_str_eq(c, "efg");
    ck_assert_int_eq(coil_readv(fds[0], vectors, 0), 0);
    reader = spawn(call_readv, &call);
    settle();
    coil_cancel(reader);
    ck_assert_int_eq(coil_join(reader), 0);
    ck_assert_int_eq(call.result, -ECANCELED);
    close_pair(fds);
    return 0;
}

IO_LOOP_TEST(all_pieces_are_written_however_long_it_takes)
{
    enum { PIECES = 300, SIZE = 1 << 21 };
    char *data = malloc(SIZE);
    struct iovec vectors[PIECES];
    char buffer[5000];
    size_t total = 0;
    int fds[2];

    some_pair(fds);
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (char)(i * 31 + i / 255);
    }
    for (size_t i = 0; i < PIECES; i++) {
        vectors[i].iov_base = data + i * SIZE / PIECES;
        vectors[i].iov_len = (i + 1) * SIZE / PIECES - i * SIZE / PIECES;
    }
    struct vectored call = {.fd = fds[1], .vectors = vectors, .count = PIECES};
    coil_task *writer = spawn(call_writev, &call);
    while (total < SIZE) {
        ssize_t n = coil_read(fds[0], buffer, sizeof buffer);
        ck_assert_int_gt(n, 0);
        ck_assert_int_eq(memcmp(buffer, data + total, (size_t)n), 0);
        total += (size_t)n;
    }
    ck_assert_int_eq(coil_join(writer), 0);
    ck_assert_int_eq(call.result, SIZE);
    close_pair(fds);
    free(data);
    return 0;
}

IO_TEST(datagrams_have_addresses)
{
    struct sockaddr_in addresses[2], from;
    socklen_t length = sizeof from;
    char buffer[100] = "";
    int fds[2];

    for (int i = 0; i < 2; i++) {
        socklen_t size = sizeof addresses[i];
        addresses[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fds[i], (struct sockaddr *)&addresses[i], sizeof addresses[i]), 0);
        ck_assert_int_eq(getsockname(fds[i], (struct sockaddr *)&addresses[i], &size), 0);
    }
    ck_assert_int_eq(coil_sendto(fds[0], "to you", 6, 0, (struct sockaddr *)&addresses[1], sizeof addresses[1]), 6);
    ck_assert_int_eq(coil_recvfrom(fds[1], buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length), 6);
    ck_assert_str_eq(buffer, "to you");
    ck_assert_uint_eq(length, sizeof from);
    ck_assert_uint_eq(from.sin_port, addresses[0].sin_port);
    ck_assert_int_eq(coil_recvfrom(fds[1], buffer, 1, MSG_DONTWAIT, NULL, NULL), -EAGAIN);
    ck_assert_int_eq(coil_recvfrom(fds[1], buffer, 1, 0, (struct sockaddr *)&from, NULL), -EFAULT);
    ck_assert_int_eq(coil_sendto(fds[0], "", 0, 0, NULL, 0), -EDESTADDRREQ);
    close_pair(fds);
    return 0;
}

struct messaging {
    int fd;
    struct msghdr message;
    int flags;
    ssize_t result;
};

static int call_recvmsg(void *arg)
{
    struct messaging *call = arg;

    call->result = coil_recvmsg(call->fd, &call->message, call->flags);
    return 0;
}

IO_TEST(messages_carry_descriptors)
{
    char control[CMSG_SPACE(sizeof(int))] = {0}, sent_control[CMSG_SPACE(sizeof(int))] = {0}, buffer[10] = "";
    struct iovec vector = {buffer, sizeof buffer}, sent_vector = {(char *)(uintptr_t) "fd", 2};
    struct msghdr sent = {
        .msg_iov = &sent_vector, .msg_iovlen = 1, .msg_control = sent_control, .msg_controllen = sizeof sent_control};
    int fds[2], passed;

    unix_pair(fds);
    struct messaging call = {
        .fd = fds[0],
        .message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control}};
    coil_task *receiver = spawn(call_recvmsg, &call);
    settle();
    *CMSG_FIRSTHDR(&sent) =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&sent)), &fds[1], sizeof(int));
    ck_assert_int_eq(coil_sendmsg(fds[1], &sent, 0), 2);
    ck_assert_int_eq(coil_join(receiver), 0);
    ck_assert_int_eq(call.result, 2);
    ck_assert_str_eq(buffer, "fd");
    ck_assert_int_eq(CMSG_FIRSTHDR(&call.message)->cmsg_type, SCM_RIGHTS);
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&call.message)), sizeof(int));
    ck_assert_int_eq(fcntl(passed, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(coil_close(passed), 0);
    ck_assert_int_eq(coil_recvmsg(fds[0], NULL, 0), -EFAULT);
    close_pair(fds);
    return 0;
}

IO_TEST(a_message_waits_for_all_of_a_stream)
{
    char a[3] = "", b[6] = "";
    struct iovec vectors[] = {{a, 3}, {b, 5}};
    int fds[2];

    tcp_pair(fds);
    struct messaging call = {.fd = fds[0], .message = {.msg_iov = vectors, .msg_iovlen = 2}, .flags = MSG_WAITALL};
    coil_task *receiver = spawn(call_recvmsg, &call);
    for (int i = 0; i < 8; i++) {
        settle();
        ck_assert(!coil_done(receiver));
        ck_assert_int_eq(coil_send(fds[1], &"abcdefgh"[i], 1, 0), 1);
        ck_assert_int_eq(coil_sleep(0.0005), 0);
    }
    ck_assert_int_eq(coil_join(receiver), 0);
    ck_assert_int_eq(call.result, 8);
    ck_assert_int_eq(memcmp(a, "abc", 3), 0);
    ck_assert_str_eq(b, "defgh");
    close_pair(fds);
    return 0;
}

Suite *vector_suite(void)
{
    Suite *suite = suite_create("vector");
    TCase *tests = tcase_create("vectors-and-messages");

    tcase_add_loop_test(tests, pieces_are_filled_one_after_the_other, 0, KINDS);
    tcase_add_loop_test(tests, all_pieces_are_written_however_long_it_takes, 0, KINDS);
    tcase_add_test(tests, datagrams_have_addresses);
    tcase_add_test(tests, messages_carry_descriptors);
    tcase_add_test(tests, a_message_waits_for_all_of_a_stream);
    suite_add_tcase(suite, tests);
    return suite;
}
