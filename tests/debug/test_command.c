/* The coil command, and through it a program that knows nothing of debug mode. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect.h"
#include "suites.h"

static char output[65536];

/* Runs a line of the shell, with stderr and stdout both kept, and returns its exit status. */
static int run_shell(const char *line)
{
    char command[4096];
    size_t length;

    snprintf(command, sizeof(command), "%s 2>&1", line);
    FILE *pipe = popen(command, "re");
    ck_assert_ptr_nonnull(pipe);
    length = fread(output, 1, sizeof(output) - 1, pipe);
    output[length] = '\0';
    int status = pclose(pipe);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void must_print(const char *text)
{
    ck_assert_msg(strstr(output, text) != NULL, "\"%s\" is not in:\n%s", text, output);
}

#ifdef COIL_COMMAND

START_TEST(a_program_run_by_coil_dev_is_in_debug_mode)
    {
        ck_assert_int_eq(run_shell(COIL_COMMAND " dev " PROGRAM_PIE " --verbose"),
                         3); /* the program's argument and status */
        must_print("coil: the task 'slow' has been blocking the loop for ");
        must_print("coil: executing the task 'slow' took ");
        ck_assert_ptr_null(strstr(output, "used the most stack"));
    }
END_TEST

START_TEST(verbose_adds_the_information)
    {
        run_shell(COIL_COMMAND " dev --verbose " PROGRAM_PIE);
        must_print("used the most stack");
    }
END_TEST

START_TEST(a_level_that_is_set_is_not_lowered)
    {
        run_shell("COIL_DEBUG=2 " COIL_COMMAND " dev " PROGRAM_PIE);
        must_print("used the most stack");
    }
END_TEST

START_TEST(a_program_that_is_not_there_is_127)
    {
        ck_assert_int_eq(run_shell(COIL_COMMAND " dev no-such-program"), 127);
        ck_assert_str_eq(output, "coil dev: program not found: no-such-program\n");
    }
END_TEST

START_TEST(one_that_cannot_be_run_is_126)
    {
        ck_assert_int_eq(run_shell(COIL_COMMAND " dev /"), 126);
        ck_assert_str_eq(output, "coil dev: cannot run /: Permission denied\n");
    }
END_TEST

START_TEST(help_and_version_are_there)
    {
        ck_assert_int_eq(run_shell(COIL_COMMAND " --help"), 0);
        must_print("usage: coil ");
        must_print("  dev ");
        ck_assert_int_eq(run_shell(COIL_COMMAND " dev --help"), 0);
        must_print("usage: coil dev ");
        ck_assert_int_eq(run_shell(COIL_COMMAND " --version"), 0);
        ck_assert_int_eq(strncmp(output, "coil ", 5), 0);
    }
END_TEST

START_TEST(nonsense_is_2)
    {
        ck_assert_int_eq(run_shell(COIL_COMMAND), 2);
        must_print("usage: coil ");
        ck_assert_int_eq(run_shell(COIL_COMMAND " fly"), 2);
        must_print("coil: there is no command 'fly'");
        ck_assert_int_eq(run_shell(COIL_COMMAND " dev"), 2);
        ck_assert_int_eq(run_shell(COIL_COMMAND " dev --fly x"), 2);
        must_print("coil dev: unrecognized option '--fly'");
    }
END_TEST

#endif

/* Static functions of each kind of program, and of a shared library, have their names and lines. */
static const char *const programs[] = {PROGRAM_PIE, PROGRAM_NO_PIE};

START_TEST(static_functions_are_named_with_their_lines)
    {
        char line[1024];

        snprintf(line, sizeof(line), "COIL_DEBUG=1 %s", programs[_i]);
        ck_assert_int_eq(run_shell(line), 3);
        if (!HAVE_NAMES) {
            must_print("debug_program_");
            return;
        }
        must_print("    work_in_program (");
        must_print("program.c:");
        must_print("    work_in_library (");
        must_print("program_library.c:");
    }
END_TEST

Suite *command_suite(void)
{
    Suite *suite = suite_create("command");
    TCase *tcase = tcase_create("command");

#ifdef COIL_COMMAND
    tcase_add_test(tcase, a_program_run_by_coil_dev_is_in_debug_mode);
    tcase_add_test(tcase, verbose_adds_the_information);
    tcase_add_test(tcase, a_level_that_is_set_is_not_lowered);
    tcase_add_test(tcase, a_program_that_is_not_there_is_127);
    tcase_add_test(tcase, one_that_cannot_be_run_is_126);
    tcase_add_test(tcase, help_and_version_are_there);
    tcase_add_test(tcase, nonsense_is_2);
#endif
    tcase_add_loop_test(tcase, static_functions_are_named_with_their_lines, 0, sizeof(programs) / sizeof(programs[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}
