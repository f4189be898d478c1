/* Files: reading and writing them at places, names, listings; carried out by the kernel or in threads, as the backend has it. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "harness.h"
#include "suites.h"

/* A folder that is gone when the test is over. */
static char folder[sizeof "/tmp/coil-test-XXXXXX"];

static const char *path_of(const char *name)
{
    static char paths[4][100];
    static int next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void setup(void)
{
    strcpy(folder, "/tmp/coil-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    char command[120];

    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static int make_file(const char *name)
{
    int fd = coil_open(path_of(name), O_RDWR | O_CREAT | O_EXCL, 0600);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void fill_with_pattern(char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        data[i] = (char)(i * 31 + i / 253);
    }
}

IO_TEST(what_is_written_at_a_place_is_read_there)
{
    char buffer[16] = "";
    int fd = make_file("file");

    ck_assert_int_eq(coil_pwrite(fd, "world", 5, 6), 5);
    ck_assert_int_eq(coil_pwrite(fd, "hello ", 6, 0), 6);
    ck_assert_int_eq(coil_pread(fd, buffer, sizeof buffer, 0), 11);
    ck_assert_str_eq(buffer, "hello world");
    ck_assert_int_eq(coil_pread(fd, buffer, 5, 6), 5);
    ck_assert_int_eq(memcmp(buffer, "world", 5), 0);
    ck_assert_int_eq(coil_pread(fd, buffer, 5, 11), 0);
    ck_assert_int_eq(coil_pread(fd, buffer, 5, 1000), 0);
    ck_assert_int_eq(coil_pread(fd, buffer, 0, 0), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
    ck_assert_int_eq(coil_fsync(fd), 0);
    ck_assert_int_eq(coil_fdatasync(fd), 0);
    ck_assert_int_eq(coil_ftruncate(fd, 5), 0);
    ck_assert_int_eq(coil_read(fd, buffer, sizeof buffer), 5);
    ck_assert_int_eq(coil_read(fd, buffer, sizeof buffer), 0);
    ck_assert_int_eq(coil_close(fd), 0);
    return 0;
}

/* Where the i-th of count pieces begins: each is larger than the one before. */
static size_t place_of(int i, int count, size_t size)
{
    return (size_t)(i * i) * size / (size_t)(count * count);
}

IO_TEST(a_large_file_is_moved_whole)
{
    enum { SIZE = 3 << 20, PIECES = 100 };
    char *data = malloc(SIZE), *back = calloc(1, SIZE);
    struct iovec vectors[PIECES];
    int fd = make_file("large");

    fill_with_pattern(data, SIZE);
    for (int i = 0; i < PIECES; i++) { /* of sizes that differ, the empty one among them */
        size_t begin = place_of(i, PIECES, SIZE), end = place_of(i + 1, PIECES, SIZE);
        vectors[i] = (struct iovec){.iov_base = data + begin, .iov_len = end - begin};
    }
    ck_assert_int_eq(coil_pwritev(fd, vectors, PIECES, 10), SIZE);
    ck_assert_int_eq(coil_fdatasync(fd), 0);
    ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    for (int i = 0; i < PIECES; i++) {
        vectors[i].iov_base = back + ((char *)vectors[i].iov_base - data);
    }
    ck_assert_int_eq(coil_preadv(fd, vectors, PIECES, 10), SIZE);
    ck_assert_int_eq(memcmp(data, back, SIZE), 0);
    memset(back, 0, SIZE);
    ck_assert_int_eq(lseek(fd, 10, SEEK_SET), 10);
    ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    ck_assert_int_eq(coil_readv(fd, vectors, PIECES), SIZE);
    ck_assert_int_eq(memcmp(data, back, SIZE), 0);
    ck_assert_int_eq(coil_close(fd), 0);
    free(data);
    free(back);
    return 0;
}

IO_TEST(appended_pieces_stay_together)
{
    const struct iovec vectors[] = {{(char *)(uintptr_t) "ab", 2}, {NULL, 0}, {(char *)(uintptr_t) "cde", 3}};
    char buffer[16] = "";
    int fd = coil_open(path_of("log"), O_RDWR | O_CREAT | O_APPEND, 0600);

    ck_assert_int_eq(coil_writev(fd, vectors, 3), 5);
    ck_assert_int_eq(coil_write(fd, "!", 1), 1);
    ck_assert_int_eq(coil_pread(fd, buffer, sizeof buffer, 0), 6);
    ck_assert_str_eq(buffer, "abcde!");
    ck_assert_int_eq(coil_close(fd), 0);
    return 0;
}

IO_TEST(files_have_names)
{
    struct stat status, expected;
    struct statx found;
    int fd = make_file("one");

    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(coil_write(fd, "12345", 5), 5);
    ck_assert_int_eq(coil_stat(path_of("one"), &status), 0);
    ck_assert_int_eq(stat(path_of("one"), &expected), 0);
    ck_assert_int_eq(status.st_size, 5);
    ck_assert_uint_eq(status.st_ino, expected.st_ino);
    ck_assert_uint_eq(status.st_dev, expected.st_dev);
    ck_assert_uint_eq(status.st_mode, expected.st_mode);
    ck_assert_int_eq(status.st_mtim.tv_nsec, expected.st_mtim.tv_nsec);
    ck_assert_int_eq(coil_statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &found), 0);
    ck_assert_uint_eq(found.stx_size, 5);
    ck_assert_int_eq(coil_close(fd), 0);
    ck_assert_int_eq(coil_rename(path_of("one"), path_of("two")), 0);
    ck_assert_int_eq(coil_stat(path_of("one"), &status), -ENOENT);
    ck_assert_int_eq(coil_unlink(path_of("two")), 0);
    ck_assert_int_eq(coil_unlink(path_of("two")), -ENOENT);
    ck_assert_int_eq(coil_open(path_of("two"), O_RDONLY), -ENOENT);
    ck_assert_int_eq(coil_open(NULL, O_RDONLY), -EFAULT);
    ck_assert_int_eq(coil_stat(NULL, &status), -EFAULT);
    ck_assert_int_eq(coil_stat(path_of("two"), NULL), -EFAULT);
    ck_assert_int_eq(coil_statx(AT_FDCWD, path_of("two"), 0, STATX_SIZE, NULL), -EFAULT);
    ck_assert_int_eq(coil_rename(NULL, path_of("two")), -EFAULT);
    ck_assert_int_eq(coil_rename(path_of("two"), NULL), -EFAULT);
    return 0;
}

IO_TEST(folders_are_made_and_listed)
{
    enum { MANY = 2000 };
    const struct dirent *entry;
    coil_dir *dir;
    bool seen[MANY] = {false};
    char name[20];
    int count = 0, rc;

    ck_assert_int_eq(coil_mkdir(path_of("sub"), 0700), 0);
    ck_assert_int_eq(coil_mkdir(path_of("sub"), 0700), -EEXIST);
    int sub = coil_open(path_of("sub"), O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        int fd = openat(sub, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        close(fd);
    }
    int fd = coil_openat(sub, "7", O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(coil_close(fd), 0);
    ck_assert_int_eq(coil_close(sub), 0);
    ck_assert_int_eq(coil_opendir(&dir, path_of("sub")), 0);
    while ((rc = coil_readdir(dir, &entry)) == 1) {
        if (entry->d_name[0] != '.') {
            ck_assert(!seen[atoi(entry->d_name)]);
            seen[atoi(entry->d_name)] = true;
            count++;
        }
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(count, MANY);
    ck_assert_int_eq(coil_closedir(dir), 0);
    ck_assert_int_eq(coil_closedir(NULL), 0);
    ck_assert_int_eq(coil_rmdir(path_of("sub")), -ENOTEMPTY);
    ck_assert_int_eq(coil_opendir(&dir, path_of("sub/7")), -ENOTDIR);
    ck_assert_ptr_null(dir);
    ck_assert_int_eq(coil_opendir(NULL, path_of("sub")), -EINVAL);
    ck_assert_int_eq(coil_opendir(&dir, NULL), -EFAULT);
    ck_assert_int_eq(coil_readdir(NULL, &entry), -EINVAL);
    return 0;
}

IO_TEST(what_makes_no_sense_is_refused)
{
    struct iovec vector = {0};
    char byte;
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(coil_pread(fds[0], &byte, 1, 0), -ESPIPE);
    ck_assert_int_eq(coil_pread(fds[0], &byte, 1, -1), -EINVAL);
    ck_assert_int_eq(coil_readv(fds[0], &vector, -1), -EINVAL);
    ck_assert_int_eq(coil_readv(fds[0], &vector, 100000), -EINVAL);
    ck_assert_int_eq(coil_fsync(fds[0]), -EINVAL);
    ck_assert_int_eq(coil_ftruncate(fds[0], 0), -EINVAL);
    close_pair(fds);
    ck_assert_int_eq(coil_pread(fds[0], &byte, 1, 0), -EBADF);
    ck_assert_int_eq(coil_fsync(1000000), -EBADF);
    return 0;
}

/* ---- many at once, cancelled, closed --------------------------------------------------------------------------------- */

enum { BLOCKS = 64, BLOCK = 65536 };

struct reading {
    int fd;
    int block;
    char *data;
    ssize_t result;
};

static int read_block(void *arg)
{
    struct reading *reading = arg;

    reading->result = coil_pread(reading->fd, reading->data, BLOCK, (off_t)reading->block * BLOCK);
    return 0;
}

static int make_blocks(char *data)
{
    int fd = make_file("blocks");

    fill_with_pattern(data, (size_t)BLOCKS * BLOCK);
    ck_assert_int_eq(coil_write(fd, data, (size_t)BLOCKS * BLOCK), (ssize_t)BLOCKS * BLOCK);
    ck_assert_int_eq(coil_fsync(fd), 0);
    ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    return fd;
}

static int loop_index;

/* The loop index: nothing happens to them, some are cancelled, the file is closed under them. */
IO_LOOP_TEST(many_reads_at_once_each_get_their_own)
{
    char *data = malloc((size_t)BLOCKS * BLOCK), *back = calloc(BLOCKS, BLOCK);
    struct reading readings[BLOCKS];
    coil_task *tasks[BLOCKS];
    int fd = make_blocks(data);

    for (int i = 0; i < BLOCKS; i++) {
        readings[i] = (struct reading){.fd = fd, .block = i, .data = back + (size_t)i * BLOCK};
        tasks[i] = spawn(read_block, &readings[i]);
    }
    ck_assert_int_eq(coil_sleep(0), 0);
    for (int i = 0; i < BLOCKS && loop_index == 1; i += 3) {
        coil_cancel(tasks[i]);
    }
    if (loop_index == 2) {
        ck_assert_int_eq(coil_close(fd), 0);
    }
    for (int i = 0; i < BLOCKS; i++) {
        (void)coil_join(tasks[i]);
        ssize_t got = readings[i].result;
        ck_assert(got == BLOCK || (loop_index == 1 && i % 3 == 0 && (got == -ECANCELED || got > 0)) ||
                  (loop_index == 2 && (got == -EBADF || got > 0)));
        ck_assert_int_eq(memcmp(data + (size_t)i * BLOCK, back + (size_t)i * BLOCK, got > 0 ? (size_t)got : 0), 0);
    }
    if (loop_index != 2) {
        ck_assert_int_eq(coil_close(fd), 0);
    }
    free(data);
    free(back);
    return 0;
}

static int sync_file(void *arg)
{
    return coil_fsync(*(int *)arg);
}

IO_TEST(a_call_on_a_file_does_not_stop_the_others)
{
    enum { SIZE = 8 << 20 };
    char *data = calloc(1, SIZE);
    int fd = make_file("synced");

    ck_assert_int_eq(coil_pwrite(fd, data, SIZE, 0), SIZE);
    coil_task *task = spawn(sync_file, &fd);
    settle();
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(coil_close(fd), 0);
    free(data);
    return 0;
}

static int open_fifo(void *arg)
{
    int fd = coil_open(path_of("fifo"), O_RDONLY);

    *(int *)arg = fd;
    return fd;
}

IO_TEST(opening_a_fifo_waits_for_its_other_end)
{
    int fd = 0;

    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    coil_task *task = spawn(open_fifo, &fd);
    ck_assert_int_eq(coil_sleep(0.02), 0);
    ck_assert(!coil_done(task));
    int writer = coil_open(path_of("fifo"), O_WRONLY);
    ck_assert_int_ge(writer, 0);
    int reader = coil_join(task);
    ck_assert_int_ge(reader, 0);
    ck_assert_int_eq(fcntl(reader, F_GETFL) & O_NONBLOCK, 0);
    close_pair((int[2]){reader, writer});
    return 0;
}

/* In a thread it cannot be interrupted, and gets what it waited for. */
IO_TEST(opening_a_fifo_can_be_given_up)
{
    int fd = 0;

    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    coil_task *task = spawn(open_fifo, &fd);
    ck_assert_int_eq(coil_sleep(0.02), 0);
    coil_cancel(task);
    ck_assert_int_eq(coil_sleep(0.02), 0);
    int both = open(path_of("fifo"), O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert(fd == -ECANCELED || fd >= 0);
    if (fd >= 0) {
        ck_assert_int_eq(coil_close(fd), 0);
    }
    close(both);
    return 0;
}

static void hear_nothing(coil_loop *loop, const struct coil_report *report, void *unused)
{
    (void)loop;
    (void)report;
    (void)unused;
}

static int open_one(void *arg)
{
    return coil_open(arg, O_RDWR | O_CREAT, 0600);
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

START_TEST(a_loop_may_be_closed_while_a_file_is_being_opened)
    {
        int before = open_descriptors();
        coil_loop *loop = coil_loop_new(.debug = false);

        coil_loop_set_exception_handler(loop, hear_nothing, NULL);
        struct coil_task_options options = {.size = sizeof options, .arg = (void *)(uintptr_t)path_of("opened")};
        coil_unref(coil_loop_create_task(loop, open_one, &options));
        coil_task *task = coil_loop_create_task(loop, nothing, &options);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert_int_eq(open_descriptors(), before);
    }
END_TEST

Suite *file_suite(void)
{
    Suite *suite = suite_create("file");
    TCase *tests = tcase_create("files");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_written_at_a_place_is_read_there);
    tcase_add_test(tests, a_large_file_is_moved_whole);
    tcase_add_test(tests, appended_pieces_stay_together);
    tcase_add_test(tests, files_have_names);
    tcase_add_test(tests, folders_are_made_and_listed);
    tcase_add_test(tests, what_makes_no_sense_is_refused);
    tcase_add_loop_test(tests, many_reads_at_once_each_get_their_own, 0, 3);
    tcase_add_test(tests, a_call_on_a_file_does_not_stop_the_others);
    tcase_add_test(tests, opening_a_fifo_waits_for_its_other_end);
    tcase_add_test(tests, opening_a_fifo_can_be_given_up);
    tcase_add_test(tests, a_loop_may_be_closed_while_a_file_is_being_opened);
    suite_add_tcase(suite, tests);
    return suite;
}
