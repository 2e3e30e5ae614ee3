/*
 * test_spool.c - the spool is ours alone, and losing or garbling it costs a request, never more.
 */
#include "repo/spool.h"

#include "base/durable.h"
#include "check_main.h"
#include "scratch.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PLACE        "file:///repo "
#define LINE         "6789abcdef012345"
#define OK(call)                                   \
    do {                                           \
        if ((call) != ERR_OK)                      \
            ck_abort_msg("%s: %s", #call, e.text); \
    } while (0)

static char scratch[SCRATCH_MAX];

static void set_up(void)
{
    scratch_make(scratch);
}

static void tear_down(void)
{
    scratch_remove(scratch);
}

static struct spool *open_at(const char *dir)
{
    struct spool *s;
    struct err e = ERR_NONE;

    OK(spool_open(dir, "main", &s, &e));
    return s;
}

static void refused(const char *dir, enum err_code code)
{
    struct spool *s = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(spool_open(dir, "main", &s, &e), code);
    ck_assert_ptr_null(s);
    ck_assert_str_ne(e.hint, "");
}

static void mode_is(const char *path, mode_t mode)
{
    struct stat info;

    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, mode);
}

START_TEST(the_directories_are_made_closed_to_others)
{
    struct spool *s;
    mode_t before = umask(0);

    s = open_at(scratch_path(scratch, "a/b"));
    (void) umask(before);
    ck_assert_str_eq(spool_dir(s), scratch_path(scratch, "a/b/main"));
    mode_is(spool_dir(s), 0700);
    mode_is(scratch_path(scratch, "a/b"), 0700);
    spool_free(s);
}
END_TEST

START_TEST(a_parent_open_to_the_group_does_not_matter)
{
    ck_assert_int_eq(mkdir(scratch_path(scratch, "shared"), 0700), 0);
    ck_assert_int_eq(chmod(scratch_path(scratch, "shared"), 0775), 0);
    spool_free(open_at(scratch_path(scratch, "shared/spool")));
}
END_TEST

START_TEST(a_directory_open_to_others_is_refused)
{
    static const mode_t modes[] = {0750, 0705, 0720, 0777, 0710};

    for (size_t i = 0; i < COUNT(modes); i++) {
        ck_assert_int_eq(mkdir(scratch_path(scratch, "open"), 0700), 0);
        ck_assert_int_eq(chmod(scratch_path(scratch, "open"), modes[i]), 0);
        refused(scratch_path(scratch, "open"), ERR_USAGE);
        ck_assert_int_eq(rmdir(scratch_path(scratch, "open")), 0);
    }
}
END_TEST

START_TEST(an_open_cluster_directory_is_refused_as_well)
{
    spool_free(open_at(scratch_path(scratch, "spool")));
    ck_assert_int_eq(chmod(scratch_path(scratch, "spool/main"), 0755), 0);
    refused(scratch_path(scratch, "spool"), ERR_USAGE);
}
END_TEST

START_TEST(a_symbolic_link_is_not_followed_with_or_without_a_slash)
{
    ck_assert_int_eq(mkdir(scratch_path(scratch, "real"), 0700), 0);
    ck_assert_int_eq(symlink("real", scratch_path(scratch, "link")), 0);
    refused(scratch_path(scratch, "link"), ERR_IO);
    refused(scratch_path(scratch, "link/"), ERR_IO);
    refused(scratch_path(scratch, "link//"), ERR_IO);
    spool_free(open_at(scratch_path(scratch, "real/")));
    ck_assert_int_eq(rmdir(scratch_path(scratch, "real/main")), 0);
    ck_assert_int_eq(symlink("..", scratch_path(scratch, "real/main")), 0);
    refused(scratch_path(scratch, "real"), ERR_IO);
}
END_TEST

START_TEST(another_users_directory_is_refused)
{
    if (geteuid() == 0) {
        ck_assert_int_eq(mkdir(scratch_path(scratch, "theirs"), 0700), 0);
        ck_assert_int_eq(chown(scratch_path(scratch, "theirs"), 12345, 12345), 0);
        refused(scratch_path(scratch, "theirs"), ERR_USAGE);
    } else {
        refused("/", ERR_USAGE);
    }
}
END_TEST

START_TEST(a_file_in_its_place_is_refused)
{
    struct err e = ERR_NONE;

    OK(durable_write_file(scratch_path(scratch, "file"), "x", 1, 0600, &e));
    refused(scratch_path(scratch, "file"), ERR_IO);
    refused(scratch_path(scratch, "file/below"), ERR_IO);
}
END_TEST

START_TEST(what_was_learnt_is_known_to_the_next_process)
{
    struct spool *s = open_at(scratch);

    ck_assert(!spool_knows_line(s, PLACE, LINE));
    spool_learn_line(s, PLACE, LINE);
    spool_learn_line(s, "file:///second ", LINE);
    spool_learn_line(s, PLACE, "7000000000000001");
    spool_free(s);
    s = open_at(scratch);
    ck_assert(spool_knows_line(s, PLACE, LINE));
    ck_assert(spool_knows_line(s, "file:///second ", LINE));
    ck_assert(spool_knows_line(s, PLACE, "7000000000000001"));
    ck_assert(!spool_knows_line(s, "file:///second ", "7000000000000001"));
    ck_assert(!spool_knows_line(s, "file:///third ", LINE));
    mode_is(scratch_path(scratch, "main/lines"), 0600);
    spool_free(s);
}
END_TEST

START_TEST(a_cluster_knows_nothing_of_another)
{
    struct spool *s = open_at(scratch), *other;
    struct err e = ERR_NONE;

    spool_learn_line(s, PLACE, LINE);
    OK(spool_open(scratch, "second", &other, &e));
    ck_assert(!spool_knows_line(other, PLACE, LINE));
    spool_free(other);
    spool_free(s);
}
END_TEST

/* The tag of PLACE as it stands in the file; the rest of an entry is the test's. */
static void learnt_tag(struct spool *s, char tag[17])
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(4096);
    struct err e = ERR_NONE;

    spool_learn_line(s, PLACE, LINE);
    OK(buf_read_file(&text, scratch_path(scratch, "main/lines"), &e));
    ck_assert_uint_gt(text.len, 16);
    memcpy(tag, text.data, 16);
    tag[16] = '\0';
}

static void write_lines(const char *text, size_t len)
{
    struct err e = ERR_NONE;

    OK(durable_write_file(scratch_path(scratch, "main/lines"), text, len, 0600, &e));
}

START_TEST(only_a_whole_and_fresh_entry_is_believed)
{
    const int64_t now = (int64_t) time(NULL);
    static const struct {
        const char *form; /* of tag and seconds */
        int64_t age;
        bool known, knew;
    } table[] = {
        {"%s " LINE " %" PRId64 "\n", 0, true, true},
        {"%s " LINE " %" PRId64 "\n", SPOOL_TRUST_SECONDS - 60, true, true},
        {"%s " LINE " %" PRId64 "\n", SPOOL_TRUST_SECONDS + 1, false, true},
        {"%s " LINE " %" PRId64 "\n", -1000, false, true}, /* learnt tomorrow: the clock was set back */
        {"%s " LINE " %" PRId64, 0, false, false},         /* torn */
        {"garbage\n%s " LINE " %" PRId64 "\n", 0, true, true},
        {"%s " LINE " %" PRId64 " x\n", 0, false, false},
        {"%s " LINE "\n%" PRId64 "\n", 0, false, false},
        {"x%s " LINE " %" PRId64 "\n", 0, false, false},
        {"\n\n%s " LINE " %" PRId64 "\n\n", 0, true, true},
    };
    struct spool *s = open_at(scratch);
    char tag[17], text[256];

    learnt_tag(s, tag);
    for (size_t i = 0; i < COUNT(table); i++) {
        int len;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        len = snprintf(text, sizeof(text), table[i].form, tag, now - table[i].age);
#pragma GCC diagnostic pop
        write_lines(text, (size_t) len);
        ck_assert_msg(spool_knows_line(s, PLACE, LINE) == table[i].known, "entry %zu: %s", i, text);
        ck_assert_msg(spool_knew_line(s, PLACE, LINE) == table[i].knew, "entry %zu: %s", i, text);
    }
    spool_free(s);
}
END_TEST

START_TEST(learning_mends_whatever_the_file_had_become)
{
    struct spool *s = open_at(scratch);
    size_t len = 200000;
    char *garbage = malloc(len);

    ck_assert_ptr_nonnull(garbage);
    for (int i = 0; i < 3; i++) {
        memset(garbage, i == 0 ? 'x' : i == 1 ? '\0' : '\n', len);
        write_lines(garbage, i == 0 ? len : 1000);
        ck_assert(!spool_knows_line(s, PLACE, LINE));
        spool_learn_line(s, PLACE, LINE);
        ck_assert(spool_knows_line(s, PLACE, LINE));
    }
    free(garbage);
    spool_free(s);
}
END_TEST

START_TEST(learning_the_same_for_ever_does_not_fill_the_file)
{
    struct spool *s = open_at(scratch);
    struct stat info;

    for (int i = 0; i < 50; i++)
        spool_learn_line(s, PLACE, LINE);
    ck_assert_int_eq(stat(scratch_path(scratch, "main/lines"), &info), 0);
    ck_assert_int_lt(info.st_size, 100);
    spool_free(s);
}
END_TEST

START_TEST(a_directory_that_vanishes_costs_knowledge_only)
{
    struct spool *s = open_at(scratch_path(scratch, "spool"));

    spool_learn_line(s, PLACE, LINE);
    scratch_remove(scratch_path(scratch, "spool"));
    ck_assert(!spool_knows_line(s, PLACE, LINE));
    spool_learn_line(s, PLACE, LINE);
    ck_assert(!spool_knows_line(s, PLACE, LINE));
    spool_free(s);
}
END_TEST

START_TEST(processes_that_learn_at_once_leave_a_whole_file)
{
    enum { PROCESSES = 4, ROUNDS = 25 };
    struct spool *s = open_at(scratch);
    pid_t children[PROCESSES];
    int known = 0;

    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            char line[17];

            for (int n = 0; n < ROUNDS; n++) {
                (void) snprintf(line, sizeof(line), "%015x%x", n + 1, i);
                spool_learn_line(s, PLACE, line);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++)
        ck_assert_int_eq(waitpid(children[i], NULL, 0), children[i]);
    for (int i = 0; i < PROCESSES; i++)
        for (int n = 0; n < ROUNDS; n++) {
            char line[17];

            (void) snprintf(line, sizeof(line), "%015x%x", n + 1, i);
            known += spool_knows_line(s, PLACE, line);
        }
    ck_assert_int_gt(known, 0); /* the last to write knows its own at least */
    spool_free(s);
}
END_TEST

START_TEST(the_index_has_a_place_of_its_own_for_each_repository)
{
    CLEANUP(buf_clear) struct buf one = BUF_INIT(4096), two = BUF_INIT(4096), tiny = BUF_INIT(4);
    struct spool *s = open_at(scratch);

    ck_assert(spool_index_path(s, PLACE, &one));
    ck_assert(spool_index_path(s, "s3://b/p", &two));
    ck_assert_str_ne(buf_cstr(&one), buf_cstr(&two));
    ck_assert_int_eq(strncmp(buf_cstr(&one), spool_dir(s), strlen(spool_dir(s))), 0);
    ck_assert(!spool_index_path(s, PLACE, &tiny));
    spool_free(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_directories_are_made_closed_to_others,
        a_parent_open_to_the_group_does_not_matter,
        a_directory_open_to_others_is_refused,
        an_open_cluster_directory_is_refused_as_well,
        a_symbolic_link_is_not_followed_with_or_without_a_slash,
        another_users_directory_is_refused,
        a_file_in_its_place_is_refused,
        what_was_learnt_is_known_to_the_next_process,
        a_cluster_knows_nothing_of_another,
        only_a_whole_and_fresh_entry_is_believed,
        learning_mends_whatever_the_file_had_become,
        learning_the_same_for_ever_does_not_fill_the_file,
        a_directory_that_vanishes_costs_knowledge_only,
        processes_that_learn_at_once_leave_a_whole_file,
        the_index_has_a_place_of_its_own_for_each_repository,
    };

    return check_main(suite_between("repo/spool", set_up, tear_down, tests, COUNT(tests)));
}
