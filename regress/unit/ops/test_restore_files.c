/*
 * test_restore_files.c - files are laid out as the index names them, with their permissions at last; and an index that
 * asks for something else is refused.
 */
#include "ops/restore_files.h"

#include "repo/object.h"
#include "restored.h"

#include <sys/wait.h>

#define NOBODY 65534

/* As the owner that is not root: only then do permissions bind. */
START_TEST(what_may_only_be_read_is_restored_too)
{
    static const struct sample samples[] = {
        {"locked/", 0500, EMPTY, 0},        {"locked/in/", 0500, EMPTY, 0},
        {"locked/in/file", 0400, NOISE, 9}, {"server.key", 0400, NOISE, CHUNK},
        {"zeros", 0400, ZEROS, 5},
    };
    struct err e = ERR_STALE;
    int status;
    pid_t child;

    store(samples, COUNT(samples));
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(scratch, NOBODY, NOBODY), 0);
        ck_assert_int_eq(chown(tree.pgdata, NOBODY, NOBODY), 0);
    }
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (geteuid() == 0 &&
            (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0))
            _exit(2);
        if (restore(&e) == ERR_OK)
            _exit(0);
        (void) fprintf(stderr, "%s\n", e.text);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned) status);
    for (size_t i = COUNT(samples); i-- > 0;)
        check_sample(&samples[i]);
    ck_assert_int_eq(chmod(scratch_path(tree.pgdata, "locked"), 0700), 0);
    ck_assert_int_eq(chmod(scratch_path(tree.pgdata, "locked/in"), 0700), 0);
}
END_TEST

/* ---- an index that asks for something else ---- */

/* Put this text in the index's place, as a sealed object that info promises. */
static enum err_code push_text(void *text, struct sink *to, struct err *e)
{
    return sink_write(to, text, strlen(text), e);
}

static void plant(const char *records)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    CLEANUP(buf_clear) struct buf text = BUF_INIT(8192);
    enum object_outcome outcome;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    OK(buf_printf(&text, &e, "pitr-index 1 " ID "\nS\t0\t" ID "\n%s", records));
    OK(object_describe_new(&repo, "index", ID, &d, &e));
    OK(sha256(text.data, text.len, d.sha256, &e));
    d.size = text.len;
    d.sized = true;
    memcpy(info.index_sha256, d.sha256, SHA256_BYTES);
    layout_backup_index(&layout, ID, key);
    OK(object_put(&repo, key, &d, push_text, (void *) buf_cstr(&text), &outcome, &e));
}

#define HASH "0000000000000000000000000000000000000000000000000000000000000000"

static const struct {
    const char *why, *records, *text;
} planted[] = {
    {"fine, so that the others fail for their own reason", "D\t700\tbase\nE\t0\t0\t0\n", NULL},
    {"a link that leads out", "L\tpg_wal\t/etc\nE\t0\t0\t0\n", "symbolic link \"pg_wal\""},
    {"a file above", "F\t600\t0\t0\t../x\nX\t00000000\nE\t1\t0\t0\n", "line 3"},
    {"an absolute file", "F\t600\t0\t0\t/tmp/x\nX\t00000000\nE\t1\t0\t0\n", "line 3"},
    {"a file twice", "F\t600\t0\t0\tx\nX\t00000000\nF\t600\t0\t0\tx\nX\t00000000\nE\t2\t0\t0\n",
     "could not create file"},
    {"a file in a directory that is not named", "F\t600\t0\t0\tno/x\nX\t00000000\nE\t1\t0\t0\n",
     "could not create file"},
    {"a pack that is not there",
     "F\t600\t1\t0\tx\nC\t1\t" HASH "\t0\t900\t0\t0\t64\nX\t00000000\nE\t1\t1\t1\n", "pack-000900"},
    {"a source that is not named",
     "F\t600\t1\t0\tx\nC\t1\t" HASH "\t1\t0\t0\t0\t64\nX\t00000000\nE\t1\t1\t1\n", "line 4"},
    {"no end", "D\t700\tbase\n", "end"},
};

START_TEST(an_index_that_asks_for_something_else_is_refused)
{
    struct err e = ERR_NONE;

    plant(planted[_i].records);
    if (planted[_i].text == NULL) {
        OK(restore(&e));
        return;
    }
    ck_assert_msg(restore(&e) != ERR_OK, "%s", planted[_i].why);
    ck_assert_msg(strstr(e.text, planted[_i].text) != NULL, "%s: %s", planted[_i].why, e.text);
}
END_TEST

START_TEST(another_index_than_promised_is_refused)
{
    struct err e = ERR_NONE;

    plant(planted[0].records);
    info.index_sha256[0] ^= 1;
    ck_assert_int_ne(restore(&e), ERR_OK);
    ck_assert_msg(strstr(e.text, "is not the one its summary promises") != NULL, "%s", e.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/restore_files");
    TCase *tcase = tcase_create("ops/restore_files");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_may_only_be_read_is_restored_too);
    tcase_add_loop_test(tcase, an_index_that_asks_for_something_else_is_refused, 0, (int) COUNT(planted));
    tcase_add_test(tcase, another_index_than_promised_is_refused);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
