/*
 * Streams: connections that are read and written in straight lines, with what asyncio's StreamReader and StreamWriter do between
 * the program and the socket. A stream is one object for both directions. One task may read while others write.
 *
 * Reading takes from the socket what is asked for and no more than that, but for a little that comes with a line; a peer that is too
 * fast is stopped by the kernel's own buffers. What was received and not handed over, because the read was cancelled, timed
 * out, or met a limit, is there for the next read: no byte is lost.
 *
 * Writing hands the data to the kernel at once; what that does not take is copied and sent in the background. Only when more than
 * the high-water mark would be left, the writing task waits: so a write needs no drain after it.
 *
 * What is given NULL for a stream returns coil_creation_error(), or -EINVAL when there is none. What awaits returns -ECANCELED
 * when the calling task is cancelled there, and -EPERM outside of a task. An error of the connection (-ECONNRESET, -ETIMEDOUT, ...)
 * is told by every later read or write as well.
 */
#ifndef COIL_STREAM_H
#define COIL_STREAM_H

#include <sys/socket.h>
#include <sys/types.h>

#include <coil/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A connection. asyncio: a StreamReader and its StreamWriter. */
typedef struct coil_stream coil_stream;

/* ---- connecting ------------------------------------------------------------------------------------------------------ */

/* How coil_open_connection connects. Zero always means the default. */
struct coil_connection_options {
    size_t size;                 /* sizeof this struct: the macros fill it in */
    const char *port;            /* the port to connect to */
    double timeout;              /* seconds for all of it, names looked up included; 0: none; a negative one: at once */
    double happy_eyeballs_delay; /* seconds after which the next address is tried beside the last; 0: one by one */
    size_t limit;                /* bytes that a line may have, or what else ends with a separator; 64 KiB by default */
    int family;                  /* AF_INET or AF_INET6; both by default */
    const char *local_host;      /* the address to connect from; the kernel chooses by default */
    const char *local_port;      /* and the port, likewise */
};

/*
 * Connects to a TCP server. Awaits. host is a name or an address in digits, NULL for this machine; port a number or a service's
 * name. The addresses are tried one after the other until one answers; with .happy_eyeballs_delay (0.25 is usual) the families
 * take turns, and the next address is tried also when the last has not answered after so long (RFC 8305). TCP_NODELAY is set.
 * Options: .timeout .happy_eyeballs_delay .limit .family .local_host .local_port.
 *
 * Returns 0 with *ret a stream, to be given to coil_stream_close and coil_stream_unref. On an error *ret is NULL: the error of the
 * last address that was tried, while coil_error_message tells of each; -ETIMEDOUT; what coil_getaddrinfo may fail with; -ECANCELED;
 * -EINVAL (no ret, no port, a NaN); -EPERM outside of a task; -ENOMEM, -EMFILE, -ENFILE. asyncio: open_connection.
 */
#define coil_open_connection(ret, host, ...) \
    coil_open_connection_with(               \
        (ret), (host),                       \
        &(struct coil_connection_options){.size = sizeof(struct coil_connection_options), .port = __VA_ARGS__})
COIL_API int coil_open_connection_with(coil_stream **ret, const char *host,
                                       const struct coil_connection_options *options);

/* How coil_open_unix_connection and coil_open_fd_connection connect. Zero always means the default. */
struct coil_unix_connection_options {
    size_t size;      /* sizeof this struct: the macros fill it in */
    const char *path; /* the socket's file */
    double timeout;   /* seconds; 0: none; a negative one: at once */
    size_t limit;     /* as in struct coil_connection_options */
};

/*
 * Connects to the Unix socket at path. Awaits. Options: .timeout .limit. Returns 0 with *ret a stream, as coil_open_connection;
 * -ENOENT, -ECONNREFUSED (nobody listens there), -EACCES, -ENAMETOOLONG (108 bytes and more), -ETIMEDOUT, -ECANCELED, -EINVAL,
 * -EPERM outside of a task, -ENOMEM, -EMFILE, -ENFILE. asyncio: open_unix_connection.
 */
#define coil_open_unix_connection(ret, ...)                                                                \
    coil_open_unix_connection_with(                                                                        \
        (ret), &(struct coil_unix_connection_options){.size = sizeof(struct coil_unix_connection_options), \
                                                      .path = __VA_ARGS__})
COIL_API int coil_open_unix_connection_with(coil_stream **ret, const struct coil_unix_connection_options *options);

/*
 * Makes a stream of a stream socket that is connected already, from socketpair(2) for example. Does not await. limit is as in struct
 * coil_connection_options. Returns 0 with *ret a stream, to which fd belongs from then on; on an error fd stays the caller's: -EBADF,
 * -ENOTSOCK, -EINVAL (no ret, not a stream socket), -EPERM without a running loop, -ENOMEM. asyncio: open_connection(sock=...).
 */
COIL_API int coil_open_fd_connection(coil_stream **ret, int fd, size_t limit);

/* Takes another reference and returns stream. NULL is fine. */
COIL_API coil_stream *coil_stream_ref(coil_stream *stream);

/*
 * Gives a reference back. NULL is fine. At the last one the stream goes, after those who still wait in it; one that was not closed
 * is aborted, and COIL_REPORT_NOT_CLOSED says so.
 */
COIL_API void coil_stream_unref(coil_stream *stream);

/* ---- reading --------------------------------------------------------------------------------------------------------- */

/*
 * Reads up to size bytes into data: what is there, else awaits until there is something. Returns how many; 0 at the end of
 * the stream, after it was closed here, and for a size of 0. -ECONNRESET and other errors of the connection; -EBUSY while another
 * task waits to read; -ECANCELED, -EPERM, -EINVAL (NULL). asyncio: StreamReader.read.
 */
COIL_API ssize_t coil_stream_read(coil_stream *stream, void *data, size_t size);

/*
 * Reads exactly size bytes, awaiting as long as that takes. Returns size. -ENODATA when the stream ends before: what there was is in
 * data, and coil_stream_partial says how much. After any other error nothing was taken from the stream. -ENOMEM if there is no memory
 * to keep as much in case of a cancellation. Otherwise as coil_stream_read. asyncio: StreamReader.readexactly.
 */
COIL_API ssize_t coil_stream_read_exactly(coil_stream *stream, void *data, size_t size);

/*
 * Reads up to and with the first separator, of length > 0 bytes, awaiting as long as that takes. Returns how many bytes are in
 * data, the separator among them. -ENODATA when the stream ends before, as coil_stream_read_exactly. -EOVERFLOW when more than
 * the stream's limit comes before the separator, or more than size with it: everything stays in the stream, and so many bytes as
 * coil_stream_partial says can be read by coil_stream_read without breaking a separator. Otherwise as coil_stream_read.
 * asyncio: StreamReader.readuntil.
 */
COIL_API ssize_t coil_stream_read_until(coil_stream *stream, const void *separator, size_t length, void *data,
                                        size_t size);

/*
 * Reads a line into line, of size bytes, with its newline, and a zero byte after that. Returns the length of the line; what
 * comes before the end of the stream is a line without a newline, and at the end there is one of length 0. -EOVERFLOW for a line that
 * does not fit, or is longer than the limit, which stays in the stream. Otherwise as coil_stream_read. asyncio:
 * StreamReader.readline, which loses such a line.
 */
COIL_API ssize_t coil_stream_read_line(coil_stream *stream, char *line, size_t size);

/*
 * After -ENODATA: how many bytes the read has put into the caller's memory. After -EOVERFLOW: how many of those in the stream belong
 * to no separator. asyncio: IncompleteReadError.partial, LimitOverrunError.consumed.
 */
COIL_API size_t coil_stream_partial(const coil_stream *stream);

/* Whether a read has met the end and nothing is left to be read. Does not look at the socket. asyncio: StreamReader.at_eof. */
COIL_API bool coil_stream_at_eof(const coil_stream *stream);

/* ---- writing --------------------------------------------------------------------------------------------------------- */

/*
 * Writes size bytes. They are sent at once as far as the kernel takes them; the rest is copied and sent in the background as long as
 * no more than the high-water mark waits there; else awaits until that has sunk to the low-water mark or the kernel has
 * taken everything; and lets others run now and then. Writes of several tasks do not mix. Returns size; fewer when an error came in between, which the next call
 * then tells, or a cancellation, which then stays pending. -EPIPE when the peer reads no more, and after coil_stream_write_eof or
 * a close here; other errors of the connection; -ECANCELED with nothing written; -EPERM outside of a task if it would have to wait;
 * -EINVAL (NULL). asyncio: StreamWriter.write and drain.
 */
COIL_API ssize_t coil_stream_write(coil_stream *stream, const void *data, size_t size);

/*
 * Awaits until what waits to be sent has sunk to the low-water mark, if it is above the high-water mark; after a coil_stream_write
 * it never is. Returns 0; an error of the connection that came while sending; -ECANCELED, -EPERM. asyncio: StreamWriter.drain.
 */
COIL_API int coil_stream_drain(coil_stream *stream);

/* Awaits until the kernel has taken all that was written. As coil_stream_drain. */
COIL_API int coil_stream_flush(coil_stream *stream);

/*
 * Ends the output: the peer reads its end after what was written, and can go on sending. Awaits only where the write of another task
 * waits. Returns 0, also the second time; -EPIPE after a close; -EOPNOTSUPP where the protocol below has no such thing (TLS); an
 * error of the connection; -ECANCELED, -EPERM. asyncio: StreamWriter.write_eof.
 */
COIL_API int coil_stream_write_eof(coil_stream *stream);

/*
 * Sets how many bytes may wait to be sent before a write waits (high, 64 KiB by default), and how few there must be before it
 * goes on (low, 16 KiB). A high of 0 keeps nothing back. Returns 0; -EINVAL if low is above high. asyncio:
 * WriteTransport.set_write_buffer_limits.
 */
COIL_API int coil_stream_set_write_limits(coil_stream *stream, size_t high, size_t low);

/* How many bytes wait to be sent. asyncio: WriteTransport.get_write_buffer_size. */
COIL_API size_t coil_stream_write_buffer_size(const coil_stream *stream);

/* ---- closing --------------------------------------------------------------------------------------------------------- */

/*
 * Sends what was written, then closes the connection. Awaits only where something is left to be sent. Whatever it returns, the stream is
 * closed: the first error that came while sending; -ECANCELED, and then what was left is dropped, so that a time limit around
 * it is a limit for that; a task that has been cancelled and wants to be gone calls coil_stream_abort. A task that waits to read gets the end, one that waits to write gets -EPIPE. Closing twice does no harm. The
 * reference stays the caller's. asyncio: StreamWriter.close and wait_closed.
 */
COIL_API int coil_stream_close(coil_stream *stream);

/* Closes the connection now, and drops what was not sent. Does not await. NULL is fine. asyncio: WriteTransport.abort. */
COIL_API void coil_stream_abort(coil_stream *stream);

/* Whether it is closed or about to be. asyncio: StreamWriter.is_closing. */
COIL_API bool coil_stream_is_closing(const coil_stream *stream);

/* ---- what lies below ------------------------------------------------------------------------------------------------- */

/* What coil_stream_get_extra_info can tell. */
enum coil_extra_info {
    COIL_INFO_PEERNAME = 1, /* a struct sockaddr: the address of the peer */
    COIL_INFO_SOCKNAME,     /* a struct sockaddr: the address of this side */
    COIL_INFO_SOCKET        /* an int: the descriptor, which stays the stream's */
};

/*
 * Tells something about the connection: fills value, of *length bytes, and sets *length to the size of the whole, of which what does not
 * fit is left out, as in getpeername(2). The peer's name is known after a close, too. Returns 0; -EBADF once it is closed; -EINVAL;
 * what getsockname(2) may fail with. asyncio: StreamWriter.get_extra_info.
 */
COIL_API int coil_stream_get_extra_info(const coil_stream *stream, enum coil_extra_info what, void *value,
                                        socklen_t *length);

#ifdef __cplusplus
}
#endif

#endif
