/*
 * test_durable.c - a whole file or none. The system calls that decide are wrapped here: each can be told to fail, and
 * all leave a trace, so that the order "fsync, close, rename, fsync of the directory" is checked and not believed.
 */
#include "base/durable.h"

#include "check_main.h"
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static char directory[SCRATCH_MAX];
static char trace[256];
static bool tracing;
static struct {
    int file_sync, directory_sync, link, close;
} fails; /* the errno to fail with, or 0 */

static void note(const char *what)
{
    if (tracing)
        strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

static bool is_directory_fd(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

static int fail_with(int wanted)
{
    errno = wanted;
    return -1;
}

int fsync(int fd)
{
    bool directory_fd = is_directory_fd(fd);
    int wanted = directory_fd ? fails.directory_sync : fails.file_sync;

    note(directory_fd ? "syncdir " : "sync ");
    return wanted ? fail_with(wanted) : (int) syscall(SYS_fsync, fd);
}

int link(const char *from, const char *to)
{
    note("link ");
    return fails.link ? fail_with(fails.link) : linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int rename(const char *from, const char *to)
{
    note("rename ");
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int close(int fd)
{
    bool directory_fd = tracing && is_directory_fd(fd);
    int result = (int) syscall(SYS_close, fd);

    if (!tracing || directory_fd)
        return result;
    note("close ");
    return fails.close ? fail_with(fails.close) : result;
}

static void set_up(void)
{
    scratch_make(directory);
    trace[0] = '\0';
    memset(&fails, 0, sizeof(fails));
}

static void tear_down(void)
{
    tracing = false;
    scratch_remove(directory);
}

static int count_entries(void)
{
    DIR *dir = opendir(directory);
    int count = -2;

    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

/* "" when there is no such file. */
static const char *content_of(const char *path)
{
    static char content[64];
    FILE *file = fopen(path, "r");
    size_t got = 0;

    if (file != NULL) {
        got = fread(content, 1, sizeof(content) - 1, file);
        fclose(file);
    }
    content[got] = '\0';
    return content;
}

enum how { REPLACE, NEW, QUICK };

static enum err_code commit(struct durable *d, enum how how, struct err *e)
{
    switch (how) {
    case REPLACE:
        return durable_commit(d, e);
    case NEW:
        return durable_commit_new(d, e);
    case QUICK:
        return durable_commit_quick(d, e);
    }
    return ERR_USAGE;
}

START_TEST(every_commit_takes_its_steps_in_order_and_reports_each_that_fails)
{
    static const struct {
        enum how how;
        int file_sync, close, link, directory_sync;
        enum err_code code;
        const char *trace;
        bool in_place;
    } cases[] = {
        {REPLACE, 0, 0, 0, 0, ERR_OK, "sync close rename syncdir ", true},
        {REPLACE, EIO, 0, 0, 0, ERR_IO, "sync close ", false},
        {REPLACE, 0, EIO, 0, 0, ERR_IO, "sync close ", false},
        {REPLACE, 0, 0, 0, EIO, ERR_IO, "sync close rename syncdir ", true},
        {NEW, 0, 0, 0, 0, ERR_OK, "sync close link syncdir ", true},
        {NEW, ENOSPC, 0, 0, 0, ERR_IO, "sync close ", false},
        {NEW, 0, EDQUOT, 0, 0, ERR_IO, "sync close ", false},
        {NEW, 0, 0, EIO, 0, ERR_IO, "sync close link ", false},
        {NEW, 0, 0, EEXIST, 0, ERR_CONFLICT, "sync close link ", false},
        {NEW, 0, 0, 0, EIO, ERR_IO, "sync close link syncdir ", true},
        {NEW, 0, 0, EPERM, 0, ERR_OK, "sync close link syncdir ", true},
        {NEW, 0, 0, EOPNOTSUPP, 0, ERR_OK, "sync close link syncdir ", true},
        {NEW, 0, 0, ENOSYS, 0, ERR_OK, "sync close link syncdir ", true},
        {QUICK, EIO, 0, 0, EIO, ERR_OK, "close rename ", true},
        {QUICK, 0, EIO, 0, 0, ERR_IO, "close ", false},
    };
    const char *path = scratch_path(directory, "file");
    struct durable d = DURABLE_NONE;
    struct err e = ERR_NONE;
    enum err_code code;

    ck_assert_int_eq(durable_open(&d, path, 0600, &e), ERR_OK);
    ck_assert_int_eq(durable_write_all(d.fd, "new", 3, "file", &e), ERR_OK);
    fails.file_sync = cases[_i].file_sync;
    fails.close = cases[_i].close;
    fails.link = cases[_i].link;
    fails.directory_sync = cases[_i].directory_sync;
    tracing = true;
    code = commit(&d, cases[_i].how, &e);
    tracing = false;
    ck_assert_int_eq(code, cases[_i].code);
    ck_assert_int_eq(e.code, cases[_i].code);
    ck_assert_str_eq(trace, cases[_i].trace);
    ck_assert_str_eq(content_of(path), cases[_i].in_place ? "new" : "");
    ck_assert_int_eq(count_entries(), cases[_i].in_place ? 1 : 0);
    ck_assert(d.fd == -1 && d.path == NULL && d.temporary == NULL);
    durable_discard(&d);
}
END_TEST

START_TEST(a_new_file_never_replaces_one)
{
    static const int link_answers[] = {0, EPERM};
    const char *path = scratch_path(directory, "file");
    struct err e = ERR_NONE;

    ck_assert_int_eq(durable_write_file(path, "old", 3, 0600, &e), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        struct durable d = DURABLE_NONE;

        fails.link = link_answers[i];
        ck_assert_int_eq(durable_open(&d, path, 0600, &e), ERR_OK);
        ck_assert_int_eq(durable_commit_new(&d, &e), ERR_CONFLICT);
        ck_assert_int_eq(e.sys_errno, EEXIST);
        ck_assert_str_eq(content_of(path), "old");
        ck_assert_int_eq(count_entries(), 1);
    }
}
END_TEST

START_TEST(a_link_whose_answer_was_lost_is_found_to_be_ours)
{
    const char *path = scratch_path(directory, "file");
    struct durable d = DURABLE_NONE;
    struct err e = ERR_NONE;

    ck_assert_int_eq(durable_open(&d, path, 0600, &e), ERR_OK);
    ck_assert_int_eq(linkat(AT_FDCWD, d.temporary, AT_FDCWD, path, 0), 0);
    ck_assert_int_eq(durable_commit_new(&d, &e), ERR_OK);
    ck_assert_int_eq(count_entries(), 1);
}
END_TEST

START_TEST(until_committed_the_old_file_stands_and_a_discard_leaves_nothing)
{
    const char *path = scratch_path(directory, "file");
    struct durable d = DURABLE_NONE;
    struct err e = ERR_NONE;

    ck_assert_int_eq(durable_write_file(path, "old", 3, 0600, &e), ERR_OK);
    ck_assert_int_eq(durable_open(&d, path, 0600, &e), ERR_OK);
    ck_assert_int_eq(durable_write_all(d.fd, "new", 3, "x", &e), ERR_OK);
    ck_assert_str_eq(content_of(path), "old");
    ck_assert_int_eq(count_entries(), 2);
    ck_assert_int_eq(strncmp(strrchr(d.temporary, '/') + 1, DURABLE_TMP_PREFIX "file.",
                             strlen(DURABLE_TMP_PREFIX "file.")),
                     0);
    durable_discard(&d);
    durable_discard(&d);
    durable_discard(NULL);
    ck_assert_int_eq(count_entries(), 1);
    ck_assert_int_eq(durable_write_file(path, "newer", 5, 0600, &e), ERR_OK);
    ck_assert_str_eq(content_of(path), "newer");
}
END_TEST

START_TEST(permissions_are_exact_whatever_the_umask)
{
    static const mode_t modes[] = {0600, 0640, 0666, 0755, 0400};
    mode_t before = umask(0077);

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        const char *path = scratch_path(directory, "file");
        struct err e = ERR_NONE;
        struct stat info;

        ck_assert_int_eq(durable_write_file(path, "x", 1, modes[i], &e), ERR_OK);
        ck_assert_int_eq(stat(path, &info), 0);
        ck_assert_uint_eq(info.st_mode & 07777, modes[i]);
    }
    umask(before);
}
END_TEST

START_TEST(names_that_can_not_be_are_refused_and_long_ones_fit)
{
    char name[256];
    struct durable d = DURABLE_NONE;
    struct err e = ERR_NONE;

    ck_assert_int_eq(durable_open(&d, "", 0600, &e), ERR_USAGE);
    ck_assert_int_eq(durable_open(&d, scratch_path(directory, ""), 0600, &e), ERR_USAGE);
    ck_assert_int_eq(durable_open(&d, scratch_path(directory, "none/file"), 0600, &e), ERR_IO);
    ck_assert_int_eq(e.sys_errno, ENOENT);
    ck_assert_int_eq(d.fd, -1);
    memset(name, 'n', 255);
    name[255] = '\0';
    ck_assert_int_eq(durable_write_file(scratch_path(directory, name), "x", 1, 0600, &e), ERR_OK);
    ck_assert_int_eq(count_entries(), 1);
}
END_TEST

START_TEST(a_name_without_directory_is_in_the_working_directory)
{
    int before = open(".", O_RDONLY | O_DIRECTORY);
    struct err e = ERR_NONE;

    ck_assert_int_eq(chdir(directory), 0);
    ck_assert_int_eq(durable_write_file("file", "x", 1, 0600, &e), ERR_OK);
    ck_assert_int_eq(fchdir(before), 0);
    close(before);
    ck_assert_str_eq(content_of(scratch_path(directory, "file")), "x");
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_leaves_nothing)
{
    static char bytes[8192];
    struct rlimit before, small;
    struct err e = ERR_NONE;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_int_eq(durable_write_file(scratch_path(directory, "f"), bytes, sizeof(bytes), 0600, &e),
                     ERR_IO);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    ck_assert_int_eq(e.sys_errno, EFBIG);
    ck_assert_int_eq(count_entries(), 0);
}
END_TEST

START_TEST(directories_are_made_all_the_way_with_their_mode)
{
    const char *deep = scratch_path(directory, "a//b/c/");
    mode_t before = umask(0077);
    struct err e = ERR_NONE;
    struct stat info;

    tracing = true;
    ck_assert_int_eq(durable_mkdirs(deep, 0750, true, &e), ERR_OK);
    ck_assert_int_eq(durable_mkdirs(deep, 0700, true, &e), ERR_OK);
    tracing = false;
    umask(before);
    ck_assert_str_eq(trace, "syncdir syncdir syncdir ");
    ck_assert_int_eq(stat(scratch_path(directory, "a/b"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0750);
    ck_assert_int_eq(stat(scratch_path(directory, "a/b/c"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0750);
    ck_assert_int_eq(durable_mkdirs("/", 0750, false, &e), ERR_OK);
    ck_assert_int_eq(durable_mkdirs(".", 0750, false, &e), ERR_OK);
}
END_TEST

START_TEST(directories_in_the_way_of_a_file_or_unsynced_are_errors)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(durable_write_file(scratch_path(directory, "file"), "x", 1, 0600, &e), ERR_OK);
    ck_assert_int_eq(durable_mkdirs(scratch_path(directory, "file"), 0700, false, &e), ERR_IO);
    ck_assert_int_eq(durable_mkdirs(scratch_path(directory, "file/d"), 0700, false, &e), ERR_IO);
    ck_assert_int_eq(durable_mkdirs("", 0700, false, &e), ERR_IO);
    ck_assert_int_eq(durable_sync_dir(scratch_path(directory, "file"), &e), ERR_IO);
    fails.directory_sync = EIO;
    ck_assert_int_eq(durable_mkdirs(scratch_path(directory, "d"), 0700, true, &e), ERR_IO);
    ck_assert_int_eq(durable_sync_dir(directory, &e), ERR_IO);
}
END_TEST

/* There is nothing more to be had there; failing would leave every new file refused after it stands. */
START_TEST(a_filesystem_that_can_not_fsync_directories_is_written_to_all_the_same)
{
    static const int refusals[] = {EINVAL, EBADF};

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const char *path = scratch_path(directory, "whole");
        struct err e = ERR_NONE;

        fails.directory_sync = refusals[i];
        ck_assert_msg(durable_write_file(path, "x", 1, 0600, &e) == ERR_OK, "%s", e.text);
        ck_assert_msg(durable_sync_dir(directory, &e) == ERR_OK, "%s", e.text);
        fails.directory_sync = 0;
        fails.file_sync = refusals[i]; /* of a file it is an error like any other */
        ck_assert_int_eq(durable_write_file(path, "y", 1, 0600, &e), ERR_IO);
        fails.file_sync = 0;
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_new_file_never_replaces_one,
                                  a_filesystem_that_can_not_fsync_directories_is_written_to_all_the_same,
                                  a_link_whose_answer_was_lost_is_found_to_be_ours,
                                  until_committed_the_old_file_stands_and_a_discard_leaves_nothing,
                                  permissions_are_exact_whatever_the_umask,
                                  names_that_can_not_be_are_refused_and_long_ones_fit,
                                  a_name_without_directory_is_in_the_working_directory,
                                  a_full_disk_is_an_error_and_leaves_nothing,
                                  directories_are_made_all_the_way_with_their_mode,
                                  directories_in_the_way_of_a_file_or_unsynced_are_errors};
    Suite *suite = suite_create("base/durable");
    TCase *tcase = tcase_create("durable");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, every_commit_takes_its_steps_in_order_and_reports_each_that_fails, 0, 15);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
