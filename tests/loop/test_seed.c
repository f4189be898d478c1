/* The seeded order: random, but the same for the same seed; nothing is lost by it and nothing runs twice. */
#include "harness.h"
#include "suites.h"

enum { CALLS = 200 };

static char order[CALLS];
static int ran[CALLS];
static int count;
static coil_handle *handles[CALLS];

static void setup(void)
{
    discount_tools_threads();
    ck_assert_int_eq(coil_set_allocator(count_malloc, count_realloc, count_free), 0);
}

static void call(void *arg)
{
    ptrdiff_t which = (char *)arg - order;

    ran[which]++;
    order[count++] = (char)which;
}

static void call_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < CALLS; i++) {
        handles[i] = coil_call_soon(call, &order[i]);
    }
}

static void run_seeded(uint64_t seed, coil_callback *callback)
{
    memset(ran, 0, sizeof(ran));
    count = 0;
    loop = coil_loop_new(.seed = seed, .clock = COIL_CLOCK_VIRTUAL);
    ck_assert_ptr_nonnull(loop);
    run(callback);
    ck_assert_int_eq(coil_loop_close(loop), 0);
    loop = NULL;
}

static bool is_in_order(void)
{
    for (int i = 1; i < CALLS; i++) {
        if ((unsigned char)order[i] < (unsigned char)order[i - 1]) {
            return false;
        }
    }
    return true;
}

START_TEST(without_a_seed_the_order_is_fifo)
    {
        run_seeded(0, call_all);
        ck_assert(is_in_order());
    }
END_TEST

START_TEST(every_callback_runs_exactly_once)
    {
        for (uint64_t seed = 1; seed <= 50; seed++) {
            run_seeded(seed, call_all);
            ck_assert_int_eq(count, CALLS);
            ck_assert(!is_in_order());
            for (int i = 0; i < CALLS; i++) {
                ck_assert_int_eq(ran[i], 1);
            }
        }
    }
END_TEST

START_TEST(the_same_seed_gives_the_same_order_and_another_seed_another)
    {
        char first[CALLS];
        char second[CALLS];

        run_seeded(42, call_all);
        memcpy(first, order, CALLS);
        run_seeded(43, call_all);
        memcpy(second, order, CALLS);
        ck_assert_mem_ne(first, second, CALLS);
        run_seeded(42, call_all);
        ck_assert_mem_eq(first, order, CALLS);
    }
END_TEST

START_TEST(the_environment_gives_a_seed_to_loops_that_have_none)
    {
        char first[CALLS];

        run_seeded(7, call_all);
        memcpy(first, order, CALLS);
        ck_assert_int_eq(setenv("COIL_SEED", "7", 1), 0);
        run_seeded(0, call_all);
        ck_assert_mem_eq(first, order, CALLS);
        run_seeded(8, call_all); /* the program's own goes first */
        ck_assert_mem_ne(first, order, CALLS);
        ck_assert_int_eq(setenv("COIL_SEED", "0", 1), 0);
        run_seeded(0, call_all);
        ck_assert(is_in_order());
    }
END_TEST

static void cancel_every_other(void *unused)
{
    (void)unused;
    for (int i = 0; i < CALLS; i += 2) {
        if (ran[i] == 0) {
            coil_handle_cancel(handles[i]);
            ran[i] = -1;
        }
    }
}

static void call_and_cancel(void *unused)
{
    call_all(unused);
    coil_call_soon(cancel_every_other, NULL);
}

START_TEST(what_is_cancelled_within_the_batch_does_not_run)
    {
        int cancelled = 0;

        for (uint64_t seed = 1; seed <= 50; seed++) {
            run_seeded(seed, call_and_cancel);
            for (int i = 0; i < CALLS; i++) {
                ck_assert_int_eq(ran[i] == -1 ? 1 : ran[i], 1);
                cancelled += ran[i] == -1;
            }
        }
        ck_assert_int_gt(cancelled, 50 * CALLS / 8);
    }
END_TEST

/*
 * Entries that ran put new ones into the queue while others of their batch have still to run: with every place in the ring taken,
 * none of those may be overwritten.
 */
enum { ROUNDS = 20, FULL = 256 };

static struct again {
    int rounds;
} agains[FULL];
static int agains_used;

static void again(void *arg)
{
    struct again *one = arg;

    if (++one->rounds < ROUNDS) {
        ck_assert_ptr_nonnull(coil_call_soon(again, one));
    }
}

static bool is_full(void)
{
    const struct ci_ready *ready = &coil_get_running_loop()->ready;

    return ready->reserved == ready->mask + 1;
}

static void fill_the_ring(void *unused)
{
    (void)unused;
    memset(agains, 0, sizeof(agains));
    for (agains_used = 0; agains_used < FULL && !is_full(); agains_used++) {
        ck_assert_ptr_nonnull(coil_call_soon(again, &agains[agains_used]));
    }
    ck_assert(is_full());
}

START_TEST(a_full_ring_loses_nothing)
    {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            run_seeded(seed, fill_the_ring);
            for (int i = 0; i < agains_used; i++) {
                ck_assert_int_eq(agains[i].rounds, ROUNDS);
            }
        }
    }
END_TEST

/* A batch of the seeded order is still one iteration: what it adds comes later. */
static void check_generation(void *arg)
{
    static uint64_t generation;
    ptrdiff_t which = (char *)arg - order;

    if (which == 0) {
        generation = iteration();
    } else {
        ck_assert_uint_gt(iteration(), generation);
    }
    count++;
}

static void two_generations(void *unused)
{
    (void)unused;
    check_generation(&order[0]);
    for (int i = 1; i < 50; i++) {
        coil_call_soon(check_generation, &order[i]);
    }
}

START_TEST(the_order_is_random_within_an_iteration_only)
    {
        run_seeded(5, two_generations);
        ck_assert_int_eq(count, 50);
    }
END_TEST

Suite *seed_suite(void)
{
    Suite *suite = suite_create("seed");
    TCase *tc = tcase_create("seed");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, without_a_seed_the_order_is_fifo);
    tcase_add_test(tc, every_callback_runs_exactly_once);
    tcase_add_test(tc, the_same_seed_gives_the_same_order_and_another_seed_another);
    tcase_add_test(tc, the_environment_gives_a_seed_to_loops_that_have_none);
    tcase_add_test(tc, what_is_cancelled_within_the_batch_does_not_run);
    tcase_add_test(tc, a_full_ring_loses_nothing);
    tcase_add_test(tc, the_order_is_random_within_an_iteration_only);
    suite_add_tcase(suite, tc);
    return suite;
}
