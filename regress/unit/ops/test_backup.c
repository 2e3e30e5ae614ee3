/*
 * test_backup.c - what is wrong with a backup before the server is asked is said before it is asked. The rest of it is
 * told by its parts' tests and, on real servers, by regress/t.
 */
#include "ops/backup.h"

#include "check_main.h"

#include <string.h>

static struct repo near = {.name = (char *) (uintptr_t) "near"}, far = {.name = (char *) (uintptr_t) "far"};
static struct repo *repos[] = {&near, &far};
static struct cluster cluster = {.name = (char *) (uintptr_t) "main",
                                 .conninfo = (char *) (uintptr_t) "host=/nowhere/at/all",
                                 .repos = repos,
                                 .repo_count = 2};

START_TEST(wrong_options_are_refused_before_the_server_is_asked)
{
    static const struct {
        struct backup_options options;
        enum err_code code;
        const char *says;
    } table[] = {
        {{.repo = "elsewhere"}, ERR_USAGE, "there is no repository \"elsewhere\""},
        {{.label = "weekly \xFF"}, ERR_USAGE, "the backup's label is not UTF-8"},
        {{.label = "weekly \xC3\xA4", .repo = "far"}, ERR_UNREACHABLE, "/nowhere/at/all"},
        {{.label = NULL}, ERR_UNREACHABLE, "/nowhere/at/all"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char id[BACKUP_ID_MAX] = "";
        struct err e = ERR_NONE;

        ck_assert_int_eq(ops_backup(&cluster, &table[i].options, id, &e), table[i].code);
        ck_assert_msg(strstr(e.text, table[i].says) != NULL, "row %zu: %s", i, e.text);
        ck_assert(backup_id_is_valid(id) && strstr(e.text, id) != NULL);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {wrong_options_are_refused_before_the_server_is_asked};

    return check_main(suite_of("ops/backup", tests, sizeof(tests) / sizeof(tests[0])));
}
