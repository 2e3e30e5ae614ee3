/*
 * test_restore_tree.c - where each path of a backup goes, and what must not be written into.
 */
#include "ops/restore_tree.h"

#include "../scratch.h"
#include "check_main.h"

#include <string.h>

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define ERR_STALE ((struct err){.code = ERR_IO, .text = "left by an earlier call"})

static char scratch[SCRATCH_MAX];
static char data[300], fast[300], fast_inside[320];
static struct backup_tablespace spaces[] = {{.oid = 16384, .path = (char *) "/no/fast=1"},
                                            {.oid = 16385, .path = (char *) "pg_tblspc/16385"}};
static const struct backup_info backup = {
    .id = "20261120T021500Z-1a2b", .tablespaces = spaces, .tablespace_count = COUNT(spaces)};

static void set_up(void)
{
    scratch_make(scratch);
    (void) snprintf(data, sizeof(data), "%s/data", scratch);
    (void) snprintf(fast, sizeof(fast), "%s/fast", scratch);
    (void) snprintf(fast_inside, sizeof(fast_inside), "%s/fast", data);
}

static void tear_down(void)
{
    scratch_remove(scratch);
}

static enum err_code settle(const char *old_path, const char *new_path, struct restore_tree *t, struct err *e)
{
    const struct tablespace_mapping map = {old_path, new_path};
    const struct restore_options o = {.pgdata = data, .tablespaces = &map, .tablespace_count = 1};

    return restore_tree_init(t, &backup, &o, e);
}

static void make(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

START_TEST(each_path_goes_where_it_belongs)
{
    static const struct {
        const char *path, *below, *rest; /* below: data or fast */
    } cases[] = {
        {"base/1/2", data, "/base/1/2"},
        {"pg_tblspc/16384", data, "/pg_tblspc/16384"},
        {"pg_tblspc/16384/PG_16/3", fast, "/PG_16/3"},
        {"pg_tblspc/16385/PG_16/3", data, "/pg_tblspc/16385/PG_16/3"},
        {"pg_tblspc/163840/x", data, "/pg_tblspc/163840/x"},
        {TREE_CONTROL, data, "/" TREE_CONTROL_PENDING},
    };
    CLEANUP(restore_tree_clear) struct restore_tree t = {0};
    struct err e = ERR_STALE;
    char path[TREE_PATH_MAX], expected[TREE_PATH_MAX];
    static char longer[TREE_PATH_MAX + 1];

    make(data); /* empty is as good as absent */
    make(fast);
    ck_assert_msg(settle("/no/fast=1", fast, &t, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(e.text, ERR_STALE.text);
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void) snprintf(expected, sizeof(expected), "%s%s", cases[i].below, cases[i].rest);
        ck_assert_int_eq(restore_tree_path(&t, cases[i].path, path, &e), ERR_OK);
        ck_assert_str_eq(path, expected);
    }
    memset(longer, 'x', sizeof(longer) - 1);
    ck_assert_int_eq(restore_tree_path(&t, longer, path, &e), ERR_CORRUPT);
    ck_assert_str_eq(restore_tree_link(&t, "pg_tblspc/16384"), fast);
    ck_assert_ptr_null(restore_tree_link(&t, "pg_tblspc/16384/x"));
    ck_assert_ptr_null(restore_tree_link(&t, "pg_tblspc/16385"));
    ck_assert_ptr_null(restore_tree_link(&t, "pg_wal"));
}
END_TEST

START_TEST(a_tree_is_made_synced_and_finished)
{
    CLEANUP(restore_tree_clear) struct restore_tree t = {0};
    struct err e = ERR_STALE;
    struct stat st;

    ck_assert_int_eq(settle("/no/fast=1", fast, &t, &e), ERR_OK);
    ck_assert_int_eq(restore_tree_create(&t, &e), ERR_OK);
    make(scratch_path(data, "global"));
    ck_assert_int_eq(mknod(scratch_path(data, TREE_CONTROL_PENDING), S_IFREG | 0600, 0), 0);
    ck_assert_int_eq(restore_tree_finish(&t, 0750, &e), ERR_OK);
    ck_assert_int_eq(access(scratch_path(data, TREE_CONTROL), F_OK), 0);
    ck_assert_int_eq(stat(data, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0750);
}
END_TEST

static const struct {
    const char *why, *full, *old_path, *new_path;
    enum err_code expected;
} refused[] = {
    {"data directory not empty", data, "/no/fast=1", fast, ERR_REFUSED},
    {"tablespace directory not empty", fast, "/no/fast=1", fast, ERR_REFUSED},
    {"no such tablespace", NULL, "/no/fast", fast, ERR_USAGE},
    {"one in the other", NULL, "/no/fast=1", fast_inside, ERR_USAGE},
    {"the same", NULL, "/no/fast=1", data, ERR_USAGE},
    {"the data directory inside", NULL, "/no/fast=1", scratch, ERR_USAGE},
};

START_TEST(what_must_not_be_written_into_is_refused)
{
    CLEANUP(restore_tree_clear) struct restore_tree t = {0};
    struct err e = ERR_NONE;
    enum err_code code;

    if (refused[_i].full != NULL) {
        make(refused[_i].full);
        make(scratch_path(refused[_i].full, "x"));
    }
    code = settle(refused[_i].old_path, refused[_i].new_path, &t, &e);
    ck_assert_msg(code == refused[_i].expected, "%s: %d, %s", refused[_i].why, (int) code, e.text);
}
END_TEST

/* Links lie in scratch; where the restore goes is absent before it, as is what a link may lead to. */
static const struct {
    const char *why, *link, *target, *tablespace;
    bool data_is_there;
    enum err_code expected;
} linked[] = {
    {"a link to the data directory", "link", "data", "link/fast", true, ERR_USAGE},
    {"a link to what the restore makes", "link", "data", "link/fast", false, ERR_USAGE},
    {"a link that is the data directory itself", "link", "data", "link", false, ERR_USAGE},
    {"a link into the data directory", "link", "data/in/it", "link", false, ERR_USAGE},
    {"a link up and down again", "link", "sub/.././/data", "link/fast", false, ERR_USAGE},
    {"the data directory behind a link", "data", "real", "real/fast", false, ERR_USAGE},
    {"the data directory behind a link, by name", "data", "real", "data/fast", false, ERR_USAGE},
    {"up out of a directory that is still to be made", "link", "x", "new/../data/fast", false, ERR_USAGE},
    {"a link elsewhere", "link", "elsewhere", "link/fast", false, ERR_OK},
    {"a link to a name that begins alike", "link", "data2", "link", false, ERR_OK},
    {"a link to the root", "link", "/", "link/no/such/directory", false, ERR_OK},
};

START_TEST(a_link_does_not_hide_that_one_lies_in_the_other)
{
    CLEANUP(restore_tree_clear) struct restore_tree t = {0};
    struct err e = ERR_NONE;
    char link[300], tablespace[300];
    enum err_code code;

    (void) snprintf(link, sizeof(link), "%s/%s", scratch, linked[_i].link);
    (void) snprintf(tablespace, sizeof(tablespace), "%s/%s", scratch, linked[_i].tablespace);
    ck_assert_int_eq(symlink(linked[_i].target, link), 0);
    if (linked[_i].data_is_there)
        make(data);
    code = settle("/no/fast=1", tablespace, &t, &e);
    ck_assert_msg(code == linked[_i].expected, "%s: %d, %s", linked[_i].why, (int) code, e.text);
    if (code == ERR_OK)
        ck_assert_str_eq(t.tablespaces[0].directory, tablespace); /* as it was given */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/restore_tree");
    TCase *tcase = tcase_create("ops/restore_tree");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, each_path_goes_where_it_belongs);
    tcase_add_test(tcase, a_tree_is_made_synced_and_finished);
    tcase_add_loop_test(tcase, what_must_not_be_written_into_is_refused, 0, (int) COUNT(refused));
    tcase_add_loop_test(tcase, a_link_does_not_hide_that_one_lies_in_the_other, 0, (int) COUNT(linked));
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
