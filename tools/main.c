/* `coil`: finds the sub-command and hands the rest of the command line to it. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <coil/base.h>

#include "command.h"

static const struct command commands[] = {
    {"dev", "run a program in debug mode", dev_command},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *out)
{
    fputs("usage: coil [--help | --version] COMMAND [ARGUMENT...]\n"
          "\n"
          "Tools for programs that use coil, which is asyncio for C.\n"
          "\n"
          "commands:\n",
          out);
    for (int i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\n`coil COMMAND --help` tells more of one.\n", out);
}

static int run(const char *name, int argc, char **argv)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            optind = 0; /* getopt begins anew, with the command's own options */
            return commands[i].run(argc, argv);
        }
    }
    fprintf(stderr, "coil: there is no command '%s'; `coil --help` lists them\n", name);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            print_help(stdout);
            return 0;
        case 'V':
            printf("coil %d.%d.%d\n", COIL_VERSION_MAJOR, COIL_VERSION_MINOR, COIL_VERSION_PATCH);
            return 0;
        default:
            return EXIT_USAGE; /* getopt has said what is wrong */
        }
    }
    if (optind == argc) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    return run(argv[optind], argc - optind, argv + optind);
}
