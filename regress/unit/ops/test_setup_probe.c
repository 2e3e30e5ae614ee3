/*
 * test_setup_probe.c - a probe in stores that keep the contract, and in some that don't.
 */
#include "ops/setup_probe.h"

#include "check_main.h"
#include "findings_match.h"
#include "storage/faulty.h"
#include "storage/memory.h"
#include "stream/sink.h"

#include <stdio.h>
#include <string.h>

static struct layout layout;
static struct findings findings;
static struct repo repo;
static struct store *inner; /* behind the faulty one */

static void set_up(void)
{
    struct err e = ERR_NONE;

    findings = (struct findings){.list = NULL};
    repo = (struct repo){.name = strdup("r2"), .codec = CODEC_LZ4};
    ck_assert_int_eq(layout_init(&layout, "main", 0x67aabbccddeeff00, &e), ERR_OK);
    ck_assert_int_eq(memory_store_new(&inner, &e), ERR_OK);
    ck_assert_int_eq(faulty_store_new(inner, &repo.store, &e), ERR_OK);
}

static void tear_down(void)
{
    findings_clear(&findings);
    recipients_clear(&repo.recipients);
    identities_clear(&repo.identities);
    store_free(repo.store);
    free(repo.name);
}

static bool count_object(const struct store_object *obj, void *arg)
{
    (void) obj;
    ++*(size_t *) arg;
    return true;
}

static size_t objects_left(void)
{
    const struct store_listing all = {.prefix = NULL};
    struct err e = ERR_NONE;
    size_t count = 0;

    ck_assert_int_eq(store_list(inner, &all, count_object, &count, &e), ERR_OK);
    return count;
}

/* One key pair: its recipient, and its identity where wanted. */
static void give_keys(bool identity_too, bool another_identity)
{
    struct identity mine, foreign;
    struct err e = ERR_NONE;
    char text[KEY_TEXT_MAX];

    ck_assert(identity_generate(&mine, &e) == ERR_OK && identity_generate(&foreign, &e) == ERR_OK);
    recipient_format(&(struct recipient){0}, text);
    {
        struct recipient r;

        memcpy(r.public_key, mine.public_key, KEY_BYTES);
        recipient_format(&r, text);
    }
    ck_assert_int_eq(recipients_parse(text, "test", &repo.recipients, &e), ERR_OK);
    if (!identity_too && !another_identity)
        return;
    identity_format(another_identity ? &foreign : &mine, text);
    ck_assert_int_eq(identities_parse(text, "test", &repo.identities, &e), ERR_OK);
}

START_TEST(a_good_store_passes_and_is_left_empty)
{
    setup_probe(&repo, &layout, &findings);
    ck_assert_int_eq(findings_verdict(&findings), ERR_OK);
    ck_assert_uint_eq(findings.count, 1);
    assert_found(&findings, FINDING_OK, "stored, read back the same, and could not be overwritten");
    ck_assert_uint_eq(objects_left(), 0);
}
END_TEST

START_TEST(with_a_fitting_identity_the_sealed_probe_is_opened)
{
    give_keys(true, false);
    setup_probe_keys(&repo, &findings);
    setup_probe(&repo, &layout, &findings);
    assert_found(&findings, FINDING_OK, "encrypted for 1 recipient, which an identity here can read");
    assert_found(&findings, FINDING_OK, "stored, read back the same");
}
END_TEST

START_TEST(without_an_identity_the_descriptor_is_compared)
{
    give_keys(false, false);
    setup_probe_keys(&repo, &findings);
    setup_probe(&repo, &layout, &findings);
    ck_assert_int_eq(findings_verdict(&findings), ERR_OK);
    assert_found(&findings, FINDING_OK, "its descriptor read back the same");
}
END_TEST

START_TEST(an_identity_of_other_keys_is_found)
{
    give_keys(true, true);
    setup_probe_keys(&repo, &findings);
    setup_probe(&repo, &layout, &findings);
    ck_assert_int_eq(findings_verdict(&findings), ERR_USAGE);
    assert_found(&findings, FINDING_FAILED, "none of the identities here can read");
    assert_found(&findings, FINDING_OK, "its descriptor read back the same");
}
END_TEST

START_TEST(no_recipients_means_unencrypted_and_is_said)
{
    setup_probe_keys(&repo, &findings);
    ck_assert_int_eq(findings_verdict(&findings), ERR_OK);
    assert_found(&findings, FINDING_WARNING, "stored unencrypted");
}
END_TEST

START_TEST(a_put_without_condition_is_a_weaker_promise)
{
    repo.unconditional_put = true;
    setup_probe(&repo, &layout, &findings);
    ck_assert_int_eq(findings_verdict(&findings), ERR_OK);
    assert_found(&findings, FINDING_WARNING, "conditional-put is off");
}
END_TEST

START_TEST(a_credential_that_cannot_delete_is_fine)
{
    faulty_fail(repo.store, &(struct faulty_plan){.at = FAULTY_REMOVE, .kind = ERR_DENIED});
    setup_probe(&repo, &layout, &findings);
    ck_assert_int_eq(findings_verdict(&findings), ERR_OK);
    assert_found(&findings, FINDING_OK, "this credential can't delete, which archiving does not need");
    ck_assert_uint_eq(objects_left(), 1);
}
END_TEST

/* One failure of the store, and what it is told as. */
static const struct {
    const char *why;
    struct faulty_plan plan;
    enum finding_level level;
    enum err_code verdict;
    const char *words;
    size_t left;
} failures[] = {
    {"can't write",
     {.at = FAULTY_PUT_OPEN, .kind = ERR_DENIED},
     FINDING_FAILED,
     ERR_DENIED,
     "storing a probe object: ",
     0},
    {"away",
     {.at = FAULTY_FINISH, .kind = ERR_UNREACHABLE},
     FINDING_FAILED,
     ERR_UNREACHABLE,
     "storing a probe object: ",
     0},
    {"away at the second",
     {.at = FAULTY_FINISH, .nth = 2, .kind = ERR_UNREACHABLE},
     FINDING_FAILED,
     ERR_UNREACHABLE,
     "a second time",
     0},
    {"answer lost, the object is ours",
     {.at = FAULTY_FINISH_LATE, .kind = ERR_CONFLICT},
     FINDING_OK,
     ERR_OK,
     "could not be overwritten",
     0},
    {"can't read",
     {.at = FAULTY_GET, .nth = 2, .kind = ERR_DENIED},
     FINDING_FAILED,
     ERR_DENIED,
     "reading back",
     0},
    {"not there any more",
     {.at = FAULTY_GET, .nth = 2, .kind = ERR_ABSENT},
     FINDING_FAILED,
     ERR_CORRUPT,
     "reading back",
     0},
    {"away at the removal",
     {.at = FAULTY_REMOVE, .kind = ERR_UNREACHABLE},
     FINDING_WARNING,
     ERR_OK,
     "could not remove the probe",
     1},
};

START_TEST(each_failure_of_a_store_is_found)
{
    faulty_fail(repo.store, &failures[_i].plan);
    setup_probe(&repo, &layout, &findings);
    assert_found(&findings, failures[_i].level, failures[_i].words);
    ck_assert_msg(findings_verdict(&findings) == failures[_i].verdict, "%s", failures[_i].why);
    ck_assert_uint_eq(objects_left(), failures[_i].left);
}
END_TEST

/* ---- a store that ignores conditions: what is there is replaced ---- */

struct careless {
    struct store base;
    struct store *to;
};

static enum err_code careless_put(struct store *s, const char *key, uint64_t hint, struct sink **out,
                                  struct err *e)
{
    struct store *to = ((struct careless *) s)->to;

    return store_remove(to, key, e) == ERR_OK ? store_put_open(to, key, hint, out, e) : e->code;
}

static enum err_code careless_get(struct store *s, const char *key, const struct store_range *range,
                                  struct sink *to, struct store_object *info, struct err *e)
{
    return store_get(((struct careless *) s)->to, key, range, to, info, e);
}

static enum err_code careless_list(struct store *s, const struct store_listing *what, store_visit *visit,
                                   void *arg, struct err *e)
{
    return store_list(((struct careless *) s)->to, what, visit, arg, e);
}

static enum err_code careless_remove(struct store *s, const char *key, struct err *e)
{
    return store_remove(((struct careless *) s)->to, key, e);
}

START_TEST(a_store_that_ignores_conditions_is_found)
{
    static const struct store_ops ops = {
        .put_open = careless_put, .get = careless_get, .list = careless_list, .remove = careless_remove};
    char url[] = "careless://";
    struct store *kept = repo.store;
    struct careless careless = {.base = {.ops = &ops, .url = url}, .to = inner};

    repo.store = &careless.base;
    setup_probe(&repo, &layout, &findings);
    repo.store = kept;
    ck_assert_int_eq(findings_verdict(&findings), ERR_REFUSED);
    assert_found(&findings, FINDING_FAILED, "ignores \"If-None-Match: *\"");
    ck_assert_ptr_nonnull(strstr(findings.list[0].hint, "conditional-put = no"));
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_uint_eq(objects_left(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/setup_probe");
    TCase *tcase = tcase_create("probe");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_good_store_passes_and_is_left_empty);
    tcase_add_test(tcase, with_a_fitting_identity_the_sealed_probe_is_opened);
    tcase_add_test(tcase, without_an_identity_the_descriptor_is_compared);
    tcase_add_test(tcase, an_identity_of_other_keys_is_found);
    tcase_add_test(tcase, no_recipients_means_unencrypted_and_is_said);
    tcase_add_test(tcase, a_put_without_condition_is_a_weaker_promise);
    tcase_add_test(tcase, a_credential_that_cannot_delete_is_fine);
    tcase_add_loop_test(tcase, each_failure_of_a_store_is_found, 0,
                        (int) (sizeof(failures) / sizeof(failures[0])));
    tcase_add_test(tcase, a_store_that_ignores_conditions_is_found);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
