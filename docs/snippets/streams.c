/* A server that answers each line in capitals, and a client that asks it two questions. */
#include <coil.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int answer(coil_stream *stream, void *userdata)
{
    char line[80];
    ssize_t length;

    (void)userdata;
    while ((length = coil_stream_read_line(stream, line, sizeof(line))) > 0) {
        for (ssize_t i = 0; i < length; i++) {
            line[i] = (char)toupper((unsigned char)line[i]);
        }
        length = coil_stream_write(stream, line, (size_t)length);
        if (length < 0) {
            break;
        }
    }
    return (int)length;
}

static int ask(coil_stream *stream, const char *question)
{
    char line[80];
    ssize_t length = coil_stream_write(stream, question, strlen(question));

    if (length >= 0) {
        length = coil_stream_read_line(stream, line, sizeof(line));
    }
    if (length > 0) {
        printf("%s", line);
    }
    return length < 0 ? (int)length : 0;
}

static int main_(void *arg)
{
    coil_server *server;
    coil_stream *stream;
    char port[8];

    (void)arg;
    int rc = coil_start_server(&server, answer, NULL, "127.0.0.1", "0");
    if (rc < 0) {
        return rc;
    }
    snprintf(port, sizeof(port), "%d", coil_server_port(server));
    rc = coil_open_connection(&stream, "127.0.0.1", port, .timeout = 5);
    if (rc == 0) {
        rc = ask(stream, "hello\n");
        rc = rc < 0 ? rc : ask(stream, "and goodbye\n");
        (void)coil_stream_close(stream); /* all has been sent and answered */
        coil_stream_unref(stream);
    }
    (void)coil_server_shutdown(server, 1);
    coil_server_unref(server);
    return rc;
}

int main(void)
{
    return coil_run(main_, NULL) < 0;
}
