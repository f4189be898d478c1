/* The intrusive list: order, taking out from anywhere, and links that are in no list. */
#include "base/list.h"

#include "suites.h"

struct thing {
    int number;
    struct ci_list link;
};

enum { THINGS = 5 };

static struct ci_list list;
static struct thing things[THINGS];

static void setup(void)
{
    ci_list_init(&list);
    for (int i = 0; i < THINGS; i++) {
        things[i].number = i;
        ci_list_append(&list, &things[i].link);
    }
}

static struct thing *thing_of(struct ci_list *link)
{
    return ci_container_of(link, struct thing, link);
}

/* The list's numbers in order, as the digits of a decimal number, read in both directions. */
static void assert_list_is(int forwards, int backwards)
{
    int digits = 0;

    for (struct ci_list *link = list.next; link != &list; link = link->next) {
        digits = digits * 10 + thing_of(link)->number;
    }
    ck_assert_int_eq(digits, forwards);
    digits = 0;
    for (struct ci_list *link = list.prev; link != &list; link = link->prev) {
        digits = digits * 10 + thing_of(link)->number;
    }
    ck_assert_int_eq(digits, backwards);
}

START_TEST(a_list_without_links_is_empty)
    {
        struct ci_list empty;

        ci_list_init(&empty);
        ck_assert(ci_list_empty(&empty));
        ck_assert(!ci_list_empty(&list));
    }
END_TEST

START_TEST(links_keep_the_order_in_which_they_were_appended)
    {
        assert_list_is(1234, 43210);
    }
END_TEST

START_TEST(pop_takes_the_first)
    {
        for (int i = 0; i < THINGS; i++) {
            ck_assert_int_eq(thing_of(ci_list_pop(&list))->number, i);
        }
        ck_assert(ci_list_empty(&list));
    }
END_TEST

START_TEST(a_link_can_be_taken_out_from_anywhere)
    {
        ci_list_remove(&things[2].link);
        assert_list_is(134, 4310);
        ci_list_remove(&things[0].link);
        assert_list_is(134, 431);
        ci_list_remove(&things[4].link);
        assert_list_is(13, 31);
    }
END_TEST

START_TEST(taking_out_twice_does_no_harm)
    {
        ci_list_remove(&things[2].link);
        ci_list_remove(&things[2].link);
        assert_list_is(134, 4310);
        ck_assert(ci_list_empty(&things[2].link));
    }
END_TEST

START_TEST(a_link_that_was_taken_out_can_be_appended_again)
    {
        ci_list_remove(&things[1].link);
        ci_list_append(&list, &things[1].link);
        assert_list_is(2341, 14320);
    }
END_TEST

Suite *list_suite(void)
{
    Suite *suite = suite_create("list");
    TCase *tc = tcase_create("list");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, a_list_without_links_is_empty);
    tcase_add_test(tc, links_keep_the_order_in_which_they_were_appended);
    tcase_add_test(tc, pop_takes_the_first);
    tcase_add_test(tc, a_link_can_be_taken_out_from_anywhere);
    tcase_add_test(tc, taking_out_twice_does_no_harm);
    tcase_add_test(tc, a_link_that_was_taken_out_can_be_appended_again);
    suite_add_tcase(suite, tc);
    return suite;
}
