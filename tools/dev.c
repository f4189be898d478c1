/*
 * `coil dev PROGRAM ARGUMENT...`: runs a program in debug mode, as `python -X dev` does, by setting
 * COIL_DEBUG and becoming the program: its input, output, exit status and process are its own.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

static void print_help(void)
{
    puts("usage: coil dev [--verbose] PROGRAM [ARGUMENT...]\n"
         "\n"
         "Runs PROGRAM with coil's debug mode switched on in each of its loops: COIL_DEBUG=1.\n"
         "On stderr it then says what it would not say else: tasks and callbacks that run for\n"
         "too long, and where they are while they do; calls from the wrong thread; swallowed\n"
         "cancellations; references that are not given back; and where everything that is\n"
         "reported was made. It is slower.\n"
         "\n"
         "  -v, --verbose  also what is no complaint: the backend in use, how much stack tasks\n"
         "                 need; COIL_DEBUG=2\n"
         "  -h, --help     print this\n"
         "\n"
         "The exit status is PROGRAM's; 127 if it is not found, 126 if it cannot be run.");
}

/* The level that the environment asks for already is not lowered. */
static void set_debug(int level)
{
    const char *text = getenv("COIL_DEBUG");
    char digit[2] = {(char)('0' + level), '\0'};

    if (text == NULL || strtol(text, NULL, 10) < level) {
        setenv("COIL_DEBUG", digit, 1);
    }
}

static int become(char **argv)
{
    execvp(argv[0], argv);
    int error = errno;
    if (error == ENOENT && strchr(argv[0], '/') != NULL && access(argv[0], F_OK) == 0) {
        fprintf(stderr, "coil dev: cannot run %s: the interpreter that it names is missing\n", argv[0]);
        return EXIT_NOT_EXECUTABLE;
    }
    if (error == ENOENT) {
        fprintf(stderr, "coil dev: program not found: %s\n", argv[0]);
        return EXIT_NOT_FOUND;
    }
    fprintf(stderr, "coil dev: cannot run %s: %s\n", argv[0], strerror(error));
    return EXIT_NOT_EXECUTABLE;
}

int dev_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"verbose", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    int level = 1;
    int option;

    argv[0] = (char[]){"coil dev"}; /* so that getopt's complaints begin with it */
    while ((option = getopt_long(argc, argv, "+hv", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            print_help();
            return 0;
        case 'v':
            level = 2;
            break;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        fputs("coil dev: which program? `coil dev --help` tells more\n", stderr);
        return EXIT_USAGE;
    }
    set_debug(level);
    return become(argv + optind);
}
