/*
 * conformance_run: runs programs of the oracle's language on coil, and prints the traces that CPython's
 * asyncio would leave.
 *
 *     conformance_run FILE [--rank] [--noiter]     the trace of one program; FILE may be -
 *     conformance_run --batch [--rank] [--noiter]  many programs, by the protocol of README.md
 *     conformance_run --check-corpus FILE          compares with recorded traces; FILE may be -
 *
 * --fifo is accepted and changes nothing: timers with equal deadlines always fire in the order in which
 * they were made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "batch.h"
#include "input.h"
#include "run.h"

struct command {
    struct trace_options options;
    bool batch;
    bool check_corpus;
    const char *file;
};

static bool read_arguments(int argc, char **argv, struct command *command)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rank") == 0) {
            command->options.rank = true;
        } else if (strcmp(argv[i], "--noiter") == 0) {
            command->options.no_iterations = true;
        } else if (strcmp(argv[i], "--batch") == 0) {
            command->batch = true;
        } else if (strcmp(argv[i], "--check-corpus") == 0) {
            command->check_corpus = true;
        } else if (strcmp(argv[i], "--fifo") != 0) {
            if (command->file != NULL || (argv[i][0] == '-' && argv[i][1] != '\0')) {
                return false;
            }
            command->file = argv[i];
        }
    }
    return command->batch ? command->file == NULL && !command->check_corpus : command->file != NULL;
}

static int run_file(FILE *file, const struct trace_options *options)
{
    struct arena arena = {0};
    struct text out = {.arena = &arena};
    size_t length;
    const char *program = read_all(&arena, file, &length);
    int status = run_program(program, length, options, &out);

    (void)fputs(text_string(&out), status == EXIT_OK ? stdout : stderr);
    arena_free(&arena);
    return status;
}

int main(int argc, char **argv)
{
    struct command command = {0};

    if (!read_arguments(argc, argv, &command)) {
        (void)fputs("usage: conformance_run FILE | --batch | --check-corpus FILE  [--fifo] [--rank] [--noiter]\n",
                    stderr);
        return EXIT_UNREADABLE;
    }
    /* The program alone says how its loop is made. */
    (void)unsetenv("COIL_DEBUG");
    (void)unsetenv("COIL_SEED");
    (void)unsetenv("COIL_BACKEND");
    if (command.batch) {
        return serve_batch(stdin, stdout, &command.options);
    }
    FILE *file = strcmp(command.file, "-") == 0 ? stdin : fopen(command.file, "r");
    if (file == NULL) {
        perror(command.file);
        return EXIT_UNREADABLE;
    }
    int status = command.check_corpus ? check_corpus(file) : run_file(file, &command.options);
    if (file != stdin) {
        (void)fclose(file);
    }
    return status;
}
