/*
 * An echo server: it sends every client's bytes back to it. One task accepts connections for each address it
 * listens on, one more serves each connection, and all of them are in one group, so that one cancellation
 * ends everything: that is what Ctrl-C does. `echo_server --help` says how it is used.
 */
#include <coil.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LISTENERS = 16,
    SPARE_DESCRIPTORS = 16, /* for the listeners, the loop's own, and the standard three */
    BUFFER_BYTES = 16 * 1024,
    ADDRESS_BYTES = NI_MAXHOST + NI_MAXSERV + 8,
};

struct server {
    const char *host;
    const char *port;
    bool verbose;
    int listeners[MAX_LISTENERS];
    size_t listener_count;
    size_t max_open;
    size_t open;
    unsigned long long served;
    unsigned long long bytes;
    coil_group tasks;
    coil_future *room; /* completed when a connection has ended, if somebody waits for that */
};

/* What a task is given: a connection to serve, or a listener to accept from. */
struct endpoint {
    struct server *server;
    int fd;
};

/* ---- one connection ------------------------------------------------------------------------------------ */

/* Returns 0 when the client has ended, or a negative errno. */
static int echo(struct endpoint *connection)
{
    char buffer[BUFFER_BYTES];

    for (;;) {
        ssize_t received = coil_recv(connection->fd, buffer, sizeof(buffer), 0);
        if (received <= 0) {
            return (int)received;
        }
        ssize_t sent = coil_send(connection->fd, buffer, (size_t)received, 0);
        if (sent < 0) {
            return (int)sent;
        }
        connection->server->bytes += (unsigned long long)sent;
    }
}

static void tell_that_there_is_room(struct server *server)
{
    if (server->room != NULL) {
        (void)coil_future_set_result(server->room, 0); /* nobody else completes it */
        coil_unref(server->room);
        server->room = NULL;
    }
}

static int serve(void *arg)
{
    struct endpoint *connection = arg;
    struct server *server = connection->server;

    if (server->verbose) {
        printf("connection %d: accepted, %zu open\n", connection->fd, server->open);
    }
    int rc = echo(connection);
    if (server->verbose) {
        printf("connection %d: %s\n", connection->fd, rc == 0 ? "ended" : coil_strerror(rc));
    }
    (void)coil_close(connection->fd); /* there is nothing to be done about an error */
    server->open--;
    tell_that_there_is_room(server);
    return rc == -ECANCELED ? rc : 0; /* another error is this connection's own, and not the group's */
}

/* ---- accepting ----------------------------------------------------------------------------------------- */

/* Pauses until a connection has ended, or for a second: descriptors may have been given back elsewhere. */
static int wait_for_room(struct server *server)
{
    if (server->room == NULL) {
        server->room = coil_future_new();
    }
    coil_future *room = coil_ref(server->room);
    int rc = coil_wait(&room, 1, .timeout = 1.0);
    coil_unref(room);
    return rc;
}

static int start_serving(struct server *server, int fd)
{
    struct endpoint connection = {.server = server, .fd = fd};
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* only faster */
    server->open++;
    /* A task that is cancelled before it has begun never runs; one that begins at once surely closes its descriptor. */
    int rc = coil_group_spawn(&server->tasks, serve, &connection, .arg_size = sizeof(connection), .eager_start = true);
    if (rc < 0) {
        server->open--;
        (void)coil_close(fd);
        return rc;
    }
    server->served++;
    return 0;
}

/* Whether the error says that there is no room for one more connection at the moment. */
static bool is_short_of_something(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOBUFS || rc == -ENOMEM || rc == -EAGAIN;
}

static int accept_connections(void *arg)
{
    struct endpoint *listener = arg;
    struct server *server = listener->server;
    int rc = 0;

    while (rc >= 0) {
        if (server->open >= server->max_open) {
            rc = wait_for_room(server);
            continue;
        }
        rc = coil_accept(listener->fd, NULL, NULL);
        if (rc >= 0) {
            rc = start_serving(server, rc);
        }
        if (is_short_of_something(rc)) {
            rc = wait_for_room(server);
        } else if (rc == -ECONNABORTED) {
            rc = 0; /* the client was gone before we came */
        }
    }
    return rc;
}

static int main_(void *arg)
{
    struct server *server = arg;
    int rc = 0;

    printf("at most %zu connections; Ctrl-C ends it\n", server->max_open);
    coil_group_begin(&server->tasks);
    for (size_t i = 0; i < server->listener_count && rc == 0; i++) {
        struct endpoint listener = {.server = server, .fd = server->listeners[i]};
        rc = coil_group_spawn(&server->tasks, accept_connections, &listener, .arg_size = sizeof(listener));
    }
    rc = coil_group_end(&server->tasks, rc); /* pauses here until the cancellation comes */
    coil_unref(server->room);
    return rc;
}

/* ---- before the loop starts ---------------------------------------------------------------------------- */

static void print_usage(FILE *out)
{
    fputs("Usage: echo_server [OPTION]... HOST PORT\n"
          "Listens on HOST (a name, an IPv4 or IPv6 address, or * for all of them) and PORT\n"
          "(0 for any that is free), and sends back whatever it receives. Ctrl-C ends it.\n"
          "\n"
          "  -c, --connections=N  serve at most N at the same time; by default as many as\n"
          "                       RLIMIT_NOFILE, raised to its hard limit, leaves room for\n"
          "  -v, --verbose        print a line when a connection begins and when it ends\n"
          "  -h, --help           print this, and exit\n",
          out);
}

static void fail_usage(void)
{
    fputs("Try 'echo_server --help'.\n", stderr);
    exit(EXIT_FAILURE);
}

static unsigned long parse_number(const char *text, unsigned long least, unsigned long most, const char *what)
{
    char *end;

    unsigned long number = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || *text == '-' || number < least || number > most) {
        fprintf(stderr, "echo_server: '%s' is not a %s\n", text, what);
        fail_usage();
    }
    return number;
}

static void parse_arguments(struct server *server, int argc, char **argv)
{
    static const struct option options[] = {
        {"connections", required_argument, NULL, 'c'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:vh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            server->max_open = parse_number(optarg, 1, INT_MAX, "number of connections");
            break;
        case 'v':
            server->verbose = true;
            break;
        case 'h':
            print_usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            fail_usage();
        }
    }
    if (argc - optind != 2) {
        fprintf(stderr, "echo_server: %s\n", argc - optind < 2 ? "HOST and PORT are missing" : "too many arguments");
        fail_usage();
    }
    server->host = argv[optind];
    server->port = argv[optind + 1];
    if (isdigit((unsigned char)*server->port)) {
        (void)parse_number(server->port, 0, 65535, "port"); /* getaddrinfo takes 80000 for 14464 */
    }
}

/* Each connection takes a descriptor; as many as the limit allows are served, and no more are accepted. */
static void limit_connections(struct server *server)
{
    struct rlimit limit;
    size_t most = 1;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        perror("echo_server: getrlimit");
        exit(EXIT_FAILURE);
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        perror("echo_server: setrlimit"); /* then it stays as it is */
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur > SPARE_DESCRIPTORS) {
        most = (size_t)limit.rlim_cur - SPARE_DESCRIPTORS;
    }
    if (server->max_open > most) {
        fprintf(stderr, "echo_server: RLIMIT_NOFILE allows %zu connections, not %zu\n", most, server->max_open);
    }
    if (server->max_open == 0 || server->max_open > most) {
        server->max_open = most;
    }
}

/* Writes "127.0.0.1 port 7000" or the like, and returns the text. */
static const char *describe(const struct sockaddr *address, socklen_t length, char text[ADDRESS_BYTES])
{
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];

    int rc = getnameinfo(address, length, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
    if (rc == 0) {
        snprintf(text, ADDRESS_BYTES, "%s port %s", host, port);
    } else {
        snprintf(text, ADDRESS_BYTES, "an address without a name (%s)", gai_strerror(rc));
    }
    return text;
}

/* Returns a listening socket, or -1 with errno. */
static int open_listener(const struct addrinfo *address)
{
    struct sockaddr_storage bound;
    socklen_t length = sizeof(bound);
    char text[ADDRESS_BYTES];
    int on = 1;

    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        (address->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
        bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &length) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    printf("listening on %s\n", describe((struct sockaddr *)&bound, length, text));
    return fd;
}

/* Looking a name up blocks, which does no harm before the loop runs. */
static void open_listeners(struct server *server)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses;
    char text[ADDRESS_BYTES];
    const char *host = strcmp(server->host, "*") == 0 || *server->host == '\0' ? NULL : server->host;

    int rc = getaddrinfo(host, server->port, &hints, &addresses);
    if (rc != 0) {
        fprintf(stderr, "echo_server: %s port %s: %s\n", server->host, server->port,
                rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        exit(EXIT_FAILURE);
    }
    for (const struct addrinfo *at = addresses; at != NULL && server->listener_count < MAX_LISTENERS;
         at = at->ai_next) {
        int fd = open_listener(at);
        if (fd >= 0) {
            server->listeners[server->listener_count++] = fd;
        } else {
            const char *reason = strerror(errno);
            fprintf(stderr, "echo_server: cannot listen on %s: %s\n", describe(at->ai_addr, at->ai_addrlen, text),
                    reason);
        }
    }
    freeaddrinfo(addresses);
    if (server->listener_count == 0) {
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    static struct server server;

    setvbuf(stdout, NULL, _IOLBF, 0); /* whoever reads a log wants to see its lines as they come */
    parse_arguments(&server, argc, argv);
    limit_connections(&server);
    open_listeners(&server);

    int rc = coil_run(main_, &server, .handle_sigint = true);
    for (size_t i = 0; i < server.listener_count; i++) {
        close(server.listeners[i]);
    }
    printf("%llu connections served, %llu bytes sent back\n", server.served, server.bytes);
    if (rc < 0 && rc != -EINTR) {
        fprintf(stderr, "echo_server: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
