/* One process for each n, and what it leaves behind in memory shared with the driver: see fault_driver.h. */
#include "tests/support/fault_driver.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coil/base.h>

#include "sys/fault.h"

enum { DEFAULT_SECONDS = 30, NAME_BYTES = 32, MAX_COMPLAINTS = 20, COMPLAINT_BYTES = 200, MAX_CALLS = 1000000 };

/* What a run tells the driver, which reads it also when the run has died. */
struct outcome {
    atomic_int calls;      /* that were meant */
    atomic_int failed;     /* of those */
    char name[NAME_BYTES]; /* of the first that failed */
    long blocks;           /* allocated and not freed at the end */
    int descriptors;       /* open at the end and not at the beginning */
    bool ended;
};

static const struct ci_fault_plan *plan;
static struct outcome *outcome;
static int nth;
static atomic_long live_blocks;

/* ---- in the run ------------------------------------------------------------------------------------------------------ */

/* Whether name is one of the words of list. */
static bool is_among(const char *name, const char *list)
{
    size_t length = strlen(name);

    for (const char *at = list; at != NULL && (at = strstr(at, name)) != NULL; at += length) {
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool is_allocation(const char *call)
{
    return strcmp(call, "malloc") == 0 || strcmp(call, "realloc") == 0 || strcmp(call, "mmap") == 0;
}

static int fail_the_nth(const char *call)
{
    int in_a_row = plan->in_a_row == 0 ? 1 : plan->in_a_row;

    if ((plan->calls != NULL && !is_among(call, plan->calls)) || is_among(call, plan->except)) {
        return 0;
    }
    int number = atomic_fetch_add(&outcome->calls, 1) + 1;
    if (number < nth || (in_a_row > 0 && number >= nth + in_a_row)) {
        return 0;
    }
    if (atomic_fetch_add(&outcome->failed, 1) == 0) {
        strncpy(outcome->name, call, NAME_BYTES - 1);
    }
    return is_allocation(call) ? -ENOMEM : -EIO;
}

static void *count_malloc(size_t size)
{
    void *block = malloc(size);

    live_blocks += block != NULL;
    return block;
}

static void *count_realloc(void *block, size_t size)
{
    void *result = realloc(block, size);

    live_blocks += block == NULL && result != NULL;
    return result;
}

static void count_free(void *block)
{
    live_blocks -= block != NULL;
    free(block);
}

static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (directory != NULL && readdir(directory) != NULL) {
        count++;
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return count;
}

_Noreturn static void run_scenario(void)
{
    struct rlimit no_core = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)signal(SIGALRM, SIG_DFL); /* Check's own handler would kill the driver, too */
    (void)alarm(plan->seconds == 0 ? DEFAULT_SECONDS : plan->seconds);
    if (coil_set_allocator(count_malloc, count_realloc, count_free) < 0) {
        abort();
    }
    int before = count_descriptors();
    ci_fault_hook = fail_the_nth;
    plan->scenario(plan->arg);
    ci_fault_hook = NULL;
    outcome->blocks = live_blocks;
    outcome->descriptors = count_descriptors() - before;
    outcome->ended = true;
    _exit(0);
}

/* ---- in the driver --------------------------------------------------------------------------------------------------- */

/* Runs the scenario once. Puts into words what was wrong about it, or nothing. */
static void run_once(char *complaint)
{
    int status = 0;

    memset(outcome, 0, sizeof(*outcome));
    (void)fflush(NULL); /* or the child would write it again */
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        run_scenario();
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    complaint[0] = '\0';
    if (WIFSIGNALED(status)) {
        const char *what = WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status));
        (void)snprintf(complaint, COMPLAINT_BYTES, "call %d (%s): %s\n", nth, outcome->name, what);
    } else if (!outcome->ended) {
        (void)snprintf(complaint, COMPLAINT_BYTES, "call %d (%s): exit status %d\n", nth, outcome->name,
                       WEXITSTATUS(status));
    } else if (outcome->blocks != 0 || outcome->descriptors != 0) {
        (void)snprintf(complaint, COMPLAINT_BYTES, "call %d (%s): %ld blocks and %d descriptors are left\n", nth,
                       outcome->name, outcome->blocks, outcome->descriptors);
    }
}

int ci_fault_drive(const struct ci_fault_plan *the_plan)
{
    char complaints[MAX_COMPLAINTS * COMPLAINT_BYTES] = "";
    char complaint[COMPLAINT_BYTES];
    int count = 0;
    bool failed = true;

    plan = the_plan;
    outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(outcome, MAP_FAILED);
    for (nth = 1; failed && nth < MAX_CALLS && count < MAX_COMPLAINTS; nth++) {
        run_once(complaint);
        failed = outcome->failed > 0;
        if (complaint[0] != '\0') {
            strcat(complaints, complaint);
            count++;
        }
    }
    int calls = outcome->calls;
    (void)munmap(outcome, sizeof(*outcome));
    if (count > 0) {
        ck_abort_msg("%d calls (or more) whose failure was not survived:\n%s", count, complaints);
    }
    return calls;
}
