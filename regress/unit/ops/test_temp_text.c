/*
 * test_temp_text.c - records written through a buffer into a file without a name come back as often as they are wanted.
 */
#include "ops/temp_text.h"

#include "../scratch.h"
#include "check_main.h"
#include "repo/backup_index.h"
#include "stream/buf_sink.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define ID "20261120T021500Z-1a2b"
#define OK(call)                                   \
    do {                                           \
        if ((call) != ERR_OK)                      \
            ck_abort_msg("%s: %s", #call, e.text); \
    } while (0)

static char directory[SCRATCH_MAX];
static struct temp_text text;

static void set_up(void)
{
    scratch_make(directory);
    text = TEMP_TEXT_NONE;
}

static void tear_down(void)
{
    temp_text_close(&text);
    scratch_remove(directory);
}

static enum err_code open_index(struct err *e)
{
    return temp_text_open(&text, directory, e) == ERR_OK ? index_write_begin(&text.sink, ID, e) : e->code;
}

static enum err_code write_directory(uint64_t n, struct err *e)
{
    char path[64];

    (void) snprintf(path, sizeof(path), "directory-%" PRIu64, n);
    return index_write(&text.sink,
                       &(struct index_record){.type = INDEX_DIRECTORY, .mode = 0700, .path = path}, e);
}

static enum err_code write_end(struct err *e)
{
    const struct index_record self = {.type = INDEX_SOURCE, .id = ID}, end = {.type = INDEX_END};

    return index_write(&text.sink, &self, e) == ERR_OK ? index_write(&text.sink, &end, e) : e->code;
}

static enum err_code count_directory(const struct index_record *r, void *arg, struct err *e)
{
    uint64_t *count = arg;
    char path[64];

    (void) e;
    if (r->type != INDEX_DIRECTORY)
        return ERR_OK;
    (void) snprintf(path, sizeof(path), "directory-%" PRIu64, *count);
    ck_assert_str_eq(r->path, path);
    ++*count;
    return ERR_OK;
}

static uint64_t directories(void)
{
    CLEANUP(sink_freep) struct sink *parser = NULL;
    uint64_t count = 0;
    struct err e = ERR_NONE;

    OK(index_read_sink_new(ID, count_directory, &count, &parser, &e));
    OK(temp_text_push(&text, parser, &e));
    OK(sink_finish(parser, &e));
    return count;
}

START_TEST(what_was_written_comes_back_as_often_as_wanted)
{
    static const uint64_t counts[] = {0, 1, 100, 200000}; /* the last is many buffers full */

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct err e = {.code = ERR_IO, .text = "left by an earlier call"};

        OK(open_index(&e));
        for (uint64_t n = 0; n < counts[i]; n++)
            OK(write_directory(n, &e));
        OK(write_end(&e));
        ck_assert_uint_le(text.buffer.len, 1 << 20);
        OK(temp_text_flush(&text, &e));
        for (int again = 0; again < 3; again++)
            ck_assert_uint_eq(directories(), counts[i]);
        ck_assert_str_eq(e.text, "left by an earlier call");
        temp_text_close(&text);
    }
}
END_TEST

START_TEST(a_text_read_in_between_can_be_gone_on_with)
{
    CLEANUP(buf_clear) struct buf front = BUF_INIT(1 << 20);
    CLEANUP(sink_freep) struct sink *to = NULL;
    struct err e = ERR_NONE;

    OK(open_index(&e));
    OK(write_directory(0, &e));
    OK(temp_text_flush(&text, &e));
    OK(buf_sink_new(&front, &to, &e));
    OK(temp_text_push(&text, to, &e));
    ck_assert_str_eq(buf_cstr(&front), "pitr-index 1 " ID "\nD\t700\tdirectory-0\n");
    OK(write_directory(1, &e));
    OK(write_end(&e));
    OK(temp_text_flush(&text, &e));
    ck_assert_uint_eq(directories(), 2);
}
END_TEST

START_TEST(the_file_has_no_name_and_needs_a_directory)
{
    struct err e = ERR_NONE;
    char longer[5000];
    DIR *dir;

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_int_eq(temp_text_open(&text, longer, &e), ERR_USAGE);
    ck_assert_int_eq(temp_text_open(&text, scratch_path(directory, "none"), &e), ERR_IO);
    ck_assert_int_eq(e.sys_errno, ENOENT);
    OK(open_index(&e));
    dir = opendir(directory);
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *d = readdir(dir); d != NULL; d = readdir(dir))
        ck_assert_int_eq(d->d_name[0], '.');
    (void) closedir(dir);
    ck_assert_int_eq(rmdir(directory), 0); /* empty, hidden files too */
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    temp_text_close(&text);
    temp_text_close(&text);
}
END_TEST

START_TEST(a_full_disk_fails_the_write)
{
    struct rlimit before, limit;
    struct err e = ERR_NONE;
    enum err_code code = ERR_OK;
    uint64_t n = 0;

    (void) signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1 << 20;
    OK(open_index(&e));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    while (n < 200000 && code == ERR_OK)
        code = write_directory(n++, &e);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(code, ERR_IO);
    ck_assert_int_eq(e.sys_errno, EFBIG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/temp_text");
    TCase *tcase = tcase_create("ops/temp_text");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, what_was_written_comes_back_as_often_as_wanted);
    tcase_add_test(tcase, a_text_read_in_between_can_be_gone_on_with);
    tcase_add_test(tcase, the_file_has_no_name_and_needs_a_directory);
    tcase_add_test(tcase, a_full_disk_fails_the_write);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
