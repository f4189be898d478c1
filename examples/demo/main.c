/*
 * The demo: a tour of coil's parts, then the real thing, an echo server and thousands of clients in one
 * process and one thread. It knows how many descriptors there may be, and what to do at a Ctrl-C; the rest is
 * in the other files.
 */
#include <coil.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "latency.h"
#include "load.h"
#include "server.h"
#include "terminal.h"
#include "tour.h"

enum {
    DEFAULT_CLIENTS = 5000,
    MOST_CLIENTS = 1000000,
    SPARE_DESCRIPTORS = 16,          /* for the listener, the loop's own, and the standard three */
    EXIT_INTERRUPTED = 128 + SIGINT, /* what a shell says of a program that a Ctrl-C ended */
};

struct demo {
    size_t clients;
    double seconds;
    bool tour;
};

/* ---- Ctrl-C -------------------------------------------------------------------------------------------- */

/*
 * While a loop runs, coil_run watches for SIGINT and cancels its main task. Before, between and after the
 * loops we do.
 */
static volatile sig_atomic_t sigint_came;

static void on_sigint(int number)
{
    (void)number;
    sigint_came = 1;
}

static bool interrupted(void)
{
    return sigint_came != 0;
}

/* ---- arguments ----------------------------------------------------------------------------------------- */

static void print_usage(FILE *out)
{
    fprintf(out,
            "Usage: demo [OPTION]...\n"
            "Shows what coil does: a tour of its parts, then an echo server and its clients.\n"
            "\n"
            "  -c, --clients=N      so many clients at the same time (%d)\n"
            "  -s, --seconds=S      send requests for so long (4)\n"
            "  -n, --no-tour        leave the tour out\n"
            "  -h, --help           print this, and exit\n",
            DEFAULT_CLIENTS);
}

static void fail_usage(void)
{
    fputs("Try 'demo --help'.\n", stderr);
    exit(EXIT_FAILURE);
}

static size_t parse_clients(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < 1 || number > MOST_CLIENTS) {
        fprintf(stderr, "demo: '%s' is not a number of clients from 1 to %d\n", text, MOST_CLIENTS);
        fail_usage();
    }
    return (size_t)number;
}

static double parse_seconds(const char *text)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end != '\0' || !(number >= 0.1 && number <= 3600)) {
        fprintf(stderr, "demo: '%s' is not a number of seconds from 0.1 to 3600\n", text);
        fail_usage();
    }
    return number;
}

static void parse_arguments(struct demo *demo, int argc, char **argv)
{
    static const struct option options[] = {
        {"clients", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},
        {"no-tour", no_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:s:nh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            demo->clients = parse_clients(optarg);
            break;
        case 's':
            demo->seconds = parse_seconds(optarg);
            break;
        case 'n':
            demo->tour = false;
            break;
        case 'h':
            print_usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            fail_usage();
        }
    }
    if (optind < argc) {
        fprintf(stderr, "demo: '%s' is no option\n", argv[optind]);
        fail_usage();
    }
}

/*
 * Raises the soft limit to what is needed, and returns for how many clients there is room: each takes two
 * descriptors.
 */
static size_t make_room(size_t clients)
{
    rlim_t wanted = 2 * (rlim_t)clients + SPARE_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        perror("demo: getrlimit");
        exit(EXIT_FAILURE);
    }
    if (limit.rlim_cur < wanted) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
            limit.rlim_cur = before;
        }
    }
    if (limit.rlim_cur >= wanted) {
        return clients;
    }
    return limit.rlim_cur > SPARE_DESCRIPTORS + 2 ? (size_t)(limit.rlim_cur - SPARE_DESCRIPTORS) / 2 : 1;
}

/* ---- the real thing ------------------------------------------------------------------------------------ */

static int serve_and_load(void *arg)
{
    struct load *load = arg;
    struct server server;

    int rc = interrupted() ? -EINTR : server_open(&server);
    if (rc < 0) {
        return rc;
    }
    load->address = server.address;
    coil_task *task = coil_create_task(server_run, &server, .name = "echo server");
    rc = load_run(load);
    coil_cancel(task);
    int server_rc = coil_join(task);
    server_close(&server);
    return rc == 0 && server_rc != -ECANCELED ? server_rc : rc;
}

static void print_latency(const struct latency *latency)
{
    static const double percents[] = {50, 90, 99, 99.9, 100};
    double ms[5];

    for (int i = 0; i < 5; i++) {
        ms[i] = (double)latency_percentile_ns(latency, percents[i]) / 1e6;
    }
    terminal_print("                 %9s %9s %9s %9s %9s", "p50", "p90", "p99", "p99.9", "max");
    terminal_print("  latency, ms    %9.2f %9.2f %9.2f %9.2f %9.2f", ms[0], ms[1], ms[2], ms[3], ms[4]);
}

static void print_result(const struct load *load)
{
    char text[COUNT_BYTES];

    terminal_print("\n  connections    %s", format_count(text, load->connected));
    terminal_print("  requests       %s, each sent, echoed and checked", format_count(text, load->requests));
    terminal_print("  per second     %s",
                   format_count(text, (unsigned long long)((double)load->requests / load->measured_seconds)));
    print_latency(&load->latency);
    if (load->failed > 0) {
        terminal_print("  failed         %zu clients, the first with %s", load->failed,
                       coil_strerror(load->first_error));
    }
}

static int play_load(const struct demo *demo)
{
    static struct load load;
    char text[COUNT_BYTES];

    terminal_title("The real thing", "An echo server and thousands of clients, over TCP, all in this one thread. A\n"
                                     "client sends 64 bytes, waits at most 2 seconds until they are back, and does it\n"
                                     "again. So thousands of requests are under way at any time, and the latency is\n"
                                     "what it takes to serve them all.");
    load.clients = make_room(demo->clients);
    load.seconds = demo->seconds;
    if (load.clients < demo->clients) {
        terminal_print("  RLIMIT_NOFILE leaves room for %s of the clients.", format_count(text, load.clients));
    }
    int rc = coil_run(serve_and_load, &load, .handle_sigint = true);
    if (rc == 0) {
        print_result(&load);
        rc = load.failed > 0 ? load.first_error : 0;
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct demo demo = {.clients = DEFAULT_CLIENTS, .seconds = 4.0, .tour = true};
    struct sigaction action = {.sa_handler = on_sigint, .sa_flags = SA_RESTART};

    if (sigaction(SIGINT, &action, NULL) < 0) {
        perror("demo: sigaction");
        return EXIT_FAILURE;
    }
    parse_arguments(&demo, argc, argv);
    terminal_begin();
    terminal_print("coil is asyncio for C. This shows what it does; Ctrl-C ends it at any time.");
    int rc = demo.tour ? tour_play(interrupted) : 0;
    if (rc >= 0) {
        rc = play_load(&demo);
    }
    if (rc == -EINTR || interrupted()) {
        terminal_print("\nInterrupted: everything that was running was cancelled, and has ended.");
        return EXIT_INTERRUPTED;
    }
    if (rc < 0) {
        fprintf(stderr, "demo: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
