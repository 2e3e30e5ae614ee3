/*
 * test_secret.c - secrets: who may have access, what is left in memory, what is said.
 */
#include "base/secret.h"

#include "check_main.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static char directory[SCRATCH_MAX];

static void set_up(void)
{
    scratch_make(directory);
}

static void tear_down(void)
{
    scratch_remove(directory);
}

static const char *make_file(mode_t mode, const char *content, size_t len)
{
    const char *path = scratch_path(directory, "secret");
    int fd;

    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, len), (ssize_t) len);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

START_TEST(only_private_files_are_read)
{
    static const struct {
        mode_t mode;
        enum err_code code;
    } cases[] = {
        {0600, ERR_OK},    {0400, ERR_OK},    {0700, ERR_OK},    {0711, ERR_OK},
        {0640, ERR_USAGE}, {0620, ERR_USAGE}, {0604, ERR_USAGE}, {0602, ERR_USAGE},
        {0644, ERR_USAGE}, {0440, ERR_USAGE}, {0666, ERR_USAGE},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(secret_clear) struct buf out = BUF_INIT(100);
        struct err e = ERR_NONE;
        const char *path = make_file(cases[i].mode, "hush", 4);

        ck_assert_msg(secret_read_file(path, "s3-secret-file", &out, &e) == cases[i].code, "%o",
                      cases[i].mode);
        ck_assert_str_eq(buf_cstr(&out), cases[i].code == ERR_OK ? "hush" : "");
        if (cases[i].code != ERR_OK) {
            ck_assert_ptr_nonnull(strstr(e.text, "\"s3-secret-file\""));
            ck_assert_ptr_nonnull(strstr(e.hint, "chmod 600"));
            ck_assert_ptr_null(strstr(e.text, "hush"));
        }
    }
}
END_TEST

START_TEST(a_file_of_another_user_is_refused)
{
    CLEANUP(secret_clear) struct buf out = BUF_INIT(100);
    struct err e = ERR_NONE;
    const char *path = make_file(0600, "hush", 4);

    if (geteuid() != 0)
        return; /* only root can give a file away; then root's own check is what runs */
    ck_assert_int_eq(chown(path, 12345, 12345), 0);
    ck_assert_int_eq(secret_read_file(path, "key-file", &out, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "belongs to another user"));
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_without_waiting)
{
    const char *fifo = scratch_path(directory, "fifo");
    CLEANUP(secret_clear) struct buf out = BUF_INIT(100);
    struct err e = ERR_NONE;

    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(secret_read_file(fifo, "key-file", &out, &e), ERR_USAGE);
    ck_assert_int_eq(secret_read_file(directory, "key-file", &out, &e), ERR_USAGE);
    ck_assert_int_eq(secret_read_file("/dev/null", "key-file", &out, &e), ERR_USAGE);
    ck_assert_int_eq(secret_read_file(scratch_path(directory, "none"), "key-file", &out, &e), ERR_USAGE);
    ck_assert_int_eq(e.sys_errno, ENOENT);
}
END_TEST

START_TEST(one_trailing_newline_is_cut)
{
    static const struct {
        const char *content, *secret;
    } cases[] = {{"hush", "hush"}, {"hush\n", "hush"}, {"hush\n\n", "hush\n"},
                 {"a\nb", "a\nb"}, {"\n", ""},         {"", ""}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(secret_clear) struct buf out = BUF_INIT(100);
        struct err e = ERR_NONE;
        char expected[32], command[64];

        (void) snprintf(expected, sizeof(expected), "\n%s\n%s", cases[i].secret, cases[i].secret);
        (void) snprintf(command, sizeof(command), "printf '%s'", cases[i].content);
        ck_assert_int_eq(buf_puts(&out, "\n", &e), ERR_OK);
        ck_assert_int_eq(
            secret_read_file(make_file(0600, cases[i].content, strlen(cases[i].content)), "f", &out, &e),
            ERR_OK);
        ck_assert_int_eq(buf_puts(&out, "\n", &e), ERR_OK);
        ck_assert_int_eq(secret_read_command(command, "c", &out, &e), ERR_OK);
        ck_assert_str_eq(buf_cstr(&out), expected);
    }
}
END_TEST

START_TEST(a_secret_too_long_is_refused_and_wiped)
{
    static char content[65537];

    memset(content, 'S', sizeof(content));
    for (int small = 0; small < 2; small++) {
        CLEANUP(secret_clear) struct buf out = BUF_INIT(small ? 10 : 1 << 20);
        struct err e = ERR_NONE;
        size_t len = small ? 11 : sizeof(content);

        ck_assert_int_eq(secret_read_file(make_file(0600, content, len), "f", &out, &e), ERR_USAGE);
        ck_assert_uint_eq(out.len, 0);
        ck_assert_ptr_null(memchr(out.data, 'S', out.cap));
        ck_assert_int_eq(secret_read_file(make_file(0600, content, len - 1), "f", &out, &e), ERR_OK);
        ck_assert_uint_eq(out.len, len - 1);
    }
}
END_TEST

START_TEST(a_failed_command_leaves_no_secret_and_the_ceiling_as_it_was)
{
    static const struct {
        const char *command;
        enum err_code code;
    } cases[] = {{"printf SECRET; exit 1", ERR_USAGE},
                 {"yes SECRET", ERR_USAGE},
                 {"yes SECRET | head -c 65537", ERR_USAGE}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(secret_clear) struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_NONE;

        ck_assert_int_eq(secret_read_command(cases[i].command, "key-command", &out, &e), cases[i].code);
        ck_assert_uint_eq(out.len, 0);
        ck_assert_uint_eq(out.max, 1 << 20);
        ck_assert_ptr_null(memmem(out.data, out.cap, "SECR", 4));
        ck_assert_ptr_null(strstr(e.text, "SECRET"));
    }
}
END_TEST

START_TEST(clearing_takes_anything)
{
    char plain[] = "hush";
    struct buf out = BUF_INIT(10);

    secret_clear(NULL);
    secret_clear(&out);
    secret_wipe(plain, sizeof(plain));
    ck_assert_int_eq(memcmp(plain, "\0\0\0\0", 5), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {only_private_files_are_read,
                                  a_file_of_another_user_is_refused,
                                  what_is_no_regular_file_is_refused_without_waiting,
                                  one_trailing_newline_is_cut,
                                  a_secret_too_long_is_refused_and_wiped,
                                  a_failed_command_leaves_no_secret_and_the_ceiling_as_it_was,
                                  clearing_takes_anything};

    return check_main(
        suite_between("base/secret", set_up, tear_down, tests, sizeof(tests) / sizeof(tests[0])));
}
