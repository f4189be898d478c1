/*
 * The sub-commands of `coil`: one file each, in a table in main.c. A sub-command reads its own options,
 * says what is wrong on stderr with its name before it, and returns the exit status.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

/* Exit statuses beside 0 and what a command itself says: those of the shell and of env(1). */
enum {
    EXIT_USAGE = 2,            /* the command line makes no sense */
    EXIT_NOT_EXECUTABLE = 126, /* the program is there but cannot be run */
    EXIT_NOT_FOUND = 127,
};

struct command {
    const char *name;
    const char *summary;               /* one line, for `coil --help` */
    int (*run)(int argc, char **argv); /* argv[0] is the sub-command's name */
};

int dev_command(int argc, char **argv);

#endif
