/*
 * test_file_sink.c - into a descriptor and out of one. write(2) and read(2) are wrapped for short and interrupted
 * calls.
 */
#include "stream/file_sink.h"

#include "stream/buf_sink.h"

#include "check_main.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int halting_fd = -1; /* its calls are interrupted every other time and move a byte at a time */
static unsigned calls;

static size_t halting_length(int fd, size_t len)
{
    return fd == halting_fd && len > 1 ? 1 : len;
}

static int is_interrupted(int fd)
{
    if (fd != halting_fd || ++calls % 2 == 0)
        return 0;
    errno = EINTR;
    return 1;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    return is_interrupted(fd) ? -1 : syscall(SYS_write, fd, bytes, halting_length(fd, len));
}

ssize_t read(int fd, void *bytes, size_t len)
{
    return is_interrupted(fd) ? -1 : syscall(SYS_read, fd, bytes, halting_length(fd, len));
}

static int make_file(char directory[SCRATCH_MAX])
{
    int fd;

    scratch_make(directory);
    fd = open(scratch_path(directory, "file"), O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(bytes_go_out_and_come_back_whole_also_when_interrupted)
{
    CLEANUP(buf_clear) struct buf back = BUF_INIT(1000);
    struct sink *out = NULL, *in = NULL;
    char directory[SCRATCH_MAX];
    struct err e = ERR_NONE;
    int fd = make_file(directory);

    for (int halting = 0; halting < 2; halting++) {
        halting_fd = halting ? fd : -1;
        buf_reset(&back);
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        ck_assert_int_eq(file_sink_new(fd, "file", &out, &e), ERR_OK);
        ck_assert_int_eq(sink_write(out, "header ", 7, &e) || sink_write(out, "", 0, &e), 0);
        ck_assert_int_eq(sink_write(out, "and body", 8, &e) || sink_finish(out, &e), 0);
        sink_freep(&out);
        ck_assert_int_eq(lseek(fd, 7, SEEK_SET), 7);
        ck_assert_int_eq(buf_sink_new(&back, &in, &e) || file_push(fd, "file", in, &e), 0);
        sink_freep(&in);
        ck_assert_str_eq(buf_cstr(&back), "and body");
    }
    halting_fd = -1;
    ck_assert_int_eq(close(fd), 0);
    scratch_remove(directory);
}
END_TEST

START_TEST(a_full_disk_fails_the_write)
{
    CLEANUP(sink_freep) struct sink *s = NULL;
    struct err e = ERR_NONE;
    int fd = open("/dev/full", O_WRONLY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(file_sink_new(fd, "the file", &s, &e), ERR_OK);
    ck_assert_int_eq(sink_write(s, "x", 1, &e), ERR_IO);
    ck_assert_int_eq(e.sys_errno, ENOSPC);
    ck_assert_str_eq(e.text, "could not write to file \"the file\": No space left on device");
    close(fd);
}
END_TEST

START_TEST(a_disk_that_fills_in_the_middle_of_a_write_fails_it)
{
    CLEANUP(sink_freep) struct sink *s = NULL;
    static char bytes[6000];
    char directory[SCRATCH_MAX];
    struct rlimit before, small;
    struct err e = ERR_NONE;
    int fd = make_file(directory);

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = before.rlim_max};
    ck_assert_int_eq(file_sink_new(fd, "file", &s, &e), ERR_OK);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_int_eq(sink_write(s, bytes, sizeof(bytes), &e), ERR_IO);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(e.sys_errno, EFBIG);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 4096);
    close(fd);
    scratch_remove(directory);
}
END_TEST

struct counter {
    struct sink base;
    size_t bytes, largest;
};

static enum err_code counter_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct counter *c = (struct counter *) s;

    (void) bytes;
    (void) e;
    c->bytes += len;
    c->largest = len > c->largest ? len : c->largest;
    return ERR_OK;
}

START_TEST(a_large_file_is_pushed_in_pieces)
{
    static const struct sink_ops ops = {.write = counter_write};
    struct counter counter = {.base.ops = &ops};
    char directory[SCRATCH_MAX];
    struct err e = ERR_NONE;
    int fd = make_file(directory);

    ck_assert_int_eq(ftruncate(fd, (5 << 20) + 3), 0);
    ck_assert_int_eq(file_push(fd, "file", &counter.base, &e), ERR_OK);
    ck_assert_uint_eq(counter.bytes, (5 << 20) + 3);
    ck_assert_uint_lt(counter.largest, 5 << 20);
    close(fd);
    scratch_remove(directory);
}
END_TEST

START_TEST(failures_of_either_end_stop_the_push)
{
    CLEANUP(buf_clear) struct buf small = BUF_INIT(3);
    CLEANUP(sink_freep) struct sink *s = NULL;
    char directory[SCRATCH_MAX];
    struct err e = ERR_NONE;
    int fd = make_file(directory), wrong = open(directory, O_RDONLY);

    ck_assert_int_eq(buf_sink_new(&small, &s, &e), ERR_OK);
    ck_assert_int_eq(file_push(wrong, "a directory", s, &e), ERR_IO);
    ck_assert_int_eq(e.sys_errno, EISDIR);
    ck_assert_int_eq(ftruncate(fd, 4), 0);
    ck_assert_int_eq(file_push(fd, "file", s, &e), ERR_CORRUPT);
    close(fd);
    close(wrong);
    scratch_remove(directory);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {bytes_go_out_and_come_back_whole_also_when_interrupted,
                                  a_full_disk_fails_the_write,
                                  a_disk_that_fills_in_the_middle_of_a_write_fails_it,
                                  a_large_file_is_pushed_in_pieces, failures_of_either_end_stop_the_push};

    return check_main(suite_of("stream/file_sink", tests, sizeof(tests) / sizeof(tests[0])));
}
