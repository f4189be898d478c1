/* Parts of a loop: found again, shut down in a coroutine by coil_run, closed with the loop, youngest first. */
#include <coil.h>
#include <stdio.h>
#include <string.h>

#include "loop/loop.h"
#include "loop/part.h"
#include "suites.h"

struct part {
    struct ci_part part;
    const char *name;
};

static char events[256];

static void note(const char *what, const struct part *part)
{
    size_t used = strlen(events);

    (void)snprintf(events + used, sizeof events - used, "%s %s; ", what, part->name);
}

static void shutdown_awaits(struct ci_part *part)
{
    note("shutdown", ci_container_of(part, struct part, part));
    ck_assert_int_eq(coil_sleep(1), 0);
    note("slept", ci_container_of(part, struct part, part));
}

static void close_part(struct ci_part *part)
{
    note("close", ci_container_of(part, struct part, part));
}

static const struct ci_part_class first_class = {.name = "first", .shutdown = shutdown_awaits, .close = close_part};
static const struct ci_part_class second_class = {.name = "second", .close = close_part};

static struct part first = {.name = "first"};
static struct part second = {.name = "second"};

static int adds_parts(void *arg)
{
    coil_loop *loop = coil_get_running_loop();

    (void)arg;
    ck_assert_ptr_null(ci_part_find(loop, &first_class));
    ci_part_add(loop, &first.part, &first_class);
    ci_part_add(loop, &second.part, &second_class);
    ck_assert_ptr_eq(ci_part_find(loop, &first_class), &first.part);
    ck_assert_ptr_eq(ci_part_find(loop, &second_class), &second.part);
    ck_assert_ptr_eq(first.part.loop, loop);
    return 7;
}

START_TEST(run_shuts_parts_down_in_a_coroutine_then_closes_them_youngest_first)
    {
        ck_assert_int_eq(coil_run(adds_parts, NULL, .clock = COIL_CLOCK_VIRTUAL), 7);
        ck_assert_str_eq(events, "shutdown first; slept first; close second; close first; ");
    }
END_TEST

static int adds_and_removes(void *arg)
{
    (void)adds_parts(arg);
    ci_part_remove(&first.part);
    ck_assert_ptr_null(ci_part_find(coil_get_running_loop(), &first_class));
    return 0;
}

START_TEST(a_part_that_was_taken_out_is_not_ended)
    {
        ck_assert_int_eq(coil_run(adds_and_removes, NULL, .clock = COIL_CLOCK_VIRTUAL), 0);
        ck_assert_str_eq(events, "close second; ");
    }
END_TEST

static int adds_second(void *arg)
{
    (void)arg;
    ci_part_add(coil_get_running_loop(), &second.part, &second_class);
    return 0;
}

START_TEST(a_loop_without_run_closes_its_parts)
    {
        coil_loop *loop = coil_loop_new();
        coil_task *task = coil_loop_create_task(loop, adds_second, NULL);

        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
        ck_assert_str_eq(events, "");
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert_str_eq(events, "close second; ");
    }
END_TEST

Suite *part_suite(void)
{
    Suite *suite = suite_create("parts");
    TCase *tests = tcase_create("parts");

    tcase_add_test(tests, run_shuts_parts_down_in_a_coroutine_then_closes_them_youngest_first);
    tcase_add_test(tests, a_part_that_was_taken_out_is_not_ended);
    tcase_add_test(tests, a_loop_without_run_closes_its_parts);
    suite_add_tcase(suite, tests);
    return suite;
}
