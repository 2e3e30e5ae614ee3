/*
 * test_posix.c - objects as files: what lies on the disk, what is answered when the disk is not what it was.
 *
 * fsync is the test's own here: it writes down what was synced, in order, and fails when told to.
 */
#include "storage/posix.h"

#include "base/buf.h"
#include "base/durable.h"
#include "check_main.h"
#include "conformance.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[256];  /* the test's own directory          */
static char base[300]; /* of the repository, below top      */
static struct store *store;
static struct err e;

static pthread_mutex_t sync_lock = PTHREAD_MUTEX_INITIALIZER;
static char synced[4096]; /* base names of what was fsynced, each followed by a blank; files are "-" */
static bool is_recording;
static int fail_sync_from; /* 1 = the next and all after it fail; 0 = none */

int fsync(int fd)
{
    char link[64], path[512];
    struct stat st;
    ssize_t len;
    bool fail;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path) - 1);
    path[len < 0 ? 0 : len] = '\0';
    pthread_mutex_lock(&sync_lock);
    if (is_recording) {
        strcat(synced, fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? strrchr(path, '/') + 1 : "-");
        strcat(synced, " ");
    }
    fail = fail_sync_from == 1;
    if (fail_sync_from > 1)
        fail_sync_from--;
    pthread_mutex_unlock(&sync_lock);
    if (fail) {
        errno = EIO;
        return -1;
    }
    return (int) syscall(SYS_fsync, fd);
}

static void assert_synced(const char *expected)
{
    ck_assert_str_eq(synced, expected);
    synced[0] = '\0';
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;
    return remove(path);
}

static void remove_tree(void)
{
    nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void set_up(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(top, sizeof(top), "%s/test-posix-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(base, sizeof(base), "%s/base", top);
    e = ERR_NONE;
    synced[0] = '\0';
    is_recording = false;
    fail_sync_from = 0;
    ck_assert_msg(posix_store_open(base, true, &store, &e) == ERR_OK, "%s", e.text);
}

static void tear_down(void)
{
    store_freep(&store);
    remove_tree();
}

static const char *at(const char *name)
{
    static char paths[4][600];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", base, name);
    return path;
}

static enum err_code put(const char *key)
{
    return store_put(store, key, "12345", 5, &e);
}

static enum err_code swallow(struct sink *s, const void *bytes, size_t len, struct err *err)
{
    (void) s;
    (void) bytes;
    (void) len;
    (void) err;
    return ERR_OK;
}

static enum err_code get(const char *key)
{
    static const struct sink_ops ops = {.write = swallow};
    struct sink into = {.ops = &ops};

    return store_get(store, key, NULL, &into, NULL, &e);
}

static bool go_on(const struct store_object *obj, void *arg)
{
    (void) obj;
    (void) arg;
    return true;
}

static enum err_code list(const char *prefix)
{
    return store_list(store, &(struct store_listing){.prefix = prefix}, go_on, NULL, &e);
}

static void assert_keys(const char *expected)
{
    char *keys = conformance_list(store, &(struct store_listing){0});

    ck_assert_str_eq(keys, expected);
    free(keys);
}

static unsigned entries;

static int count_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) path;
    (void) st;
    (void) type;
    (void) ftw;
    entries++;
    return 0;
}

/* Nothing on the disk but the base directory itself: no temporary, no directory. */
static void assert_bare(void)
{
    entries = 0;
    nftw(base, count_entry, 16, FTW_PHYS);
    ck_assert_uint_eq(entries, 1);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    ck_assert_int_eq(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

START_TEST(files_and_directories_are_for_their_owner_only)
{
    ck_assert_int_eq(put("a/b/c"), ERR_OK);
    ck_assert_uint_eq(mode_of(base), 0700);
    ck_assert_uint_eq(mode_of(at("a")), 0700);
    ck_assert_uint_eq(mode_of(at("a/b")), 0700);
    ck_assert_uint_eq(mode_of(at("a/b/c")), 0600);
}
END_TEST

START_TEST(every_directory_above_a_new_object_is_synced)
{
    char expected[400];

    is_recording = true;
    ck_assert_int_eq(put("a/b/c"), ERR_OK);
    snprintf(expected, sizeof(expected), "%s base a - b ", strrchr(top, '/') + 1);
    assert_synced(expected);
    ck_assert_int_eq(put("a/b/d"), ERR_OK);
    assert_synced("- b ");
    ck_assert_int_eq(store_remove(store, "a/b/d", &e), ERR_OK);
    assert_synced("b ");
}
END_TEST

START_TEST(directories_another_process_made_are_synced_all_the_same)
{
    char expected[400];

    ck_assert_int_eq(mkdir(at("a"), 0700), 0);
    ck_assert_int_eq(mkdir(at("a/b"), 0700), 0);
    is_recording = true;
    ck_assert_int_eq(put("a/b/c"), ERR_OK);
    snprintf(expected, sizeof(expected), "%s base a - b ", strrchr(top, '/') + 1);
    assert_synced(expected);
}
END_TEST

START_TEST(a_conflict_is_answered_only_after_the_winner_is_durable)
{
    ck_assert_int_eq(put("a/b"), ERR_OK);
    is_recording = true;
    ck_assert_int_eq(put("a/b"), ERR_CONFLICT);
    assert_synced("- a ");
    fail_sync_from = 2;
    ck_assert_int_eq(put("a/b"), ERR_IO);
}
END_TEST

START_TEST(a_failed_sync_of_the_file_makes_no_object)
{
    ck_assert_int_eq(put("a/keep"), ERR_OK);
    fail_sync_from = 1;
    ck_assert_int_eq(put("a/b"), ERR_IO);
    fail_sync_from = 0;
    ck_assert_int_eq(get("a/b"), ERR_ABSENT);
    assert_keys("a/keep\n");
}
END_TEST

START_TEST(a_failed_sync_of_a_directory_is_a_failed_put)
{
    fail_sync_from = 1;
    ck_assert_int_eq(put("a/b"), ERR_IO);
    fail_sync_from = 0;
    ck_assert_int_eq(get("a/b"), ERR_ABSENT);
    ck_assert_int_eq(put("a/b"), ERR_OK);
}
END_TEST

static void assert_unreachable(void)
{
    ck_assert_int_eq(get("a/b"), ERR_UNREACHABLE);
    ck_assert_int_eq(get("x"), ERR_UNREACHABLE);
    ck_assert_int_eq(list(""), ERR_UNREACHABLE);
    ck_assert_int_eq(list("x/"), ERR_UNREACHABLE);
    ck_assert_int_eq(put("x"), ERR_UNREACHABLE);
    ck_assert_int_eq(put("y/x"), ERR_UNREACHABLE);
    ck_assert_int_eq(store_remove(store, "x", &e), ERR_UNREACHABLE);
    ck_assert_int_eq(store_remove(store, "y/x", &e), ERR_UNREACHABLE);
}

START_TEST(a_base_that_was_removed_is_unreachable_not_empty)
{
    ck_assert_int_eq(rmdir(base), 0);
    assert_unreachable();
}
END_TEST

START_TEST(a_base_that_was_replaced_is_unreachable_not_empty)
{
    char away[320];

    snprintf(away, sizeof(away), "%s/away", top);
    ck_assert_int_eq(rename(base, away), 0);
    ck_assert_int_eq(mkdir(base, 0700), 0);
    assert_unreachable();
    assert_bare();
}
END_TEST

START_TEST(a_base_is_made_when_only_it_is_missing)
{
    struct store *other = NULL;
    char path[400];
    struct store_listing all = {0};

    snprintf(path, sizeof(path), "%s/new//", top);
    ck_assert_int_eq(posix_store_open(path, true, &other, &e), ERR_OK);
    ck_assert_int_eq(store_list(other, &all, go_on, NULL, &e), ERR_OK);
    path[strlen(path) - 2] = '\0';
    ck_assert_str_eq(other->url + strlen("file://"), path);
    ck_assert_uint_eq(mode_of(path), 0700);
    store_freep(&other);
    snprintf(path, sizeof(path), "%s/for-readers", top);
    ck_assert_int_eq(posix_store_open(path, false, &other, &e), ERR_UNREACHABLE);
    ck_assert_int_ne(access(path, F_OK), 0);
    snprintf(path, sizeof(path), "%s/not/there", top);
    ck_assert_int_eq(posix_store_open(path, true, &other, &e), ERR_UNREACHABLE);
    ck_assert_str_ne(e.hint, "");
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_base_must_be_an_absolute_directory)
{
    struct store *other = NULL;
    char path[400];

    ck_assert_int_eq(posix_store_open("relative", true, &other, &e), ERR_USAGE);
    ck_assert_int_eq(posix_store_open("", true, &other, &e), ERR_USAGE);
    snprintf(path, sizeof(path), "%s/file", top);
    touch(path);
    ck_assert_int_eq(posix_store_open(path, true, &other, &e), ERR_USAGE);
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(links_are_not_followed)
{
    char outside[320];

    snprintf(outside, sizeof(outside), "%s/outside", top);
    ck_assert_int_eq(mkdir(outside, 0700), 0);
    ck_assert_int_eq(put("a/b"), ERR_OK);
    ck_assert_int_eq(symlink(at("a/b"), at("a/link")), 0);
    ck_assert_int_eq(get("a/link"), ERR_CORRUPT);
    ck_assert_int_eq(list("a/"), ERR_CORRUPT);
    ck_assert_int_eq(put("a/link"), ERR_CONFLICT);
    ck_assert_int_eq(symlink(outside, at("d")), 0);
    ck_assert_int_eq(put("d/x"), ERR_CORRUPT);
    ck_assert_int_eq(put("d/e/x"), ERR_CORRUPT);
    ck_assert_int_eq(get("d/x"), ERR_CORRUPT);
    ck_assert_int_eq(list("d/"), ERR_CORRUPT);
    ck_assert_int_eq(list(""), ERR_CORRUPT);
    ck_assert_int_eq(store_remove(store, "d/x", &e), ERR_CORRUPT);
    ck_assert_int_eq(rmdir(outside), 0);
}
END_TEST

static void make_directory(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_fifo(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void make_socket(const char *path)
{
    ck_assert_int_eq(mknod(path, S_IFSOCK | 0600, 0), 0);
}

static void make_link_to_nowhere(const char *path)
{
    ck_assert_int_eq(symlink("nowhere", path), 0);
}

static void make_link_to_itself(const char *path)
{
    ck_assert_int_eq(symlink(path, path), 0);
}

/* What lies at "x", and the key that is asked for: to be absent, the name itself has to be free. */
static const struct {
    const char *what;
    void (*make)(const char *path);
    const char *key;
    bool is_listed_past; /* a listing passes it by: no object can lie there */
} in_place[] = {
    {"a directory", make_directory, "x", true},
    {"a FIFO", make_fifo, "x", false},
    {"a socket", make_socket, "x", false},
    {"a link to nowhere", make_link_to_nowhere, "x", false},
    {"a link to itself", make_link_to_itself, "x", false},
    {"a file above", touch, "x/y", true},
    {"a FIFO above", make_fifo, "x/y", false},
    {"a socket above", make_socket, "x/y", false},
    {"a link to nowhere above", make_link_to_nowhere, "x/y", false},
    {"a link to itself above", make_link_to_itself, "x/y", false},
};

START_TEST(what_lies_in_an_objects_place_is_damage_and_not_absence)
{
    enum err_code code;

    in_place[_i].make(at("x"));
    code = get(in_place[_i].key);
    ck_assert_msg(code == ERR_CORRUPT, "%s: %d, %s", in_place[_i].what, (int) code, e.text);
    ck_assert_ptr_nonnull(strstr(e.text, "\"x"));
    code = list("");
    ck_assert_msg(code == (in_place[_i].is_listed_past ? ERR_OK : ERR_CORRUPT), "%s listed: %d",
                  in_place[_i].what, (int) code);
    ck_assert_msg(put(in_place[_i].key) != ERR_OK, "%s was replaced", in_place[_i].what);
}
END_TEST

START_TEST(a_key_is_not_both_object_and_directory)
{
    ck_assert_int_eq(put("a"), ERR_OK);
    ck_assert_int_eq(put("a/b"), ERR_REFUSED);
    ck_assert_int_eq(put("d/e"), ERR_OK);
    ck_assert_int_eq(put("d"), ERR_REFUSED);
    assert_keys("a\nd/e\n");
}
END_TEST

START_TEST(temporaries_and_foreign_files_are_not_listed)
{
    ck_assert_int_eq(put("a"), ERR_OK);
    touch(at(DURABLE_TMP_PREFIX "x.1.2"));
    touch(at("not a key"));
    ck_assert_int_eq(mkdir(at("lost+found"), 0), 0);
    ck_assert_int_eq(mkdir(at("empty"), 0700), 0);
    assert_keys("a\n");
    ck_assert_int_eq(put(DURABLE_TMP_PREFIX "y"), ERR_USAGE);
    ck_assert_int_eq(put("d/" DURABLE_TMP_PREFIX "y/z"), ERR_USAGE);
    ck_assert_int_eq(get(DURABLE_TMP_PREFIX "x.1.2"), ERR_USAGE);
    ck_assert_int_eq(store_remove(store, DURABLE_TMP_PREFIX "x.1.2", &e), ERR_USAGE);
}
END_TEST

START_TEST(a_name_longer_than_the_filesystem_takes_is_refused)
{
    char key[300];

    memset(key, 'k', sizeof(key));
    key[255] = '\0';
    ck_assert_int_eq(put(key), ERR_OK);
    ck_assert_int_eq(get(key), ERR_OK);
    key[255] = 'k';
    key[256] = '\0';
    ck_assert_int_eq(put(key), ERR_USAGE);
    ck_assert_int_eq(get(key), ERR_USAGE);
}
END_TEST

START_TEST(empty_directories_go_with_their_last_object)
{
    struct sink *abandoned;

    ck_assert_int_eq(put("a/b/c/d"), ERR_OK);
    ck_assert_int_eq(put("a/x"), ERR_OK);
    ck_assert_int_eq(store_remove(store, "a/b/c/d", &e), ERR_OK);
    ck_assert_int_ne(access(at("a/b"), F_OK), 0);
    ck_assert_int_eq(access(at("a/x"), F_OK), 0);
    ck_assert_int_eq(store_remove(store, "a/x", &e), ERR_OK);
    assert_bare();
    ck_assert_int_eq(store_put_open(store, "p/q/r", 0, &abandoned, &e), ERR_OK);
    sink_free(abandoned);
    assert_bare();
}
END_TEST

/* Run a body that changes the process for good in a child; 0 = passed, 77 = not possible here. */
static int in_child(int (*body)(void))
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(body());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Push a megabyte into one object; the code of the first failure. */
static enum err_code put_megabyte(const char *key)
{
    static const char piece[64 << 10];
    CLEANUP(sink_freep) struct sink *sink = NULL;

    if (store_put_open(store, key, 0, &sink, &e) != ERR_OK)
        return e.code;
    for (int i = 0; i < 16; i++)
        if (sink_write(sink, piece, sizeof(piece), &e) != ERR_OK)
            return e.code;
    return sink_finish(sink, &e);
}

static int meet_file_limit(void)
{
    struct rlimit limit = {100000, 100000};

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 77;
    return put_megabyte("a/b/c") == ERR_IO && e.sys_errno == EFBIG ? 0 : 1;
}

START_TEST(a_put_that_meets_the_file_size_limit_leaves_nothing)
{
    ck_assert_int_eq(in_child(meet_file_limit), 0);
    assert_bare();
}
END_TEST

static int fill_small_disk(void)
{
    int result = 1;
    struct store *outer = store;

    if (unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0 ||
        mount("none", "/", "none", MS_REC | MS_PRIVATE, "") != 0 ||
        mount("tmpfs", base, "tmpfs", 0, "size=512k") != 0)
        return 77;
    /* The store opened before now lies below the mount. */
    if (get("x") != ERR_UNREACHABLE || posix_store_open(base, true, &store, &e) != ERR_OK)
        return 2;
    if (put_megabyte("a/b/c") == ERR_IO && e.sys_errno == ENOSPC && put("small") == ERR_OK &&
        get("a/b/c") == ERR_ABSENT) {
        entries = 0;
        nftw(base, count_entry, 16, FTW_PHYS);
        result = entries == 2 ? 0 : 3;
    }
    store_free(store);
    store = outer;
    return result;
}

START_TEST(a_full_disk_leaves_nothing_and_a_covered_base_is_unreachable)
{
    int result = in_child(fill_small_disk);

    ck_assert_msg(result == 0 || result == 77, "step %d", result);
    if (result == 77)
        puts("# mounting is not permitted here: full disk not tried");
}
END_TEST

static int be_denied(void)
{
    if (geteuid() == 0 &&
        (chmod(top, 0755) != 0 || chown(base, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
        return 77;
    if (put("a/b") != ERR_OK || chmod(base, 0500) != 0)
        return 2;
    if (put("x") != ERR_DENIED || put("d/x") != ERR_DENIED || get("a/b") != ERR_OK)
        return 3;
    if (chmod(at("a"), 0) != 0 || get("a/b") != ERR_DENIED || get("a/c") != ERR_DENIED ||
        list("") != ERR_DENIED)
        return 4;
    return chmod(at("a"), 0700) == 0 && chmod(base, 0700) == 0 ? 0 : 5;
}

START_TEST(what_we_may_not_do_is_denied_not_absent)
{
    ck_assert_int_eq(in_child(be_denied), 0);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
    int before = open("/", O_RDONLY);
    int after;

    close(before);
    (void) put("a/b");
    (void) put("a/b");
    (void) put("a");
    (void) put("a/b/c");
    (void) get("a/b");
    (void) get("a");
    (void) get("x/y");
    ck_assert_int_eq(symlink("/", at("a/link")), 0);
    (void) get("a/link");
    (void) put("a/link/x");
    (void) list("");
    (void) list("a/b");
    (void) store_remove(store, "a/b", &e);
    (void) store_remove(store, "a/b", &e);
    after = open("/", O_RDONLY);
    close(after);
    ck_assert_int_eq(after, before);
}
END_TEST

static char shared[256];

static enum err_code open_shared(void *arg, struct store **out, struct err *err)
{
    (void) arg;
    return posix_store_open(shared, true, out, err);
}

static const struct conformance posix = {
    .open = open_shared, .prefix = "pre/fix/", .large_bytes = 40 << 20, .many = 2500, .timeout_s = 120};

int main(void)
{
    const TTest *const tests[] = {files_and_directories_are_for_their_owner_only,
                                  every_directory_above_a_new_object_is_synced,
                                  directories_another_process_made_are_synced_all_the_same,
                                  a_conflict_is_answered_only_after_the_winner_is_durable,
                                  a_failed_sync_of_the_file_makes_no_object,
                                  a_failed_sync_of_a_directory_is_a_failed_put,
                                  a_base_that_was_removed_is_unreachable_not_empty,
                                  a_base_that_was_replaced_is_unreachable_not_empty,
                                  a_base_is_made_when_only_it_is_missing,
                                  a_base_must_be_an_absolute_directory,
                                  links_are_not_followed,
                                  a_key_is_not_both_object_and_directory,
                                  temporaries_and_foreign_files_are_not_listed,
                                  a_name_longer_than_the_filesystem_takes_is_refused,
                                  empty_directories_go_with_their_last_object,
                                  a_put_that_meets_the_file_size_limit_leaves_nothing,
                                  a_full_disk_leaves_nothing_and_a_covered_base_is_unreachable,
                                  what_we_may_not_do_is_denied_not_absent,
                                  no_descriptor_is_left_open};
    Suite *suite = suite_create("storage/posix");
    TCase *tcase = tcase_create("files");
    const char *tmp = getenv("TMPDIR");
    int result;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, what_lies_in_an_objects_place_is_damage_and_not_absence, 0,
                        (int) (sizeof(in_place) / sizeof(in_place[0])));
    suite_add_tcase(suite, tcase);
    snprintf(shared, sizeof(shared), "%s/test-posix-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(shared) == NULL)
        return EXIT_FAILURE;
    conformance_add(suite, "conformance", &posix);
    result = check_main(suite);
    snprintf(top, sizeof(top), "%s", shared);
    remove_tree();
    return result;
}
