/*
 * test_faulty.c - the faulty store fails when told to, and is a store like any other when not.
 */
#include "storage/faulty.h"

#include "base/buf.h"
#include "check_main.h"
#include "conformance.h"
#include "storage/memory.h"

#include <string.h>

static struct store *inner;
static struct store *store;

static enum err_code open_faulty(void *arg, struct store **out, struct err *e)
{
    (void) arg;
    return memory_store_new(&inner, e) == ERR_OK ? faulty_store_new(inner, out, e) : e->code;
}

static const struct conformance faulty = {.open = open_faulty, .large_bytes = 1 << 20, .many = 100};

static void set_up(void)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(open_faulty(NULL, &store, &e), ERR_OK);
}

static void tear_down(void)
{
    store_free(store);
}

static enum err_code put(const char *key)
{
    struct err e = ERR_NONE;

    return store_put(store, key, "12345", 5, &e);
}

START_TEST(the_nth_put_fails_once)
{
    faulty_fail(store, &(struct faulty_plan){.at = FAULTY_FINISH, .nth = 2, .kind = ERR_UNREACHABLE});
    ck_assert_int_eq(put("a"), ERR_OK);
    ck_assert_int_eq(put("b"), ERR_UNREACHABLE);
    ck_assert_int_eq(put("b"), ERR_OK);
    ck_assert_uint_eq(faulty_failures(store), 1);
}
END_TEST

START_TEST(a_failure_may_last)
{
    faulty_fail(store, &(struct faulty_plan){.at = FAULTY_WRITE, .kind = ERR_IO, .forever = true});
    ck_assert_int_eq(put("a"), ERR_IO);
    ck_assert_int_eq(put("a"), ERR_IO);
    faulty_fail(store, NULL);
    ck_assert_int_eq(put("a"), ERR_OK);
    ck_assert_uint_eq(faulty_failures(store), 2);
}
END_TEST

START_TEST(a_lost_answer_leaves_the_object)
{
    char *text;

    faulty_fail(store, &(struct faulty_plan){.at = FAULTY_FINISH_LATE, .kind = ERR_UNREACHABLE});
    ck_assert_int_eq(put("a"), ERR_UNREACHABLE);
    ck_assert_int_eq(put("a"), ERR_CONFLICT);
    text = conformance_get(inner, "a");
    ck_assert_str_eq(text, "12345");
    free(text);
}
END_TEST

struct collect {
    struct sink base;
    char seen[16];
    size_t len;
};

static enum err_code collect_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct collect *c = (struct collect *) s;

    (void) e;
    memcpy(c->seen + c->len, bytes, len);
    c->len += len;
    return ERR_OK;
}

START_TEST(a_get_breaks_after_so_many_bytes)
{
    static const struct sink_ops ops = {.write = collect_write};

    ck_assert_int_eq(put("a"), ERR_OK);
    for (uint64_t byte = 0; byte <= 5; byte++) {
        struct collect c = {.base.ops = &ops};
        struct err e = ERR_NONE;

        faulty_fail(store, &(struct faulty_plan){.at = FAULTY_GET, .byte = byte, .kind = ERR_CORRUPT});
        ck_assert_int_eq(store_get(store, "a", NULL, &c.base, NULL, &e), ERR_CORRUPT);
        ck_assert_uint_eq(c.len, byte);
        ck_assert_int_eq(store_get(store, "a", NULL, &c.base, NULL, &e), ERR_OK);
    }
}
END_TEST

static bool count(const struct store_object *obj, void *arg)
{
    (void) obj;
    ++*(unsigned *) arg;
    return true;
}

START_TEST(a_listing_breaks_after_so_many_entries)
{
    struct err e = ERR_NONE;
    unsigned seen = 0;

    ck_assert_int_eq(put("a"), ERR_OK);
    ck_assert_int_eq(put("b"), ERR_OK);
    faulty_fail(store, &(struct faulty_plan){.at = FAULTY_LIST, .byte = 1, .kind = ERR_UNREACHABLE});
    ck_assert_int_eq(store_list(store, &(struct store_listing){0}, count, &seen, &e), ERR_UNREACHABLE);
    ck_assert_uint_eq(seen, 1);
}
END_TEST

START_TEST(opening_and_removing_fail_too)
{
    struct err e = ERR_NONE;

    faulty_fail(store, &(struct faulty_plan){.at = FAULTY_PUT_OPEN, .kind = ERR_DENIED});
    ck_assert_int_eq(put("a"), ERR_DENIED);
    ck_assert_int_eq(put("a"), ERR_OK);
    faulty_fail(store, &(struct faulty_plan){.at = FAULTY_REMOVE, .kind = ERR_DENIED});
    ck_assert_int_eq(store_remove(store, "a", &e), ERR_DENIED);
    ck_assert_int_eq(put("a"), ERR_CONFLICT);
    ck_assert_int_eq(store_remove(store, "a", &e), ERR_OK);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_nth_put_fails_once,
                                  a_failure_may_last,
                                  a_lost_answer_leaves_the_object,
                                  a_get_breaks_after_so_many_bytes,
                                  a_listing_breaks_after_so_many_entries,
                                  opening_and_removing_fail_too};
    Suite *suite =
        suite_between("storage/faulty", set_up, tear_down, tests, sizeof(tests) / sizeof(tests[0]));

    conformance_add(suite, "conformance", &faulty);
    return check_main(suite);
}
