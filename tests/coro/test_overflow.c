/* Overflows are reported and everything else about SIGSEGV and SIGBUS stays the program's. Each fault ends a
 * child process. */
#include "coro/overflow.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "child.h"
#include "coroutine.h"
#include "faults.h"
#include "large_frame.h"
#include "suites.h"

static struct ci_stack_pool pool;
static struct ci_context thread_context;
static struct coroutine *running;

static void setup(void)
{
    ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
    ci_context_init_thread(&thread_context);
}

static void teardown(void)
{
    fail_no_calls();
    ci_stack_pool_destroy(&pool);
}

static void say(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

static void report(const struct ci_stack *stack, const void *fault_address)
{
    bool right = running != NULL && stack == running->stack && (const char *)fault_address < stack->low;

    say(right ? "overflow of the right stack\n" : "overflow of the wrong stack\n");
}

static void must_install(void)
{
    if (ci_overflow_install(&pool, report) != 0) {
        _exit(99);
    }
}

#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) static int dig(int depth)
{
    volatile char frame[500] = {0};

    return dig(depth + 1) + frame[depth % 500];
}

static int dig_in(struct coroutine *self)
{
    return dig(self->number);
}

/* Runs fn in the third of five coroutines. */
static void run_coroutine(int (*fn)(struct coroutine *self))
{
    struct coroutine *coroutines[5];

    for (int i = 0; i < 5; i++) {
        coroutines[i] = coroutine_new(&pool, &thread_context, fn, 0);
    }
    running = coroutines[2];
    coroutine_resume(running);
}

static void overflow(void)
{
    must_install();
    run_coroutine(dig_in);
}

START_TEST(an_overflow_is_reported_and_kills)
    {
        struct child_end end = run_child(overflow);

        ck_assert_ptr_nonnull(strstr(end.output, "overflow of the right stack"));
        ck_assert_ptr_null(strstr(strstr(end.output, "overflow") + 1, "overflow of"));
        ck_assert(died_of(&end, SIGSEGV));
    }
END_TEST

#ifdef HAVE_LARGE_FRAME
static int dig_at_once(struct coroutine *self)
{
    return touch_lowest_of_many_pages(self->number);
}

static void overflow_by_one_frame(void)
{
    must_install();
    run_coroutine(dig_at_once);
}

START_TEST(one_large_frame_does_not_jump_over_the_guard)
    {
        struct child_end end = run_child(overflow_by_one_frame);

        ck_assert_ptr_nonnull(strstr(end.output, "overflow of the right stack"));
        ck_assert(died_of(&end, SIGSEGV));
    }
END_TEST
#endif

static void overflow_with_protected_pages(void)
{
    pool.guards_split_mappings = true;
    overflow();
}

START_TEST(an_overflow_into_a_protected_page_is_reported)
    {
        struct child_end end = run_child(overflow_with_protected_pages);

        ck_assert_ptr_nonnull(strstr(end.output, "overflow of the right stack"));
        ck_assert(died_of(&end, SIGSEGV));
    }
END_TEST

static void *overflow_in_thread(void *arg)
{
    ci_context_init_thread(&thread_context);
    overflow();
    return arg;
}

static void overflow_elsewhere(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, overflow_in_thread, NULL) == 0) {
        (void)pthread_join(thread, NULL);
    }
}

START_TEST(an_overflow_on_another_thread_is_reported)
    {
        struct child_end end = run_child(overflow_elsewhere);

        ck_assert_ptr_nonnull(strstr(end.output, "overflow of the right stack"));
        ck_assert(died_of(&end, SIGSEGV));
    }
END_TEST

static void touch_foreign_guard(void)
{
    int error = 0;
    struct ci_stack *stack;

    must_install();
    stack = ci_stack_acquire(&pool, 0, &error);
    ((volatile char *)stack->low)[-1] = 1; /* from the thread's own stack */
}

/* Not NULL, which UndefinedBehaviorSanitizer would stop. */
static volatile char *volatile nowhere = (char *)16;

static void touch_nowhere(void)
{
    must_install();
    *nowhere = 1;
}

START_TEST(a_stray_pointer_is_no_overflow)
    {
        struct child_end end = run_child(touch_foreign_guard);

        ck_assert_ptr_null(strstr(end.output, "overflow of"));
        ck_assert(died_of(&end, SIGSEGV));
        end = run_child(touch_nowhere);
        ck_assert_ptr_null(strstr(end.output, "overflow of"));
        ck_assert(died_of(&end, SIGSEGV));
    }
END_TEST

static void send_segv(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    (void)sigaction(SIGSEGV, &action, NULL);
    must_install();
    (void)raise(SIGSEGV);
}

static void send_bus(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    (void)sigaction(SIGBUS, &action, NULL);
    must_install();
    (void)raise(SIGBUS);
}

START_TEST(a_sent_signal_kills_as_ever)
    {
        struct child_end end = run_child(send_segv);

        ck_assert(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGSEGV);
        end = run_child(send_bus);
        ck_assert(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGBUS);
    }
END_TEST

static void ignore_and_send(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGSEGV, &action, NULL);
    must_install();
    (void)raise(SIGSEGV);
    (void)raise(SIGSEGV);
    _exit(3);
}

static void ignore_and_touch(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGSEGV, &action, NULL);
    touch_nowhere();
}

START_TEST(an_ignored_signal_is_ignored_but_a_fault_is_not)
    {
        struct child_end end = run_child(ignore_and_send);

        ck_assert(exited_with(&end, 3));
        end = run_child(ignore_and_touch);
        ck_assert(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGSEGV);
    }
END_TEST

static void check_and_exit(int signo, siginfo_t *info, void *context)
{
    sigset_t mask;

    (void)sigprocmask(SIG_BLOCK, NULL, &mask);
    (void)context;
    _exit(signo == SIGSEGV && info->si_addr == nowhere && sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGSEGV)
              ? 5
              : 6);
}

static void handle_with_siginfo(void)
{
    struct sigaction action = {.sa_sigaction = check_and_exit, .sa_flags = SA_SIGINFO};

    (void)sigaddset(&action.sa_mask, SIGUSR1);
    (void)sigaction(SIGSEGV, &action, NULL);
    touch_nowhere();
}

static void plain_exit(int signo)
{
    _exit(signo == SIGSEGV ? 8 : 9);
}

static void handle_plainly(void)
{
    struct sigaction action = {.sa_handler = plain_exit};

    (void)sigaction(SIGSEGV, &action, NULL);
    touch_nowhere();
}

START_TEST(other_faults_reach_the_programs_handler)
    {
        struct child_end end = run_child(handle_with_siginfo);

        ck_assert(exited_with(&end, 5));
        end = run_child(handle_plainly);
        ck_assert(exited_with(&end, 8));
    }
END_TEST

static volatile int handled; /* the compiler takes it that raise() calls nobody */

static void count(int signo)
{
    (void)signo;
    handled++;
}

static void reset_after_one(void)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = (int)SA_RESETHAND};

    (void)sigaction(SIGSEGV, &action, NULL);
    must_install();
    (void)raise(SIGSEGV);
    if (handled != 1) {
        _exit(4);
    }
    (void)raise(SIGSEGV);
}

static void raise_again(int signo)
{
    if (++handled < 3) {
        (void)raise(signo);
        _exit(handled == 3 ? 11 : 12); /* the nested ones came at once */
    }
}

static void not_deferred(void)
{
    struct sigaction action = {.sa_handler = raise_again, .sa_flags = SA_NODEFER};

    (void)sigaction(SIGSEGV, &action, NULL);
    must_install();
    (void)raise(SIGSEGV);
}

START_TEST(the_handlers_flags_are_honoured)
    {
        struct child_end end = run_child(reset_after_one);

        ck_assert(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGSEGV);
        end = run_child(not_deferred);
        ck_assert(exited_with(&end, 11));
    }
END_TEST

static sigjmp_buf escape;

static void jump_out(int signo)
{
    siglongjmp(escape, signo);
}

static void escape_twice(void)
{
    struct sigaction action = {.sa_handler = jump_out};
    volatile int times = 0;

    (void)sigaction(SIGSEGV, &action, NULL);
    must_install();
    (void)sigsetjmp(escape, 1);
    if (times++ < 2) {
        *nowhere = 1;
    }
    _exit(times == 3 ? 13 : 14);
}

START_TEST(a_handler_may_jump_out)
    {
        struct child_end end = run_child(escape_twice);

        ck_assert(exited_with(&end, 13));
    }
END_TEST

static void say_and_exit(int signo)
{
    (void)signo;
    say("the program's own handler\n");
    _exit(15);
}

static void overflow_with_crash_handler(void)
{
    struct sigaction action = {.sa_handler = say_and_exit, .sa_flags = SA_ONSTACK};

    (void)sigaction(SIGSEGV, &action, NULL);
    overflow();
}

static void overflow_with_handler_on_the_stack(void)
{
    struct sigaction action = {.sa_handler = say_and_exit};

    (void)sigaction(SIGSEGV, &action, NULL);
    overflow();
}

START_TEST(a_crash_handler_sees_overflows_too)
    {
        struct child_end end = run_child(overflow_with_crash_handler);

        ck_assert_ptr_nonnull(strstr(end.output, "overflow of the right stack"));
        ck_assert_ptr_nonnull(strstr(end.output, "the program's own handler"));
        ck_assert(exited_with(&end, 15));
        end = run_child(overflow_with_handler_on_the_stack);
        ck_assert_ptr_nonnull(strstr(end.output, "overflow of the right stack"));
        ck_assert_ptr_null(strstr(end.output, "the program's own handler"));
        ck_assert(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGSEGV);
    }
END_TEST

/* Jumps out of an overflow, back into the coroutine, whose stack is good again then. */
static int dig_and_escape(struct coroutine *self)
{
    volatile int times = 0;

    (void)sigsetjmp(escape, 1);
    if (times++ < 2) {
        return dig(self->number + 100 * times);
    }
    return 0;
}

static void overflow_escape_and_uninstall(void)
{
    struct sigaction action = {.sa_handler = jump_out, .sa_flags = SA_ONSTACK};

    (void)sigaction(SIGSEGV, &action, NULL);
    must_install();
    run_coroutine(dig_and_escape);
    ci_overflow_uninstall(&pool);
    _exit(17);
}

START_TEST(a_handler_may_jump_out_of_an_overflow)
    {
        struct child_end end = run_child(overflow_escape_and_uninstall);

        ck_assert_ptr_nonnull(strstr(end.output, "overflow of the right stack"));
        ck_assert(exited_with(&end, 17));
    }
END_TEST

static void return_at_first(int signo)
{
    (void)signo;
    if (++handled == 3) {
        _exit(18);
    }
}

static void overflow_and_return(void)
{
    struct sigaction action = {.sa_handler = return_at_first, .sa_flags = SA_ONSTACK};

    (void)sigaction(SIGSEGV, &action, NULL);
    overflow();
}

START_TEST(an_overflow_that_comes_again_at_once_is_said_once)
    {
        struct child_end end = run_child(overflow_and_return);
        const char *said = strstr(end.output, "overflow of the right stack");

        ck_assert_ptr_nonnull(said);
        ck_assert_ptr_null(strstr(said + 1, "overflow of"));
        ck_assert(exited_with(&end, 18));
    }
END_TEST

static void send_news_of_broken_memory(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    siginfo_t info = {.si_signo = SIGBUS, .si_code = BUS_MCEERR_AO};

    (void)sigaction(SIGBUS, &action, NULL);
    must_install();
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), SIGBUS, &info) < 0) {
        say("it cannot be sent\n");
    }
}

START_TEST(news_of_memory_that_broke_some_time_ago_kills_as_ever)
    {
        if (RUNNING_ON_VALGRIND) {
            return; /* it hands signals on in its own way */
        }
        struct child_end end = run_child(send_news_of_broken_memory);
        if (strstr(end.output, "it cannot be sent") == NULL) {
            ck_assert(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGBUS);
        }
    }
END_TEST

static void (*handler_of(int signo))(int)
{
    struct sigaction action;

    ck_assert_int_eq(sigaction(signo, NULL, &action), 0);
    return action.sa_handler;
}

START_TEST(uninstalling_restores_what_was_there)
    {
        struct ci_stack_pool second;
        void (*before)(int) = handler_of(SIGSEGV);
        void (*before_bus)(int) = handler_of(SIGBUS);
        void (*ours)(int);

        ck_assert_int_eq(ci_stack_pool_init(&second, 0), 0);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(ci_overflow_install(&pool, report), 0);
            ours = handler_of(SIGSEGV);
            ck_assert(ours != before);
            ck_assert_int_eq(ci_overflow_install(&second, report), 0);
            ci_overflow_uninstall(&pool);
            ck_assert(handler_of(SIGSEGV) == ours);
            ci_overflow_uninstall(&second);
            ck_assert(handler_of(SIGSEGV) == before);
            ck_assert(handler_of(SIGBUS) == before_bus);
        }
    }
END_TEST

static struct sigaction chained;

static void chain(int signo, siginfo_t *info, void *context)
{
    if (++handled > 5) {
        _exit(16); /* going round in circles */
    }
    chained.sa_sigaction(signo, info, context);
}

/* Somebody chains to our handler, we leave and come back: what he calls must still work, and end. */
static void come_back_under_a_chain(void)
{
    struct sigaction ground = {.sa_handler = plain_exit};
    struct sigaction action = {.sa_sigaction = chain, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    (void)sigaction(SIGSEGV, &ground, NULL);
    must_install();
    (void)sigaction(SIGSEGV, &action, &chained);
    ci_overflow_uninstall(&pool);
    must_install();
    *nowhere = 1;
}

START_TEST(who_replaced_our_handler_keeps_his)
    {
        struct sigaction action = {.sa_sigaction = chain, .sa_flags = SA_SIGINFO};
        struct sigaction now;
        struct child_end end;

        ck_assert_int_eq(ci_overflow_install(&pool, report), 0);
        ck_assert_int_eq(sigaction(SIGSEGV, &action, &chained), 0);
        ci_overflow_uninstall(&pool);
        ck_assert_int_eq(sigaction(SIGSEGV, NULL, &now), 0);
        ck_assert(now.sa_sigaction == chain);
        end = run_child(come_back_under_a_chain);
        ck_assert(exited_with(&end, 8));
    }
END_TEST

static stack_t signal_stack_now(void)
{
    stack_t stack;

    ck_assert_int_eq(sigaltstack(NULL, &stack), 0);
    return stack;
}

START_TEST(the_programs_signal_stack_is_kept_if_it_is_large)
    {
        stack_t mine = {.ss_sp = malloc(100000), .ss_size = 100000};
        stack_t before = signal_stack_now();

        ck_assert_int_eq(sigaltstack(&mine, NULL), 0);
        ck_assert_int_eq(ci_overflow_install(&pool, report), 0);
        ck_assert_ptr_eq(signal_stack_now().ss_sp, mine.ss_sp);
        ci_overflow_uninstall(&pool);
        ck_assert_ptr_eq(signal_stack_now().ss_sp, mine.ss_sp);
        ck_assert_int_eq(sigaltstack(&before, NULL), 0);
        free(mine.ss_sp);
    }
END_TEST

START_TEST(a_signal_stack_that_is_small_is_replaced_meanwhile)
    {
        stack_t mine = {.ss_sp = malloc((size_t)SIGSTKSZ), .ss_size = (size_t)SIGSTKSZ};
        stack_t before = signal_stack_now();

        ck_assert_int_eq(sigaltstack(&mine, NULL), 0);
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(ci_overflow_install(&pool, report), 0);
            ck_assert_ptr_ne(signal_stack_now().ss_sp, mine.ss_sp);
            ck_assert_uint_gt(signal_stack_now().ss_size, 50000);
            ci_overflow_uninstall(&pool);
            ck_assert_ptr_eq(signal_stack_now().ss_sp, mine.ss_sp);
        }
        ck_assert_int_eq(sigaltstack(&before, NULL), 0);
        free(mine.ss_sp);
    }
END_TEST

static void *install_and_uninstall(void *arg)
{
    struct ci_stack_pool own;

    ck_assert_int_eq(ci_stack_pool_init(&own, 0), 0);
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(ci_overflow_install(&own, report), 0);
        ck_assert(!(signal_stack_now().ss_flags & SS_DISABLE));
        ci_overflow_uninstall(&own);
    }
    return arg;
}

START_TEST(threads_install_and_uninstall_at_will)
    {
        void (*before)(int) = handler_of(SIGSEGV);
        pthread_t threads[4];

        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(pthread_create(&threads[i], NULL, install_and_uninstall, NULL), 0);
        }
        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        }
        ck_assert(handler_of(SIGSEGV) == before);
    }
END_TEST

START_TEST(a_failed_install_changes_nothing)
    {
        void (*before)(int) = handler_of(SIGSEGV);
        void (*before_bus)(int) = handler_of(SIGBUS);
        stack_t none = {.ss_flags = SS_DISABLE};
        stack_t kept = signal_stack_now();
        int failures = 0;

        ck_assert_int_eq(sigaltstack(&none, NULL), 0);
        for (int nth = 1;; nth++) {
            int rc;
            fail_calls(NULL, nth, -ENOMEM);
            rc = ci_overflow_install(&pool, report);
            fail_no_calls();
            if (rc < 0) {
                failures++;
                ck_assert_int_eq(rc, -ENOMEM);
                ck_assert(handler_of(SIGSEGV) == before);
                ck_assert(handler_of(SIGBUS) == before_bus);
                ck_assert(signal_stack_now().ss_flags & SS_DISABLE);
            } else {
                ci_overflow_uninstall(&pool);
            }
            if (!faults.hit) {
                break;
            }
        }
        ck_assert_int_ge(failures, 7);
        ck_assert_int_eq(sigaltstack(&kept, NULL), 0);
    }
END_TEST

Suite *overflow_suite(void)
{
    Suite *suite = suite_create("overflow");
    TCase *reports = tcase_create("overflows");
    TCase *others = tcase_create("other_faults");
    TCase *installing = tcase_create("installing");

    tcase_add_checked_fixture(reports, setup, teardown);
    tcase_add_test(reports, an_overflow_is_reported_and_kills);
#ifdef HAVE_LARGE_FRAME
    tcase_add_test(reports, one_large_frame_does_not_jump_over_the_guard);
#endif
    tcase_add_test(reports, an_overflow_into_a_protected_page_is_reported);
    tcase_add_test(reports, an_overflow_on_another_thread_is_reported);
    tcase_add_test(reports, a_stray_pointer_is_no_overflow);
    tcase_add_test(reports, a_crash_handler_sees_overflows_too);
    tcase_add_test(reports, a_handler_may_jump_out_of_an_overflow);
    tcase_add_test(reports, an_overflow_that_comes_again_at_once_is_said_once);
    suite_add_tcase(suite, reports);

    tcase_add_checked_fixture(others, setup, teardown);
    tcase_add_test(others, a_sent_signal_kills_as_ever);
    tcase_add_test(others, an_ignored_signal_is_ignored_but_a_fault_is_not);
    tcase_add_test(others, other_faults_reach_the_programs_handler);
    tcase_add_test(others, the_handlers_flags_are_honoured);
    tcase_add_test(others, a_handler_may_jump_out);
    tcase_add_test(others, news_of_memory_that_broke_some_time_ago_kills_as_ever);
    suite_add_tcase(suite, others);

    tcase_add_checked_fixture(installing, setup, teardown);
    tcase_add_test(installing, uninstalling_restores_what_was_there);
    tcase_add_test(installing, who_replaced_our_handler_keeps_his);
    tcase_add_test(installing, the_programs_signal_stack_is_kept_if_it_is_large);
    tcase_add_test(installing, a_signal_stack_that_is_small_is_replaced_meanwhile);
    tcase_add_test(installing, threads_install_and_uninstall_at_will);
    tcase_add_test(installing, a_failed_install_changes_nothing);
    suite_add_tcase(suite, installing);
    return suite;
}
