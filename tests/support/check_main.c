/*
 * Runs suites and says in an exit status how they did. Check selects a suite or a case by name; this file
 * finds the name on the command line, which it reads from the kernel, so that a room's main.c is a list of
 * suites and nothing else.
 */
#include "tests/support/check_main.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* A sanitizer makes a test many times slower, and ThreadSanitizer thousands of coroutines most of all. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SECONDS_PER_TEST "300"
#else
#define SECONDS_PER_TEST "60"
#endif

/*
 * Check gives a test 4 seconds unless the environment says otherwise, which is little under a sanitizer on a
 * busy machine. It asks when a case is made, and so this runs before main() makes the first.
 */
__attribute__((constructor)) static void set_default_time_limit(void)
{
    setenv("CK_DEFAULT_TIMEOUT", SECONDS_PER_TEST, 0);
}

/* The program's first argument, to be freed, or NULL. */
static char *first_argument(void)
{
    FILE *command_line = fopen("/proc/self/cmdline", "re");
    if (!command_line) {
        return NULL;
    }
    char *word = NULL;
    size_t capacity = 0;
    bool found =
        getdelim(&word, &capacity, '\0', command_line) > 0 && getdelim(&word, &capacity, '\0', command_line) > 0;
    fclose(command_line);
    if (!found) {
        free(word);
        word = NULL;
    }
    return word;
}

static bool is_test_case(int n, Suite *const *suites, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (suite_tcase(suites[i], name)) {
            return true;
        }
    }
    return false;
}

int ci_check_main(int n, Suite *const *suites)
{
    char *name = first_argument();
    bool only_a_case = name && is_test_case(n, suites, name);

    SRunner *runner = srunner_create(NULL);
    for (int i = 0; i < n; i++) {
        srunner_add_suite(runner, suites[i]);
    }
    srunner_run(runner, only_a_case ? NULL : name, only_a_case ? name : NULL, CK_NORMAL);

    int status = srunner_ntests_failed(runner) > 0;
    if (srunner_ntests_run(runner) == 0) {
        fprintf(stderr, "no test ran: nothing here is called %s\n", name ? name : "anything");
        status = 2;
    }
    srunner_free(runner);
    free(name);
    return status;
}
