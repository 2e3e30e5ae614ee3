/*
 * A store that is away answers everything with the reason, and never with "absent".
 */
#include "check_main.h"
#include "storage/away.h"

static bool visit(const struct store_object *obj, void *arg)
{
    (void) obj;
    (void) arg;
    ck_abort_msg("an away store listed something");
    return false;
}

START_TEST(every_operation_answers_with_the_reason)
{
    struct err why = ERR_NONE, e = ERR_NONE;
    struct store *s;
    struct sink *put;
    struct store_listing all = {.prefix = ""};

    err_set(&why, ERR_UNREACHABLE, "the disk is not mounted");
    ck_assert_int_eq(away_store_new("file:///mnt/backup", &why, &s, &e), ERR_OK);
    ck_assert_str_eq(s->url, "file:///mnt/backup");
    ck_assert_int_eq(store_put_open(s, "a", 0, &put, &e), ERR_UNREACHABLE);
    ck_assert_str_eq(e.text, "the disk is not mounted");
    ck_assert_int_eq(store_put(s, "a", "x", 1, &e), ERR_UNREACHABLE);
    ck_assert_int_eq(store_get(s, "a", NULL, NULL, NULL, &e), ERR_UNREACHABLE);
    ck_assert_int_eq(store_list(s, &all, visit, NULL, &e), ERR_UNREACHABLE);
    ck_assert_int_eq(store_remove(s, "a", &e), ERR_UNREACHABLE);
    store_free(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_operation_answers_with_the_reason};

    return check_main(suite_of("storage/away", tests, sizeof(tests) / sizeof(tests[0])));
}
