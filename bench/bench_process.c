/*
 * Children: starting /bin/true and awaiting its end, in coil, with plain posix_spawn and waitpid, and with fork and exec, in turns in
 * the same run; first from a small process, then from one that has touched much memory, which only fork pays for. Then as many at
 * once as there are processors. Medians; microseconds for one child. Where there is a Python or a Go, the same in theirs, in processes of
 * their own: how many times the posix_spawn of just then.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coil.h>

#include "measure.h"

enum { ROUNDS = 15, PER_ROUND = 40, FORKS = 3 }; /* a fork of much memory takes seconds */

#define GIB ((size_t)1 << 30)

static char *const program[] = {"/bin/true", NULL};

static void must(int rc, const char *what)
{
    if (rc != 0) {
        fprintf(stderr, "bench_process: %s: %s\n", what, strerror(rc < 0 ? -rc : rc));
        exit(EXIT_FAILURE);
    }
}

/* ---- one after the other --------------------------------------------------------------------------------------------- */

static void run_plain(void)
{
    pid_t pid;

    must(posix_spawn(&pid, program[0], NULL, NULL, program, environ), "posix_spawn");
    must(waitpid(pid, NULL, 0) == pid ? 0 : errno, "waitpid");
}

static void run_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        execve(program[0], program, environ);
        _exit(127);
    }
    must(waitpid(pid, NULL, 0) == pid ? 0 : errno, "waitpid");
}

static void run_coil(void)
{
    coil_process *child;

    must(coil_create_subprocess_exec(&child, program), "coil_create_subprocess_exec");
    must(coil_process_wait(child), "coil_process_wait");
    coil_process_unref(child);
}

/* Returns microseconds for one child. */
static double measure(void (*run)(void), int count)
{
    double start = bench_wall_ns();

    for (int i = 0; i < count; i++) {
        run();
    }
    return (bench_wall_ns() - start) / count / 1e3;
}

static void compare(const char *from)
{
    double coil[ROUNDS];
    double plain[ROUNDS];
    double forked[FORKS];
    double ratio[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        plain[i] = measure(run_plain, PER_ROUND);
        coil[i] = measure(run_coil, PER_ROUND);
        ratio[i] = coil[i] / plain[i];
    }
    for (int i = 0; i < FORKS; i++) {
        forked[i] = measure(run_fork, 1);
    }
    printf("%-28s coil %8.0f us   posix_spawn + waitpid %8.0f us   fork + exec %8.0f us   coil / posix_spawn %.2f\n",
           from, bench_median(coil, ROUNDS), bench_median(plain, ROUNDS), bench_median(forked, FORKS),
           bench_median(ratio, ROUNDS));
}

/* ---- side by side ---------------------------------------------------------------------------------------------------- */

static int run_some(void *left)
{
    while ((*(int *)left)-- > 0) {
        run_coil();
    }
    return 0;
}

static double measure_side_by_side(long tasks)
{
    int left = PER_ROUND;
    double start = bench_wall_ns();
    coil_group group;

    coil_group_begin(&group);
    for (long i = 0; i < tasks; i++) {
        must(coil_group_spawn(&group, run_some, &left), "coil_group_spawn");
    }
    must(coil_group_end(&group, 0), "coil_group_end");
    return (bench_wall_ns() - start) / PER_ROUND / 1e3;
}

static void compare_side_by_side(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    double together[ROUNDS];
    double alone[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        alone[i] = measure_side_by_side(1);
        together[i] = measure_side_by_side(processors);
    }
    printf("%ld at once%-19s coil %8.0f us   one at a time %8.0f us\n", processors, "", bench_median(together, ROUNDS),
           bench_median(alone, ROUNDS));
}

/* ---- others ---------------------------------------------------------------------------------------------------------- */

static const char python[] = "import asyncio, time\n"
                             "async def main():\n"
                             "    begin = time.perf_counter()\n"
                             "    for _ in range(200):\n"
                             "        process = await asyncio.create_subprocess_exec('/bin/true')\n"
                             "        await process.wait()\n"
                             "    print((time.perf_counter() - begin) / 200 * 1e6)\n"
                             "asyncio.run(main())\n";

static const char go[] = "package main\n"
                         "import (\"fmt\"; \"os/exec\"; \"time\")\n"
                         "func main() {\n"
                         "    begin := time.Now()\n"
                         "    for i := 0; i < 200; i++ { exec.Command(\"/bin/true\").Run() }\n"
                         "    fmt.Println(float64(time.Since(begin).Nanoseconds()) / 200 / 1e3)\n"
                         "}\n";

/* Runs a shell command that prints microseconds, and compares; without the language it prints nothing, and neither does this. */
static void compare_other(const char *name, const char *command, const char *source)
{
    coil_process *child;
    coil_buffer output;
    double plain = measure(run_plain, 5 * PER_ROUND);

    must(coil_create_subprocess_shell(&child, command, .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE,
                                      .stderr_ = COIL_DEVNULL),
         "coil_create_subprocess_shell");
    int rc = coil_process_communicate(child, source, strlen(source), &output, NULL);
    coil_process_unref(child);
    double us = rc == 0 ? strtod(output.data, NULL) : 0;
    coil_buffer_free(&output);
    plain = (plain + measure(run_plain, 5 * PER_ROUND)) / 2;
    if (us > 0) {
        printf("%-28s %13.0f us   posix_spawn + waitpid %8.0f us   %s / posix_spawn %.2f\n", name, us, plain, name,
               us / plain);
    }
}

static int main_(void *unused)
{
    (void)unused;
    compare("a small process");
    compare_side_by_side();
    compare_other("asyncio", "exec python3 -", python);
    compare_other("Go", "d=$(mktemp -d) && cat >$d/m.go && go run $d/m.go; r=$?; rm -r $d; exit $r", go);
    size_t size = 4 * GIB;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return -errno;
    }
    (void)madvise(memory, size, MADV_NOHUGEPAGE); /* page tables as most programs have them */
    memset(memory, 1, size);
    compare("one with 4 GiB in use");
    (void)munmap(memory, size);
    return 0;
}

int main(void)
{
    must(coil_run(main_, NULL), "coil_run");
    return EXIT_SUCCESS;
}
