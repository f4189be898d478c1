/*
 * Runs many shell commands, so many at once, and collects what they write and how they end. The commands are the arguments, or else the lines
 * of the standard input. `run_many --help` says how it is used. Each command has a process group of its own, so that a time limit, or
 * Ctrl-C, ends it with all that it has started.
 */
#include <coil.h>

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRACE_SECONDS 2.0 /* between asking a command to end and ending it */

enum { EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

struct job {
    const char *command;
    int result; /* the exit code, or a negative errno */
    int signal;
    bool timed_out;
    bool done;
    coil_buffer output;
};

struct run {
    struct job *jobs;
    size_t count;
    size_t next;    /* to be started */
    size_t printed; /* with keep_order: how many have been */
    size_t running;
    size_t done;
    size_t failed;
    size_t at_once;
    double timeout; /* seconds, 0: none */
    bool keep_order;
    bool quiet;
    bool shows_progress;
    char **lines; /* of the standard input, where the commands are from there */
};

/* ---- what is shown ------------------------------------------------------------------------------------- */

static void show_progress(const struct run *run)
{
    if (run->shows_progress) {
        fprintf(stderr, "\r\033[K%zu of %zu done, %zu failed, %zu running", run->done, run->count, run->failed,
                run->running);
    }
}

static void clear_progress(const struct run *run)
{
    if (run->shows_progress) {
        fprintf(stderr, "\r\033[K");
    }
}

static bool has_failed(const struct job *job)
{
    return job->result != 0;
}

static void print_end(const struct job *job)
{
    if (job->timed_out) {
        printf("timed out");
    } else if (job->result < 0) {
        printf("%s", coil_strerror(job->result));
    } else if (job->signal != 0) {
        printf("killed by SIG%s", sigabbrev_np(job->signal));
    } else {
        printf("exit %d", job->result);
    }
}

static void print_job(const struct run *run, struct job *job)
{
    if (!run->quiet || has_failed(job)) {
        printf("[%td] ", job - run->jobs + 1);
        print_end(job);
        printf(": %s\n", job->command);
        fwrite(job->output.data, 1, job->output.size, stdout);
        if (job->output.size > 0 && ((const char *)job->output.data)[job->output.size - 1] != '\n') {
            putchar('\n');
        }
        fflush(stdout);
    }
    coil_buffer_free(&job->output);
}

static void job_is_done(struct run *run, struct job *job)
{
    job->done = true;
    run->done++;
    run->failed += has_failed(job);
    clear_progress(run);
    if (!run->keep_order) {
        print_job(run, job);
    }
    while (run->keep_order && run->printed < run->count && run->jobs[run->printed].done) {
        print_job(run, &run->jobs[run->printed++]);
    }
    show_progress(run);
}

/* ---- one command --------------------------------------------------------------------------------------- */

static int communicate(coil_process *child, struct job *job, double seconds)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, seconds);
    int rc = coil_process_communicate(child, NULL, 0, &job->output, NULL);
    return coil_timeout_end(&timeout, rc);
}

/*
 * Ends a command and all that it has started: as long as somebody holds its output open, somebody is left in its group, and so the
 * number of the group is not used again. What it wrote until then is kept.
 */
static int end_command(coil_process *child, struct job *job)
{
    int rc = -ETIMEDOUT;

    kill(-coil_process_pid(child), SIGTERM);
    rc = communicate(child, job, GRACE_SECONDS);
    if (rc == -ETIMEDOUT || rc == -ECANCELED) {
        kill(-coil_process_pid(child), SIGKILL);
        rc = communicate(child, job, GRACE_SECONDS);
    }
    return rc;
}

/* Returns 0, or -ECANCELED; how the command has ended is in the job. */
static int run_job(const struct run *run, struct job *job)
{
    coil_process *child;

    job->result = coil_create_subprocess_shell(&child, job->command, .stdin_ = COIL_DEVNULL, .stdout_ = COIL_PIPE,
                                               .stderr_ = COIL_STDOUT, .new_session = true);
    if (job->result < 0) {
        return 0;
    }
    int rc = communicate(child, job, run->timeout > 0 ? run->timeout : INFINITY);
    job->timed_out = rc == -ETIMEDOUT;
    job->result = rc;
    if (rc == -ETIMEDOUT || rc == -ECANCELED) {
        job->result = end_command(child, job);
    }
    if (job->timed_out && job->result == 0) {
        job->result = -ETIMEDOUT; /* it had an answer to SIGTERM, but it was too late all the same */
    }
    job->signal = coil_process_signal(child);
    coil_process_unref(child);
    return rc == -ECANCELED ? rc : 0;
}

/* Takes the next command, again and again. There are as many of these tasks as commands may run at once. */
static int work(void *arg)
{
    struct run *run = arg;
    int rc = 0;

    while (rc == 0 && run->next < run->count) {
        struct job *job = &run->jobs[run->next++];
        run->running++;
        show_progress(run);
        rc = run_job(run, job);
        run->running--;
        if (rc == 0) {
            job_is_done(run, job);
        }
    }
    return rc;
}

/* ---- all ----------------------------------------------------------------------------------------------- */

static void cancel_main(void *task)
{
    coil_cancel(task);
}

static int main_(void *arg)
{
    struct run *run = arg;
    coil_group workers;

    int rc = coil_add_signal_handler(SIGTERM, cancel_main, coil_current_task()); /* as Ctrl-C */
    coil_group_begin(&workers);
    for (size_t i = 0; i < run->at_once && i < run->count && rc == 0; i++) {
        rc = coil_group_spawn(&workers, work, run);
    }
    rc = coil_group_end(&workers, rc);
    clear_progress(run);
    return rc;
}

/* ---- the command line ---------------------------------------------------------------------------------- */

static void print_usage(FILE *out)
{
    fprintf(out, "Usage: run_many [OPTION]... [COMMAND]...\n"
                 "Run each COMMAND with the shell, several at once, and print what it writes and how it ends.\n"
                 "Without a COMMAND they are the lines of the standard input.\n"
                 "\n"
                 "  -j, --jobs=N           N at once (as many as there are processors)\n"
                 "  -t, --timeout=SECONDS  end a command that takes longer, and all that it has started\n"
                 "  -k, --keep-order       print in the order of the commands, not in that of their ends\n"
                 "  -q, --quiet            print only commands that fail\n"
                 "  -n, --no-progress      no line on the terminal that says how far it is\n"
                 "  -h, --help             print this\n"
                 "\n"
                 "Ctrl-C ends all commands. The exit status is 0 if all succeeded, 1 if some did not, 2 for a\n"
                 "wrong command line, 130 if it was interrupted.\n");
}

static _Noreturn void fail_usage(void)
{
    fprintf(stderr, "Try 'run_many --help'.\n");
    exit(EXIT_USAGE);
}

static size_t parse_jobs(const char *text)
{
    char *end;

    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || *text == '-' || errno != 0 || number == 0 || number > INT_MAX) {
        fprintf(stderr, "run_many: '%s' is not a number of jobs\n", text);
        fail_usage();
    }
    return number;
}

static double parse_seconds(const char *text)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds > 0)) {
        fprintf(stderr, "run_many: '%s' is not a number of seconds\n", text);
        fail_usage();
    }
    return seconds;
}

static void parse_options(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {
        {"jobs", required_argument, NULL, 'j'},
        {"timeout", required_argument, NULL, 't'},
        {"keep-order", no_argument, NULL, 'k'},
        {"quiet", no_argument, NULL, 'q'},
        {"no-progress", no_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "+j:t:kqnh", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            run->at_once = parse_jobs(optarg);
            break;
        case 't':
            run->timeout = parse_seconds(optarg);
            break;
        case 'k':
            run->keep_order = true;
            break;
        case 'q':
            run->quiet = true;
            break;
        case 'n':
            run->shows_progress = false;
            break;
        case 'h':
            print_usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            fail_usage();
        }
    }
}

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "run_many: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* Blocking, which does no harm before the loop runs. Empty lines are no commands. */
static size_t read_lines(struct run *run)
{
    size_t count = 0;
    size_t room = 0;
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    while ((length = getline(&line, &size, stdin)) >= 0) {
        line[strcspn(line, "\n")] = '\0';
        if (line[strspn(line, " \t")] == '\0') {
            continue;
        }
        if (count == room) {
            room = room == 0 ? 64 : 2 * room;
            run->lines = must(realloc(run->lines, room * sizeof(*run->lines)));
        }
        run->lines[count++] = must(strdup(line));
    }
    free(line);
    if (ferror(stdin)) {
        perror("run_many: reading the standard input");
        exit(EXIT_FAILURE);
    }
    return count;
}

static void take_commands(struct run *run, char **arguments, size_t count)
{
    if (count == 0) {
        count = read_lines(run);
        arguments = run->lines;
    }
    run->jobs = must(calloc(count + 1, sizeof(*run->jobs)));
    run->count = count;
    for (size_t i = 0; i < count; i++) {
        run->jobs[i].command = arguments[i];
    }
}

static void free_all(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        coil_buffer_free(&run->jobs[i].output);
        if (run->lines != NULL) {
            free(run->lines[i]);
        }
    }
    free(run->lines);
    free(run->jobs);
}

int main(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct run run = {.at_once = processors > 0 ? (size_t)processors : 1, .shows_progress = isatty(STDERR_FILENO)};

    parse_options(&run, argc, argv);
    take_commands(&run, argv + optind, (size_t)(argc - optind));
    int rc = coil_run(main_, &run, .handle_sigint = true);
    if (rc == -EINTR || rc == -ECANCELED) {
        fprintf(stderr, "run_many: interrupted, %zu of %zu commands done\n", run.done, run.count);
        rc = EXIT_INTERRUPTED;
    } else if (rc < 0) {
        fprintf(stderr, "run_many: %s\n", coil_strerror(rc));
        rc = EXIT_FAILURE;
    } else {
        rc = run.failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    free_all(&run);
    return rc;
}
