/*
 * Very many short-lived children, some at once, half of them killed: every end is the right one, no zombie stays, no descriptor. How many
 * there are can be set: COIL_STRESS_CHILDREN.
 */
#include <stdio.h>

#include "children.h"
#include "suites.h"

enum { AT_ONCE = 50, MANY_CHILDREN = CI_WITH_TSAN || CI_WITH_ASAN ? 500 : 3000, WAYS = 6 };

static coil_semaphore room = COIL_SEMAPHORE_INIT(AT_ONCE);
static int right;

static coil_process *start_program(const char *name, const char *argument, int output)
{
    coil_process *child;
    char *argv[] = {(char *)(uintptr_t)name, (char *)(uintptr_t)argument, NULL};

    ck_assert_int_eq(coil_create_subprocess_exec(&child, argv, .stdin_ = COIL_DEVNULL, .stdout_ = output), 0);
    return child;
}

/* One child, in one of several ways. */
static void run_one(int number)
{
    coil_process *child;
    coil_buffer output;

    switch (number % WAYS) {
    case 0: /* ends by itself */
        child = start_program(number % 4 == 0 ? "true" : "false", NULL, COIL_DEVNULL);
        right += coil_process_wait(child) == (number % 4 != 0);
        break;
    case 1: /* is killed while it runs */
        child = start_program("sleep", "1000", COIL_DEVNULL);
        (void)coil_sleep(0.001 * (number % 5));
        ck_assert_int_eq(coil_process_kill(child), 0);
        right += coil_process_wait(child) == 128 + SIGKILL;
        break;
    case 2: /* says something */
        child = start_program("echo", "hello", COIL_PIPE);
        ck_assert_int_eq(coil_process_communicate(child, NULL, 0, &output, NULL), 0);
        right += output.size == 6 && memcmp(output.data, "hello\n", 6) == 0;
        coil_buffer_free(&output);
        break;
    case 3: /* is killed at once, perhaps before its program has begun */
        child = start_program("sleep", "1000", COIL_PIPE);
        ck_assert_int_eq(coil_process_terminate(child), 0);
        right += coil_process_wait(child) == 128 + SIGTERM && coil_process_signal(child) == SIGTERM;
        break;
    case 4: /* would never end: closed */
        child = start_program("yes", NULL, COIL_PIPE);
        (void)coil_sleep(0);
        int end = coil_process_close(child);
        right += end == 128 + SIGKILL || end == 128 + SIGPIPE;
        break;
    default: /* is forgotten */
        child = start_program("true", NULL, COIL_DEVNULL);
        right++;
    }
    coil_process_unref(child);
}

static int run_in_turn(void *number)
{
    ck_assert_int_eq(coil_semaphore_acquire(&room), 0);
    run_one(*(int *)number);
    coil_semaphore_release(&room);
    return 0;
}

static int many(void)
{
    const char *text = getenv("COIL_STRESS_CHILDREN");

    return text == NULL ? MANY_CHILDREN : (int)strtol(text, NULL, 10);
}

PROCESS_TEST(thousands_of_children_leave_nothing)
{
    coil_group group;

    coil_group_begin(&group);
    for (int i = 0; i < many(); i++) {
        ck_assert_int_eq(coil_group_spawn(&group, run_in_turn, &i, .arg_size = sizeof i), 0);
    }
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    ck_assert_int_eq(right, many());
    siginfo_t info;
    for (int i = 0; i < 1000 && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0; i++) {
        ck_assert_int_eq(coil_sleep(0.01), 0); /* for those that were forgotten */
    }
    assert_no_children();
    return 0;
}

Suite *stress_suite(void)
{
    Suite *suite = suite_create("stress");
    TCase *tests = tcase_create("stress");

    tcase_set_timeout(tests, 600);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, thousands_of_children_leave_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
