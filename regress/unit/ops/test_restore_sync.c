/*
 * test_restore_sync.c - a restore asks each file system once, where its answer counts, and every file and directory
 * where it does not; and what was not written to the disk is an error.
 */
#include "ops/restore_sync.h"

#include "../scratch.h"
#include "check_main.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(a)             (sizeof(a) / sizeof((a)[0]))
#define OVERLAYFS_SUPER_TYPE 0x794c7630
#define FUSE_TYPE            0x65735546

/* syncfs and fsync are the test's own here: they write down what was synced, in order, and fail when told to. */
static char synced[4096];
static int sync_errno, syncfs_errno;

static void write_down(const char *what, int fd)
{
    char link[64], path[1024];
    ssize_t len;

    (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path) - 1);
    path[len < 0 ? 0 : len] = '\0';
    (void) snprintf(synced + strlen(synced), sizeof(synced) - strlen(synced), "%s:%s ", what,
                    strrchr(path, '/') + 1);
}

static int answer(int sys_errno)
{
    errno = sys_errno;
    return sys_errno == 0 ? 0 : -1;
}

int fsync(int fd)
{
    write_down("fsync", fd);
    return answer(sync_errno);
}

int syncfs(int fd)
{
    write_down("syncfs", fd);
    return answer(syncfs_errno);
}

static char scratch[SCRATCH_MAX];
static struct tree_tablespace spaces[2];
static struct restore_tree tree;
static struct restore_sync sync_;

static void set_up(void)
{
    scratch_make(scratch);
    ck_assert_int_ge(asprintf(&tree.pgdata, "%s/data", scratch), 0);
    ck_assert_int_ge(asprintf(&spaces[0].directory, "%s/space", scratch),
                     0); /* the other one lies in place */
    ck_assert_int_eq(mkdir(tree.pgdata, 0700), 0);
    ck_assert_int_eq(mkdir(spaces[0].directory, 0700), 0);
    ck_assert_int_eq(mkdir(scratch_path(tree.pgdata, "base"), 0700), 0);
    ck_assert_int_eq(mknod(scratch_path(tree.pgdata, "base/file"), S_IFREG | 0400, 0), 0);
    ck_assert_int_eq(symlink("/nowhere", scratch_path(tree.pgdata, "base/link")), 0);
    ck_assert_int_eq(mknod(scratch_path(spaces[0].directory, "other"), S_IFREG | 0600, 0), 0);
    tree.tablespaces = spaces;
    tree.tablespace_count = COUNT(spaces);
}

static void tear_down(void)
{
    restore_sync_clear(&sync_);
    free(tree.pgdata);
    free(spaces[0].directory);
    scratch_remove(scratch);
}

/* Begun, then told how to go about it, whatever file system the test runs on. */
static void begin(bool each_file)
{
    struct err e = ERR_NONE;

    ck_assert_msg(restore_sync_begin(&sync_, &tree, &e) == ERR_OK, "%s", e.text);
    sync_.each_file = each_file;
    synced[0] = '\0';
}

START_TEST(a_file_system_is_asked_once_for_all_directories_on_it)
{
    struct err e = ERR_NONE;

    begin(false);
    ck_assert_msg(restore_sync_finish(&sync_, &tree, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(synced, "syncfs:space fsync:space ");
}
END_TEST

START_TEST(where_that_does_not_count_every_file_is_synced_and_then_its_directory)
{
    struct err e = ERR_NONE;

    begin(true);
    ck_assert_msg(restore_sync_finish(&sync_, &tree, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(synced, "fsync:other fsync:space fsync:file fsync:base fsync:data ");
}
END_TEST

START_TEST(what_is_not_on_disk_is_an_error)
{
    static const struct {
        bool each_file;
        int sync_errno, syncfs_errno;
    } table[] = {{false, 0, EIO}, {false, EROFS, 0}, {true, EIO, 0}};

    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = ERR_NONE;

        begin(table[i].each_file);
        sync_errno = table[i].sync_errno;
        syncfs_errno = table[i].syncfs_errno;
        ck_assert_int_eq(restore_sync_finish(&sync_, &tree, &e), ERR_IO);
        ck_assert_int_eq(e.sys_errno, table[i].sync_errno + table[i].syncfs_errno);
        restore_sync_clear(&sync_);
    }
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_an_error)
{
    struct err e = ERR_NONE;

    scratch_remove(tree.pgdata);
    ck_assert_int_eq(restore_sync_begin(&sync_, &tree, &e), ERR_IO);
    ck_assert_msg(strstr(e.text, tree.pgdata) != NULL, "%s", e.text);
}
END_TEST

START_TEST(syncfs_is_relied_on_where_it_reports_failed_writes)
{
    static const struct {
        const char *release;
        long type;
        bool is_sound;
    } table[] = {
        {"6.1.0-28-amd64", EXT4_SUPER_MAGIC, true},
        {"5.8.0", XFS_SUPER_MAGIC, true},
        {"10.0", BTRFS_SUPER_MAGIC, true},
        {"6.12", TMPFS_MAGIC, true},
        {"5.7.19", EXT4_SUPER_MAGIC, false},
        {"4.19.0-27-amd64", XFS_SUPER_MAGIC, false},
        {"5", EXT4_SUPER_MAGIC, false},
        {"", EXT4_SUPER_MAGIC, false},
        {"6.1.0", OVERLAYFS_SUPER_TYPE, false},
        {"6.1.0", NFS_SUPER_MAGIC, false},
        {"6.1.0", FUSE_TYPE, false},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        ck_assert_msg(restore_sync_is_sound(table[i].release, table[i].type) == table[i].is_sound,
                      "\"%s\", %lx", table[i].release, (unsigned long) table[i].type);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_file_system_is_asked_once_for_all_directories_on_it,
        where_that_does_not_count_every_file_is_synced_and_then_its_directory,
        what_is_not_on_disk_is_an_error,
        a_directory_that_is_not_there_is_an_error,
        syncfs_is_relied_on_where_it_reports_failed_writes,
    };

    return check_main(suite_between("ops/restore_sync", set_up, tear_down, tests, COUNT(tests)));
}
