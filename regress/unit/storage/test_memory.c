/*
 * test_memory.c - the memory store is a store like any other.
 */
#include "storage/memory.h"

#include "check_main.h"
#include "conformance.h"

#include <string.h>

static enum err_code open_memory(void *arg, struct store **out, struct err *e)
{
    (void) arg;
    return memory_store_new(out, e);
}

static const struct conformance memory = {.open = open_memory, .large_bytes = 40 << 20, .many = 2500};

struct remover { /* removes the object it is being fed from */
    struct sink base;
    struct store *store;
    char seen[16];
};

static enum err_code remover_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct remover *r = (struct remover *) s;

    ck_assert_int_eq(store_remove(r->store, "a", e), ERR_OK);
    memcpy(r->seen, bytes, len);
    return ERR_OK;
}

START_TEST(a_get_survives_the_removal_of_its_object)
{
    static const struct sink_ops ops = {.write = remover_write};
    struct remover r = {.base.ops = &ops};
    struct err e = ERR_NONE;

    ck_assert_int_eq(memory_store_new(&r.store, &e), ERR_OK);
    conformance_put(r.store, "a", "12345");
    ck_assert_int_eq(store_get(r.store, "a", NULL, &r.base, NULL, &e), ERR_OK);
    ck_assert_str_eq(r.seen, "12345");
    ck_assert_int_eq(store_get(r.store, "a", NULL, &r.base, NULL, &e), ERR_ABSENT);
    store_free(r.store);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_get_survives_the_removal_of_its_object};
    Suite *suite = suite_of("storage/memory", tests, sizeof(tests) / sizeof(tests[0]));

    conformance_add(suite, "conformance", &memory);
    return check_main(suite);
}
