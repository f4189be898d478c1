/* The handler that keeps what it is given: see collect.h. */
#include "collect.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "debug/symbols.h"
#include "loop/loop.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept kept[REPORTS_KEPT];
static size_t kept_count;
static bool on_virtual_time; /* then how fast the machine is does not matter */

struct program {
    coil_fn *main;
    void *arg;
};

static void copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text == NULL ? "" : text);
}

static size_t copy_addresses(void **out, void *const *addresses, size_t depth)
{
    size_t count = depth < ADDRESSES_KEPT ? depth : ADDRESSES_KEPT;

    if (count > 0) {
        memcpy(out, addresses, count * sizeof(*out));
    }
    return count;
}

static void keep(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    (void)userdata;
    pthread_mutex_lock(&lock);
    if (kept_count < REPORTS_KEPT && !(on_virtual_time && report->kind == COIL_REPORT_BLOCKED)) {
        struct kept *one = &kept[kept_count++];
        *one = (struct kept){.kind = report->kind,
                             .error = report->error,
                             .seconds = report->seconds,
                             .stack_used = report->stack_used,
                             .stack_size = report->stack_size,
                             .created = report->created,
                             .from_loop = pthread_equal(pthread_self(), loop->thread)};
        copy(one->message, sizeof(one->message), report->message);
        copy(one->detail, sizeof(one->detail), report->detail);
        copy(one->task_name, sizeof(one->task_name), report->task_name);
        one->created_depth = copy_addresses(one->created_backtrace, report->created_backtrace, report->created_depth);
        one->depth = copy_addresses(one->backtrace, report->backtrace, report->depth);
    }
    pthread_mutex_unlock(&lock);
}

void keep_reports(void)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), keep, NULL);
}

static int keep_and_run(void *arg)
{
    const struct program *program = arg;

    keep_reports();

    return program->main(program->arg);
}

static void name_backtrace(char *out, size_t size, void *const *addresses, size_t depth)
{
    struct ci_frame frames[2 * ADDRESSES_KEPT];
    size_t count = ci_symbols_find(addresses, depth, frames, 2 * ADDRESSES_KEPT);
    size_t used = (size_t)snprintf(out, size, " ");

    for (size_t i = 0; i < count && used < size; i++) {
        const char *name = frames[i].function == NULL ? "?" : frames[i].function;
        used += (size_t)snprintf(out + used, size - used, "%s ", name);
    }
}

/* On the thread's own stack, when all is over: naming needs more stack than coroutines have. */
static int name_all(int rc)
{
    for (size_t i = 0; i < kept_count; i++) {
        name_backtrace(kept[i].created_by, sizeof(kept[i].created_by), kept[i].created_backtrace,
                       kept[i].created_depth);
        name_backtrace(kept[i].called_by, sizeof(kept[i].called_by), kept[i].backtrace, kept[i].depth);
    }
    ci_symbols_close();
    return rc;
}

int run_virtual(coil_fn *main, void *arg)
{
    on_virtual_time = true;
    ci_symbols_open();
    return name_all(coil_run(keep_and_run, &((struct program){main, arg}), .debug = true, .clock = COIL_CLOCK_VIRTUAL));
}

int run_real(coil_fn *main, void *arg, double slow_callback_duration)
{
    ci_symbols_open();
    return name_all(coil_run(keep_and_run, &((struct program){main, arg}), .debug = true,
                             .slow_callback_duration = slow_callback_duration));
}

static bool is_complaint(enum coil_report_kind kind)
{
    return kind != COIL_REPORT_BACKEND && kind != COIL_REPORT_STACK_HIGH_WATER;
}

size_t count_reports(enum coil_report_kind kind)
{
    size_t count = 0;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < kept_count; i++) {
        count += kind == 0 ? is_complaint(kept[i].kind) : kept[i].kind == kind;
    }
    pthread_mutex_unlock(&lock);
    return count;
}

const struct kept *report_of(enum coil_report_kind kind, size_t n)
{
    const struct kept *found = NULL;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < kept_count && found == NULL; i++) {
        if (kept[i].kind == kind && n-- == 0) {
            found = &kept[i];
        }
    }
    pthread_mutex_unlock(&lock);
    ck_assert_msg(found != NULL, "there is no such report of kind %d", (int)kind);
    return found;
}

void must_begin_with(const char *functions, const char *first)
{
    size_t length = strlen(first);

    ck_assert_msg(!HAVE_NAMES || (strncmp(functions + 1, first, length) == 0 && functions[1 + length] == ' '),
                  "\"%s\" does not begin with \"%s\"", functions, first);
}

void must_have(const char *functions, const char *function)
{
    char word[TEXT_KEPT];

    snprintf(word, sizeof(word), " %s ", function);
    ck_assert_msg(!HAVE_NAMES || strstr(functions, word) != NULL, "\"%s\" is not in \"%s\"", function, functions);
}

void only_reports_of(enum coil_report_kind kind)
{
    for (size_t i = 0; i < kept_count; i++) {
        ck_assert_msg(!is_complaint(kept[i].kind) || kept[i].kind == kind, "a report nobody expected (%d): %s %s",
                      (int)kept[i].kind, kept[i].message, kept[i].task_name);
    }
}
