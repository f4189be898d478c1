/*
 * Makes the n-th call to the system fail, for every n: a scenario is run in a process of its own with the first allocation or system
 * call failing, then with the second, and so on, until one run comes to its end without a failure. Whatever fails, the scenario
 * must come to its end: with an error or not, but without a crash, a leak, an open descriptor, or a hang. It knows the library's
 * seam to the system (sys/fault.h) and its allocator, and nothing of what is tested.
 */
#ifndef TESTS_SUPPORT_FAULT_DRIVER_H
#define TESTS_SUPPORT_FAULT_DRIVER_H

#include <stdbool.h>

struct ci_fault_plan {
    /* What is run: from a fresh process, any number of times. What it finds wrong itself it says with abort(). */
    void (*scenario)(void *arg);
    void *arg;
    /* The calls that fail, by the names that the wrappers in src/sys/ give, separated by spaces; NULL: all of them. */
    const char *calls;
    /* The calls that never fail although they would be meant, likewise; NULL: none. */
    const char *except;
    /* How many calls in a row fail, beginning with the n-th: 0 is one, a negative number is all that follow. */
    int in_a_row;
    /* Seconds after which a run counts as one that hangs; 0: 30. */
    unsigned seconds;
};

/*
 * Carries out plan, and fails the running test of Check with the numbers and names of the calls whose failure the scenario did not
 * survive. Returns how many calls the undisturbed scenario makes that were made to fail.
 */
int ci_fault_drive(const struct ci_fault_plan *plan);

#endif
