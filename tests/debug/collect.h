/*
 * A handler that keeps the reports, and programs to run under it. Reports are copied, for their pointers
 * are good during the call alone; those of the watchdog and of wrong threads come from other threads.
 */
#ifndef TESTS_DEBUG_COLLECT_H
#define TESTS_DEBUG_COLLECT_H

#include <stdbool.h>
#include <stddef.h>

#include <coil/task.h>

enum { REPORTS_KEPT = 256, ADDRESSES_KEPT = 32, TEXT_KEPT = 160 };

/* Whether static functions have names. */
#ifdef COIL_HAVE_LIBDW
enum { HAVE_NAMES = 1 };
#else
enum { HAVE_NAMES = 0 };
#endif

struct kept {
    enum coil_report_kind kind;
    char message[TEXT_KEPT];
    char detail[TEXT_KEPT];
    char task_name[TEXT_KEPT];
    int error;
    double seconds;
    size_t stack_used;
    size_t stack_size;
    struct coil_site created;
    bool from_loop; /* it came in the loop's own thread */
    size_t created_depth;
    void *created_backtrace[ADDRESSES_KEPT];
    size_t depth;
    void *backtrace[ADDRESSES_KEPT];
    /* Of the two backtraces: the functions, as " innermost next ... ". */
    char created_by[1024];
    char called_by[1024];
};

/*
 * Runs main in debug mode on the virtual clock (0.1 s is slow), with every report kept but
 * COIL_REPORT_BLOCKED, which goes by the real clock; returns what main returned.
 */
int run_virtual(coil_fn *main, void *arg);

/* The same on the real clock, with the limit given. */
int run_real(coil_fn *main, void *arg, double slow_callback_duration);

/* As these; main has been run by something else, and calls this first. */
void keep_reports(void);

/* How many reports of a kind there are; 0: of any that is a complaint. From any thread. */
size_t count_reports(enum coil_report_kind kind);

/* The i-th report of that kind. The test fails if there is none. */
const struct kept *report_of(enum coil_report_kind kind, size_t i);

/*
 * Fails the test if the functions of a backtrace (created_by, called_by) do not begin with these, or if
 * this one is not among them. Without libdw static functions have no names, and nothing is looked at.
 */
void must_begin_with(const char *functions, const char *first);
void must_have(const char *functions, const char *function);

/* Fails the test, showing them, if there are other complaints than of the given kind (0: any at all). */
void only_reports_of(enum coil_report_kind kind);

#endif
