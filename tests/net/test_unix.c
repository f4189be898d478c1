/* Servers and clients on Unix sockets, and the files that they leave or find. */
#include <sys/stat.h>
#include <sys/un.h>

#include "serving.h"
#include "suites.h"

static char folder[] = "/tmp/coil-test-XXXXXX";

static const char *path_in(const char *name)
{
    static char path[64];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

IO_TEST(a_unix_server_makes_its_file_and_takes_it_away)
{
    struct stat status;
    coil_server *server;
    coil_stream *stream;
    char data[4];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    const char *path = path_in("socket");
    ck_assert_int_eq(coil_start_unix_server(&server, echo, NULL, path, .mode = 0600), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_int_eq(coil_server_port(server), 0);
    ck_assert_int_eq(coil_open_unix_connection(&stream, path), 0);
    ck_assert_int_eq(coil_stream_write(stream, "ab", 2), 2);
    ck_assert_int_eq(coil_stream_read_exactly(stream, data, 2), 2);
    leave(stream);
    end(server);
    ck_assert_int_eq(stat(path, &status), -1);
    ck_assert_int_eq(coil_open_unix_connection(&stream, path), -ENOENT);
    ck_assert_int_eq(rmdir(folder), 0);
    return 0;
}

IO_TEST(a_stale_socket_file_is_replaced_and_a_live_one_is_not)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    coil_server *server;
    coil_server *second;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    const char *path = path_in("socket");
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    ck_assert_int_eq(coil_start_unix_server(&server, echo, NULL, path), 0);
    ck_assert_int_eq(coil_start_unix_server(&second, echo, NULL, path), -EADDRINUSE);
    ck_assert_ptr_null(second);
    end(server);
    fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    close(fd);
    ck_assert_int_eq(coil_start_unix_server(&second, echo, NULL, path), -EADDRINUSE);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    return 0;
}

IO_TEST(a_file_that_is_anothers_by_now_stays)
{
    struct stat status;
    coil_server *server;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    const char *path = path_in("socket");
    ck_assert_int_eq(coil_start_unix_server(&server, echo, NULL, path), 0);
    ck_assert_int_eq(unlink(path), 0);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    close(fd);
    end(server);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    return 0;
}

IO_TEST(a_path_that_is_too_long_is_refused)
{
    char path[200];
    coil_server *server;
    coil_stream *stream;

    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(coil_start_unix_server(&server, echo, NULL, path), -ENAMETOOLONG);
    ck_assert_int_eq(coil_open_unix_connection(&stream, path), -ENAMETOOLONG);
    ck_assert_int_eq(coil_open_unix_connection(&stream, ""), -EINVAL);
    return 0;
}

Suite *unix_suite(void)
{
    Suite *suite = suite_create("unix");
    TCase *tests = tcase_create("unix-sockets");

    tcase_add_test(tests, a_unix_server_makes_its_file_and_takes_it_away);
    tcase_add_test(tests, a_stale_socket_file_is_replaced_and_a_live_one_is_not);
    tcase_add_test(tests, a_file_that_is_anothers_by_now_stays);
    tcase_add_test(tests, a_path_that_is_too_long_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
