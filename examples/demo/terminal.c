/*
 * The demo's output. It knows nothing of what is shown. Where standard output is no terminal, there are no
 * escape sequences and every line stays; NO_COLOR and TERM=dumb are heeded.
 */
#include "terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool interactive;
static bool coloured;
static bool progress_shown; /* the cursor stands behind a progress line */
static struct timespec title_time;

void terminal_begin(void)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");

    interactive = isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
    coloured = interactive && (no_color == NULL || *no_color == '\0');
    setvbuf(stdout, NULL, _IOLBF, 0); /* whoever reads through a pipe sees the lines as they come, too */
}

bool terminal_is_interactive(void)
{
    return interactive;
}

static void style(const char *sequence)
{
    if (coloured) {
        fputs(sequence, stdout);
    }
}

void terminal_keep_progress(void)
{
    if (progress_shown) {
        putchar('\n');
        progress_shown = false;
    }
}

void terminal_title(const char *title, const char *about)
{
    terminal_keep_progress();
    style("\033[1;36m");
    printf("\n%s", title);
    style("\033[0m");
    putchar('\n');
    style("\033[2m");
    fputs(about, stdout);
    style("\033[0m");
    fputs("\n\n", stdout);
    clock_gettime(CLOCK_MONOTONIC, &title_time);
}

static double seconds_since_title(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - title_time.tv_sec) + (double)(now.tv_nsec - title_time.tv_nsec) * 1e-9;
}

void terminal_say(const char *format, ...)
{
    va_list arguments;

    terminal_keep_progress();
    style("\033[2m");
    printf("  %4.2f s  ", seconds_since_title());
    style("\033[0m");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void terminal_print(const char *format, ...)
{
    va_list arguments;

    terminal_keep_progress();
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void terminal_progress(const char *format, ...)
{
    va_list arguments;

    if (interactive) {
        fputs("\r\033[K", stdout);
    }
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    if (interactive) {
        fflush(stdout);
        progress_shown = true;
    } else {
        putchar('\n');
    }
}

const char *format_count(char *text, unsigned long long count)
{
    char digits[COUNT_BYTES];
    int length = snprintf(digits, sizeof(digits), "%llu", count);
    char *out = text;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            *out++ = ',';
        }
        *out++ = digits[i];
    }
    *out = '\0';
    return text;
}
