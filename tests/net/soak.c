/*
 * A soak: connections come and go, each with a random number of bytes to send in each direction, in random pieces, read in every way
 * there is, with cancellations and time limits at every await, half-closes, slow readers, aborts and resets. Every byte is known
 * from its place and its connection's seed, so each end checks what it gets and hashes what it sent; and a connection that
 * was not broken off on purpose must end with the same hash on both sides, in both directions.
 *
 *     soak [SECONDS [CONNECTIONS [SEED]]]
 */
#include <coil.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MOST_BYTES = 400 * 1024, MOST_PIECE = 40 * 1024, HEADER_BYTES = 24, MOST_CONNECTIONS = 4000 };

static struct {
    double end;
    unsigned long seed;
    unsigned long connections;
    unsigned long broken;
    unsigned long long bytes;
    unsigned long cancellations;
    unsigned long wrong;
    char port[8];
} soak;

/* ---- chance ---------------------------------------------------------------------------------------------------------- */

static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t bound)
{
    return (size_t)(next(state) % bound);
}

/* A size that is small more often than large. */
static size_t some_size(uint64_t *state, size_t most)
{
    return below(state, ((size_t)1 << below(state, 20)) + 1) % (most + 1);
}

/* ---- bytes that are known from their place --------------------------------------------------------------------------- */

static unsigned char byte_at(uint64_t seed, size_t place)
{
    return (unsigned char)((seed >> (place % 8 * 8)) + place * 31 + place / 253);
}

struct direction {
    uint64_t seed;
    size_t size;  /* how many bytes it has in all */
    size_t place; /* how many have been sent or received */
    uint64_t hash;
};

static void count_in(struct direction *direction, const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != byte_at(direction->seed, direction->place + i)) {
            soak.wrong++;
        }
        direction->hash = (direction->hash ^ data[i]) * UINT64_C(0x100000001B3);
    }
    direction->place += size;
}

/* ---- one end of a connection ----------------------------------------------------------------------------------------- */

struct end {
    coil_stream *stream;
    uint64_t chance; /* the writer's */
    uint64_t reader_chance;
    struct direction out;
    struct direction in;
    bool breaks; /* it is this end that breaks the connection off */
    size_t break_at;
    int write_error;
    int read_error;
};

/* Lets a random time limit run, often none. */
static void begin_limit(coil_timeout *timeout, uint64_t *chance)
{
    static const double limits[] = {INFINITY, INFINITY, INFINITY, 0, 0.00001, 0.0005, 0.005};

    coil_timeout_begin(timeout, limits[below(chance, sizeof limits / sizeof limits[0])]);
}

/* Ends it. A result stays one, although the time may have been over in the same moment. */
static ssize_t end_limit(coil_timeout *timeout, ssize_t rc)
{
    int error = coil_timeout_end(timeout, rc < 0 ? (int)rc : 0);

    soak.cancellations += error == -ETIMEDOUT;
    return rc < 0 ? error : rc;
}

static ssize_t read_somehow(struct end *end, unsigned char *data)
{
    uint64_t *chance = &end->reader_chance;
    size_t rest = end->in.size - end->in.place;
    size_t size = some_size(chance, MOST_PIECE - 1) + 1;
    char separator[2] = {(char)byte_at(end->in.seed, end->in.place + size / 2),
                         (char)byte_at(end->in.seed, end->in.place + size / 2 + 1)};

    size = size < rest ? size : rest;
    switch (below(chance, 4)) {
    case 0:
        return coil_stream_read(end->stream, data, size);
    case 1:
        return coil_stream_read_exactly(end->stream, data, size);
    case 2:
        return coil_stream_read_until(end->stream, separator, sizeof separator, data, size);
    default:
        return coil_stream_read_until(end->stream, "\n", 1, data, size);
    }
}

/* What was received, whole or not; 0 for none, or a negative errno that ends the connection. */
static ssize_t settle_read(struct end *end, ssize_t rc, unsigned char *data)
{
    if (rc == -ETIMEDOUT) {
        return 0;
    }
    if (rc == -EOVERFLOW) { /* what is there can be read all the same */
        size_t size = coil_stream_partial(end->stream);
        rc = coil_stream_read(end->stream, data, size == 0 ? 1 : size < MOST_PIECE ? size : MOST_PIECE);
    }
    if (rc == -ENODATA) {
        rc = (ssize_t)coil_stream_partial(end->stream);
    }
    return rc;
}

static int read_all(void *arg)
{
    struct end *end = arg;
    unsigned char *data = malloc(MOST_PIECE);
    ssize_t rc = 0;

    while (rc >= 0 && end->in.place < end->in.size && !coil_stream_at_eof(end->stream)) {
        coil_timeout timeout;
        begin_limit(&timeout, &end->reader_chance);
        rc = end_limit(&timeout, read_somehow(end, data));
        rc = settle_read(end, rc, data);
        if (rc > 0) {
            count_in(&end->in, data, (size_t)rc);
        }
        if (below(&end->reader_chance, 50) == 0) {
            (void)coil_sleep(0.002); /* a slow reader */
        }
    }
    free(data);
    end->read_error = rc < 0 ? (int)rc : 0;
    return 0;
}

/* Sends one piece, in as many writes as cancellations make of it. */
static ssize_t write_piece(struct end *end, unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        data[i] = byte_at(end->out.seed, end->out.place + i);
    }
    coil_timeout timeout;
    begin_limit(&timeout, &end->chance);
    ssize_t rc = end_limit(&timeout, coil_stream_write(end->stream, data, size));
    if (rc > 0) {
        count_in(&end->out, data, (size_t)rc);
    }
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int write_all(void *arg)
{
    struct end *end = arg;
    unsigned char *data = malloc(4 * MOST_PIECE);
    ssize_t rc = 0;

    while (rc >= 0 && end->out.place < end->out.size) {
        size_t rest = end->out.size - end->out.place;
        size_t size = some_size(&end->chance, 4 * MOST_PIECE - 1) + 1;
        rc = write_piece(end, data, size < rest ? size : rest);
        if (end->breaks && end->out.place >= end->break_at) {
            coil_stream_abort(end->stream);
            rc = -EPIPE;
        }
    }
    if (rc >= 0) {
        rc = coil_stream_write_eof(end->stream);
    }
    free(data);
    end->write_error = rc < 0 ? (int)rc : 0;
    return 0;
}

/* Reads and writes at the same time, each in a task. */
static int talk(struct end *end)
{
    coil_group group;

    coil_group_begin(&group);
    (void)coil_group_spawn(&group, write_all, end);
    (void)coil_group_spawn(&group, read_all, end);
    return coil_group_end(&group, 0);
}

/* ---- the connection -------------------------------------------------------------------------------------------------- */

/* What the client tells the server first. */
struct header {
    uint64_t seed;
    uint64_t to_server;
    uint64_t to_client;
};

_Static_assert(sizeof(struct header) == HEADER_BYTES, "it is sent as it is");

static struct direction direction_of(uint64_t seed, uint64_t size)
{
    return (struct direction){.seed = seed, .size = (size_t)size, .hash = UINT64_C(0xCBF29CE484222325)};
}

/* After both directions have ended, the server tells the hashes that it has come to. */
static int serve(coil_stream *stream, void *unused)
{
    struct header header;

    (void)unused;
    ssize_t rc = coil_stream_read_exactly(stream, &header, sizeof header);
    if (rc < 0) {
        return (int)rc;
    }
    struct end end = {.stream = stream,
                      .chance = header.seed + 1,
                      .reader_chance = header.seed + 2,
                      .in = direction_of(header.seed, header.to_server),
                      .out = direction_of(~header.seed, header.to_client),
                      .breaks = header.seed % 11 == 3};
    end.break_at = end.breaks ? end.out.size / 3 : 0;
    if (header.seed % 3 == 0) {
        (void)coil_stream_set_write_limits(stream, 1000, 100);
    }
    rc = talk(&end);
    return rc < 0 ? (int)rc : end.read_error < 0 ? end.read_error : end.write_error;
}

/* Whether both directions came to their ends here. */
static bool is_whole(const struct end *end)
{
    return end->in.place == end->in.size && end->out.place == end->out.size && end->read_error == 0 &&
           end->write_error == 0;
}

static void check(const struct end *end)
{
    if (!is_whole(end)) {
        fprintf(stderr, "seed %llu: received %zu of %zu (%s), sent %zu of %zu (%s)\n", (unsigned long long)end->in.seed,
                end->in.place, end->in.size, coil_errname(end->read_error), end->out.place, end->out.size,
                coil_errname(end->write_error));
        soak.wrong++;
        return;
    }
    struct direction expected = direction_of(end->in.seed, end->in.size);
    for (size_t i = 0; i < expected.size; i++) {
        expected.hash = (expected.hash ^ byte_at(expected.seed, i)) * UINT64_C(0x100000001B3);
    }
    soak.wrong += expected.hash != end->in.hash;
}

static int visit(uint64_t seed)
{
    uint64_t chance = seed;
    struct header header = {
        .seed = seed, .to_server = some_size(&chance, MOST_BYTES), .to_client = some_size(&chance, MOST_BYTES)};
    bool server_breaks = seed % 11 == 3;
    struct end end = {.chance = seed + 3,
                      .reader_chance = seed + 4,
                      .in = direction_of(~seed, header.to_client),
                      .out = direction_of(seed, header.to_server),
                      .breaks = seed % 13 == 5};

    end.break_at = end.breaks ? end.out.size / 2 : 0;
    int rc = coil_open_connection(&end.stream, "127.0.0.1", soak.port);
    if (rc < 0) {
        return rc;
    }
    if (coil_stream_write(end.stream, &header, sizeof header) == sizeof header) {
        rc = talk(&end);
    }
    soak.connections++;
    soak.bytes += end.in.place + end.out.place;
    if (server_breaks || end.breaks) {
        soak.broken++;
    } else if (rc == 0) {
        check(&end);
    }
    (void)coil_stream_close(end.stream);
    coil_stream_unref(end.stream);
    return rc;
}

static int keep_visiting(void *arg)
{
    uint64_t chance = soak.seed * 1000003 + *(const size_t *)arg;
    int rc = 0;

    while (rc == 0 && coil_time() < soak.end) {
        rc = visit(next(&chance));
    }
    if (rc < 0) {
        fprintf(stderr, "a connection: %s\n", coil_strerror(rc));
        soak.wrong++;
    }
    return rc;
}

static int run(void *arg)
{
    size_t connections = *(const size_t *)arg;
    coil_server *server;
    coil_group group;

    int rc = coil_start_server(&server, serve, NULL, "127.0.0.1", "0", .backlog = MOST_CONNECTIONS);
    if (rc < 0) {
        return rc;
    }
    (void)snprintf(soak.port, sizeof soak.port, "%d", coil_server_port(server));
    soak.end += coil_time();
    coil_group_begin(&group);
    for (size_t i = 0; i < connections; i++) {
        (void)coil_group_spawn(&group, keep_visiting, &i, .arg_size = sizeof i);
    }
    rc = coil_group_end(&group, 0);
    int ended = coil_server_shutdown(server, 20);
    coil_server_unref(server);
    return rc < 0 ? rc : ended;
}

int main(int argc, char **argv)
{
    size_t connections = argc > 2 ? strtoul(argv[2], NULL, 10) : 200;
    struct rlimit limit;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    soak.end = argc > 1 ? strtod(argv[1], NULL) : 3;
    soak.seed = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    int rc = coil_run(run, &connections);
    printf("%lu connections (%lu broken off on purpose), %.1f MB, %lu cancellations, %lu wrong: %s\n", soak.connections,
           soak.broken, (double)soak.bytes / 1e6, soak.cancellations, soak.wrong, coil_errname(rc));
    return rc < 0 || soak.wrong > 0 || soak.connections == 0;
}
