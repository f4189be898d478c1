/* Timers below the handles: in a caller's memory, set and stopped in every state, a million of them in order. */
#include "loop/timer.h"

#include "harness.h"
#include "suites.h"
#include "sys/fault.h"

struct alarm {
    struct ci_timer timer;
    const char *text;
};

static void ring(void *arg)
{
    say((void *)(uintptr_t)ci_container_of(arg, struct alarm, timer)->text);
}

static struct alarm alarms[4] = {{.text = "0"}, {.text = "1"}, {.text = "2"}, {.text = "3"}};

static void setup_alarms(void)
{
    setup_virtual();
    for (int i = 0; i < 4; i++) {
        ci_timer_init(&alarms[i].timer, loop, ring);
    }
}

static void nothing(void *unused)
{
    (void)unused;
}

START_TEST(timers_run_when_they_are_due)
    {
        ck_assert_int_eq(ci_timer_set(&alarms[0].timer, 30), 0);
        ck_assert_int_eq(ci_timer_set(&alarms[1].timer, 10), 0);
        ck_assert_int_eq(ci_timer_set(&alarms[2].timer, -10), 0);
        ck_assert_int_eq(ci_timer_set_soon(&alarms[3].timer), 0);
        run(nothing);
        assert_said("3210");
        ck_assert_int_eq(loop->virtual_ns, 30);
        ck_assert_uint_eq(loop->ready.reserved, 0);
    }
END_TEST

START_TEST(a_stopped_timer_may_be_set_again)
    {
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(ci_timer_set(&alarms[0].timer, 5), 0);
            ci_timer_stop(&alarms[0].timer);
            ci_timer_stop(&alarms[0].timer);
            ck_assert_int_eq(ci_timer_set_soon(&alarms[0].timer), 0);
            ci_timer_stop(&alarms[0].timer);
        }
        ck_assert_int_eq(ci_timer_set(&alarms[0].timer, 7), 0);
        run(nothing);
        assert_said("0");
        ck_assert_int_eq(loop->virtual_ns, 7);
    }
END_TEST

static void stop_the_others(void *arg)
{
    struct ci_timer *timer = arg;

    ring(arg);
    for (int i = 0; i < 4; i++) {
        if (&alarms[i].timer != timer) {
            ci_timer_stop(&alarms[i].timer);
            ck_assert_int_eq(alarms[i].timer.state, CI_TIMER_IDLE);
        }
    }
    ck_assert_int_eq(ci_timer_set(&alarms[2].timer, loop->virtual_ns + 1), 0);
}

START_TEST(timers_that_are_due_already_can_be_stopped_by_the_first)
    {
        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(ci_timer_set(&alarms[i].timer, i == 3 ? 50 : 5), 0);
        }
        alarms[0].timer.run = stop_the_others;
        run(nothing);
        assert_said("02");
        ck_assert_int_eq(loop->virtual_ns, 6);
        ck_assert_uint_eq(loop->ready.reserved, 0);
        ck_assert_uint_eq(loop->timers.slots_out, 0);
    }
END_TEST

static int rings;

static void ring_again(void *arg)
{
    struct ci_timer *timer = arg;

    ck_assert_int_eq(timer->state, CI_TIMER_IDLE);
    if (++rings < 5) {
        ck_assert_int_eq(ci_timer_set(timer, timer->when_ns + 3), 0);
    }
}

START_TEST(a_timer_that_fires_may_be_set_again_by_its_function)
    {
        ci_timer_init(&alarms[0].timer, loop, ring_again);
        ck_assert_int_eq(ci_timer_set(&alarms[0].timer, 3), 0);
        run(nothing);
        ck_assert_int_eq(rings, 5);
        ck_assert_int_eq(loop->virtual_ns, 15);
    }
END_TEST

START_TEST(a_timer_that_never_comes_costs_nothing)
    {
        ck_assert_int_eq(ci_timer_set(&alarms[0].timer, CI_FOREVER), 0);
        ck_assert_int_eq(alarms[0].timer.state, CI_TIMER_IDLE);
        ck_assert_uint_eq(loop->timers.count, 0);
        ck_assert_uint_eq(loop->ready.reserved, 0);
        ci_timer_stop(&alarms[0].timer);
    }
END_TEST

static const char *refused;

static int refuse(const char *call)
{
    return strcmp(call, refused) == 0 ? -ENOMEM : 0;
}

START_TEST(a_timer_that_cannot_be_set_is_idle)
    {
        ci_fault_hook = refuse;
        refused = "realloc"; /* the heap's */
        ck_assert_int_eq(ci_timer_set(&alarms[0].timer, 5), -ENOMEM);
        ck_assert_int_eq(alarms[0].timer.state, CI_TIMER_IDLE);
        refused = "malloc"; /* the ready queue's, when its places are used up */
        uint32_t places = loop->ready.reserved;
        while (loop->ready.reserved <= loop->ready.mask) {
            ck_assert_int_eq(ci_ready_reserve(&loop->ready), 0);
        }
        ck_assert_int_eq(ci_timer_set(&alarms[0].timer, 5), -ENOMEM);
        ck_assert_int_eq(ci_timer_set_soon(&alarms[0].timer), -ENOMEM);
        ck_assert_int_eq(alarms[0].timer.state, CI_TIMER_IDLE);
        ck_assert_uint_eq(loop->timers.count, 0);
        ci_fault_hook = NULL;
        loop->ready.reserved = places;
        ci_timer_stop(&alarms[0].timer);
    }
END_TEST

/* ---- a million ------------------------------------------------------------------------------------------------------- */

enum { MILLION = 1000000 };

struct one_of_many {
    struct ci_timer timer;
    uint32_t order;
};

static struct one_of_many *many;
static uint32_t fired;
static const struct one_of_many *last;

static void check_order(void *arg)
{
    const struct one_of_many *one = arg;

    if (last != NULL && !(last->timer.when_ns < one->timer.when_ns ||
                          (last->timer.when_ns == one->timer.when_ns && last->order < one->order))) {
        ck_abort_msg("%u after %u", one->order, last->order);
    }
    if (loop->virtual_ns != one->timer.when_ns) {
        ck_abort_msg("%u is not on time", one->order);
    }
    last = one;
    fired++;
}

static uint32_t draw(void)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33);
}

START_TEST(a_million_random_deadlines_come_out_in_order)
    {
        uint32_t stopped = 0;

        many = calloc(MILLION, sizeof(*many));
        ck_assert_ptr_nonnull(many);
        for (uint32_t i = 0; i < MILLION; i++) {
            many[i].order = i;
            ci_timer_init(&many[i].timer, loop, check_order);
            ck_assert_int_eq(ci_timer_set(&many[i].timer, draw() % 1000000), 0);
        }
        for (uint32_t i = 0; i < MILLION; i += 1 + draw() % 16) {
            ci_timer_stop(&many[i].timer);
            stopped++;
        }
        run(nothing);
        ck_assert_uint_eq(fired, MILLION - stopped);
        ck_assert_uint_eq(loop->ready.reserved, 0);
        free(many);
    }
END_TEST

Suite *timer_suite(void)
{
    Suite *suite = suite_create("timer");
    TCase *tc = tcase_create("timer");

    tcase_add_checked_fixture(tc, setup_alarms, teardown);
    tcase_add_test(tc, timers_run_when_they_are_due);
    tcase_add_test(tc, a_stopped_timer_may_be_set_again);
    tcase_add_test(tc, timers_that_are_due_already_can_be_stopped_by_the_first);
    tcase_add_test(tc, a_timer_that_fires_may_be_set_again_by_its_function);
    tcase_add_test(tc, a_timer_that_never_comes_costs_nothing);
    tcase_add_test(tc, a_timer_that_cannot_be_set_is_idle);
    tcase_add_test(tc, a_million_random_deadlines_come_out_in_order);
    suite_add_tcase(suite, tc);
    return suite;
}
