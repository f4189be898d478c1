/* Names: numbers at once, the rest in threads, and a waiter that leaves. The resolver is held up through the seam to the system. */
#include <coil/dns.h>
#include <coil/loop.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "harness.h"
#include "loop/loop.h"
#include "net/part.h"
#include "suites.h"
#include "sys/fault.h"

static pthread_t loop_thread;

/* In the test's own process: what is looked up in a thread takes so long. */
static atomic_int look_ups;
static atomic_int slow_ms;

static int hold_up(const char *call)
{
    if (strcmp(call, "getaddrinfo") == 0 && !pthread_equal(pthread_self(), loop_thread)) {
        atomic_fetch_add(&look_ups, 1);
        usleep((useconds_t)atomic_load(&slow_ms) * 1000);
    }
    return 0;
}

static void watch_look_ups(int milliseconds)
{
    loop_thread = pthread_self();
    atomic_store(&slow_ms, milliseconds);
    ci_fault_hook = hold_up;
}

IO_TEST(numbers_need_no_thread)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *result;

    watch_look_ups(0);
    ck_assert_int_eq(coil_getaddrinfo("127.0.0.1", "80", &hints, &result), 0);
    ck_assert_ptr_null(result->ai_next);
    ck_assert_int_eq(((struct sockaddr_in *)(void *)result->ai_addr)->sin_port, htons(80));
    freeaddrinfo(result);
    ck_assert_int_eq(coil_getaddrinfo("::1", NULL, NULL, &result), 0);
    freeaddrinfo(result);
    ck_assert_int_eq(coil_getaddrinfo(NULL, "0", &hints, &result), 0);
    freeaddrinfo(result);
    ck_assert_int_eq(look_ups, 0);
    return 0;
}

static void do_nothing(void *unused)
{
    (void)unused;
}

IO_TEST(a_name_is_looked_up_while_the_loop_goes_on)
{
    struct addrinfo *result;

    watch_look_ups(20);
    uint64_t iteration = coil_get_running_loop()->iteration;
    ck_assert_ptr_nonnull(coil_call_later(0.001, do_nothing, NULL));
    ck_assert_int_eq(coil_getaddrinfo("localhost", "80", NULL, &result), 0);
    freeaddrinfo(result);
    ck_assert_int_eq(look_ups, 1);
    ck_assert_uint_gt(coil_get_running_loop()->iteration, iteration + 1);
    return 0;
}

static int look_up(void *unused)
{
    struct addrinfo *result;

    (void)unused;
    int rc = coil_getaddrinfo("localhost", "80", NULL, &result);
    if (rc == 0) {
        freeaddrinfo(result);
    }
    return rc;
}

IO_TEST(who_is_cancelled_leaves_at_once)
{
    watch_look_ups(100);
    double before = coil_time();
    coil_task *task = spawn(look_up, NULL);
    ck_assert_int_eq(coil_sleep(0.01), 0);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_double_lt(coil_time() - before, 0.09);
    ck_assert_int_eq(look_ups, 1);
    return 0; /* the loop's end waits for the thread, and what it has found is freed */
}

IO_TEST(a_look_up_that_no_thread_has_begun_is_dropped)
{
    enum { TASKS = 20 };
    coil_task *tasks[TASKS];

    watch_look_ups(20);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = spawn(look_up, NULL);
    }
    settle();
    for (int i = 0; i < TASKS; i++) {
        coil_cancel(tasks[i]);
    }
    for (int i = 0; i < TASKS; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), -ECANCELED);
    }
    ck_assert_int_lt(look_ups, TASKS);
    ck_assert_int_eq(look_up(NULL), 0);
    return 0;
}

IO_TEST(many_names_at_once)
{
    enum { TASKS = 50 };
    coil_task *tasks[TASKS];

    watch_look_ups(1);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = spawn(look_up, NULL);
    }
    for (int i = 0; i < TASKS; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
    }
    ck_assert_int_eq(look_ups, TASKS);
    return 0;
}

static int failure;

static int fail_look_ups(const char *call)
{
    return strcmp(call, "getaddrinfo") == 0 && !pthread_equal(pthread_self(), loop_thread) ? failure : 0;
}

IO_TEST(an_error_of_the_system_is_told)
{
    struct addrinfo *result;

    watch_look_ups(0);
    failure = -EMFILE;
    ci_fault_hook = fail_look_ups;
    ck_assert_int_eq(coil_getaddrinfo("localhost", "80", NULL, &result), -EMFILE);
    ck_assert_ptr_null(result);
    ci_fault_hook = NULL;
    return 0;
}

IO_TEST(an_address_has_a_name)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(80)};
    const struct sockaddr *any = (const struct sockaddr *)&address;
    char host[64];
    char service[16];

    ck_assert_int_eq(coil_getnameinfo(any, sizeof address, host, sizeof host, service, sizeof service,
                                      NI_NUMERICHOST | NI_NUMERICSERV),
                     0);
    ck_assert_str_eq(host, "127.0.0.1");
    ck_assert_str_eq(service, "80");
    ck_assert_int_eq(coil_getnameinfo(any, sizeof address, host, sizeof host, service, sizeof service, NI_NUMERICSERV),
                     0);
    ck_assert_str_eq(host, "localhost");
    ck_assert_int_eq(coil_getnameinfo(any, sizeof address, host, 3, NULL, 0, 0), -EOVERFLOW);
    ck_assert_int_eq(coil_getnameinfo(NULL, 0, host, 3, NULL, 0, 0), -EINVAL);
    return 0;
}

IO_TEST(misuse_is_refused)
{
    struct addrinfo *result;

    ck_assert_int_eq(coil_getaddrinfo("127.0.0.1", "80", NULL, NULL), -EINVAL);
    ck_assert_int_eq(coil_getaddrinfo(NULL, NULL, NULL, &result), -EINVAL);
    ck_assert_int_eq(coil_getaddrinfo("127.0.0.1", "80", &(struct addrinfo){.ai_flags = 1 << 30}, &result), -EINVAL);
    return 0;
}

Suite *dns_suite(void)
{
    Suite *suite = suite_create("dns");
    TCase *tests = tcase_create("names");

    tcase_add_test(tests, numbers_need_no_thread);
    tcase_add_test(tests, a_name_is_looked_up_while_the_loop_goes_on);
    tcase_add_test(tests, who_is_cancelled_leaves_at_once);
    tcase_add_test(tests, a_look_up_that_no_thread_has_begun_is_dropped);
    tcase_add_test(tests, many_names_at_once);
    tcase_add_test(tests, an_error_of_the_system_is_told);
    tcase_add_test(tests, an_address_has_a_name);
    tcase_add_test(tests, misuse_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
