/* That whoever walks a stack finds its frames and stops at the entry: glibc's unwinder, and one along frame
 * pointers. */
#include <execinfo.h>
#include <string.h>

#include "coroutine.h"
#include "suites.h"

#define FRAMES 64

/* Where the assembly says that there is no caller; generic.c's contexts end in the C library instead. */
extern const char ci_context_bottom[] __attribute__((weak));

static struct ci_stack_pool pool;
static struct ci_context thread_context;
static void *frames[FRAMES];
static int frame_count;

static void setup(void)
{
    ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
    ci_context_init_thread(&thread_context);
}

static void teardown(void)
{
    ci_stack_pool_destroy(&pool);
}

__attribute__((noinline)) static int walk(int depth)
{
    if (depth == 0) {
        frame_count = backtrace(frames, FRAMES);
        return 0;
    }
    return walk(depth - 1) + 1;
}

static int walk_from_within(struct coroutine *self)
{
    (void)walk(self->number);
    coroutine_pause(self);
    return walk(self->number);
}

static bool is_bottom(const void *address)
{
    return (const char *)address >= ci_context_bottom && (const char *)address <= ci_context_bottom + 8;
}

START_TEST(a_backtrace_ends_at_the_entry)
    {
        struct coroutine *coroutine = coroutine_new(&pool, &thread_context, walk_from_within, 0);

        for (int i = 0; i < 2; i++) {
            frame_count = 0;
            coroutine_resume(coroutine);
            ck_assert_int_gt(frame_count, 0);
            ck_assert_int_lt(frame_count, 16);
            if (ci_context_bottom != NULL) {
                ck_assert(is_bottom(frames[frame_count - 1]));
            }
        }
        ck_assert(coroutine->done);
        coroutine_free(&pool, coroutine);
    }
END_TEST

/* With fp, the walk that profilers do: each frame holds the caller's frame pointer, the first one 0. */
static int walk_frame_pointers(struct coroutine *self)
{
#if defined __x86_64__ || defined __aarch64__
    const uintptr_t *frame = __builtin_frame_address(0);

    self->number = 0;
    while (frame[0] != 0) {
        ck_assert_uint_gt(frame[0], (uintptr_t)frame);
        ck_assert_uint_lt(frame[0], (uintptr_t)self->stack);
        frame = (const uintptr_t *)frame[0];
        ck_assert_int_lt(self->number++, FRAMES);
    }
#endif
    (void)self;
    return 0;
}

START_TEST(frame_pointers_end_at_the_entry)
    {
        struct coroutine *coroutine = coroutine_new(&pool, &thread_context, walk_frame_pointers, 0);

        if (ci_context_bottom != NULL) {
            coroutine_resume(coroutine);
            ck_assert(coroutine->done);
        }
        coroutine_free(&pool, coroutine);
    }
END_TEST

START_TEST(a_context_that_was_left_tells_where)
    {
        struct coroutine *coroutine = coroutine_new(&pool, &thread_context, walk_from_within, 3);
        uintptr_t pc = 0;
        uintptr_t sp = 0;
        uintptr_t fp = 0;

        ck_assert(!ci_context_where(&coroutine->context, &pc, &sp, &fp));
        coroutine_resume(coroutine);
        if (ci_context_bottom != NULL) {
            ck_assert(ci_context_where(&coroutine->context, &pc, &sp, &fp));
            ck_assert_uint_ne(pc, 0);
            ck_assert_uint_gt(sp, (uintptr_t)coroutine->stack->low);
            ck_assert_uint_lt(sp, (uintptr_t)coroutine);
        }
        coroutine_resume(coroutine);
        coroutine_free(&pool, coroutine);
    }
END_TEST

Suite *backtrace_suite(void)
{
    Suite *suite = suite_create("backtrace");
    TCase *tests = tcase_create("unwinding");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_backtrace_ends_at_the_entry);
    tcase_add_test(tests, frame_pointers_end_at_the_entry);
    tcase_add_test(tests, a_context_that_was_left_tells_where);
    suite_add_tcase(suite, tests);
    return suite;
}
