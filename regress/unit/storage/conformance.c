/*
 * conformance.c - see conformance.h.
 */
#include "conformance.h"

#include "base/buf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX    ((size_t) 64 << 20)
#define PIECE_BYTES ((size_t) 64 << 10)
#define RACERS      8

static const struct conformance *under_test;

static struct store *store;
static char area[STORE_KEY_MAX]; /* "prefix/test-n/": a test's own keys */

/* A sink into a buffer; a get must not finish it. */
struct catch
{
    struct sink base;
    struct buf *into;
};

static enum err_code catch_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    return buf_append(((struct catch *) s)->into, bytes, len, e);
}

static enum err_code catch_finish(struct sink *s, struct err *e)
{
    (void) s;
    return err_set(e, ERR_USAGE, "a get finished its sink");
}

static const struct sink_ops catch_ops = {.write = catch_write, .finish = catch_finish};

static enum err_code get(struct store *s, const char *key, const struct store_range *range, struct buf *into,
                         struct store_object *info, struct err *e)
{
    struct catch c = {.base.ops = &catch_ops, .into = into};

    return store_get(s, key, range, &c.base, info, e);
}

void conformance_put(struct store *s, const char *key, const char *text)
{
    struct err e = ERR_NONE;

    ck_assert_msg(store_put(s, key, text, strlen(text), &e) == ERR_OK, "put \"%s\": %s", key, e.text);
}

char *conformance_get(struct store *s, const char *key)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;
    char *text;

    ck_assert_msg(get(s, key, NULL, &b, NULL, &e) == ERR_OK, "get \"%s\": %s", key, e.text);
    text = strdup(buf_cstr(&b));
    buf_clear(&b);
    return text;
}

static bool visit_line(const struct store_object *obj, void *arg)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(buf_printf(arg, &e, "%s\n", obj->key), ERR_OK);
    ck_assert_int_eq(obj->is_prefix, obj->key[strlen(obj->key) - 1] == '/');
    return true;
}

char *conformance_list(struct store *s, const struct store_listing *what)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;
    char *text;

    ck_assert_msg(store_list(s, what, visit_line, &b, &e) == ERR_OK, "list: %s", e.text);
    text = strdup(buf_cstr(&b));
    buf_clear(&b);
    return text;
}

/* The key of this name in the test's area; good until the eighth call after. */
static const char *k(const char *name)
{
    static _Thread_local char keys[8][2 * STORE_KEY_MAX];
    static _Thread_local unsigned next;
    char *key = keys[next++ % 8];

    snprintf(key, sizeof(keys[0]), "%s%s", area, name);
    return key;
}

static void begin(const char *test)
{
    struct err e = ERR_NONE;

    snprintf(area, sizeof(area), "%s%s/", under_test->prefix == NULL ? "" : under_test->prefix, test);
    ck_assert_msg(under_test->open(under_test->arg, &store, &e) == ERR_OK, "open: %s", e.text);
}

/* Remove all that lies in the area; nothing may be left. */
static void end(void)
{
    struct err e = ERR_NONE;
    char *keys = conformance_list(store, &(struct store_listing){.prefix = area});
    char *rest = keys;
    char *line;

    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0')
        ck_assert_msg(store_remove(store, line, &e) == ERR_OK, "%s", e.text);
    free(keys);
    keys = conformance_list(store, &(struct store_listing){.prefix = area});
    ck_assert_str_eq(keys, "");
    free(keys);
    store_freep(&store);
    ck_assert_ptr_null(store);
}

static void assert_object(const char *name, const char *expected)
{
    char *text = conformance_get(store, k(name));

    ck_assert_str_eq(text, expected);
    free(text);
}

static void assert_absent(const char *name)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;

    ck_assert_int_eq(get(store, k(name), NULL, &b, NULL, &e), ERR_ABSENT);
    ck_assert_int_eq(e.code, ERR_ABSENT);
    ck_assert_uint_eq(b.len, 0);
    buf_clear(&b);
}

/* What a listing below the area gives, with the area cut off each line and lines joined by blanks. */
static void assert_listing(const char *prefix, const char *start_after, bool delimited, const char *expected)
{
    char *got =
        conformance_list(store, &(struct store_listing){.prefix = k(prefix),
                                                        .start_after = start_after ? k(start_after) : NULL,
                                                        .delimited = delimited});
    char *rest = got;
    char joined[2048] = "";
    char *line;

    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        ck_assert_int_eq(strncmp(line, area, strlen(area)), 0);
        strcat(joined, joined[0] == '\0' ? "" : " ");
        strcat(joined, line + strlen(area));
    }
    ck_assert_msg(strcmp(joined, expected) == 0, "prefix \"%s\" after \"%s\"%s: \"%s\", expected \"%s\"",
                  prefix, start_after ? start_after : "", delimited ? " delimited" : "", joined, expected);
    free(got);
}

START_TEST(an_object_comes_back_as_it_was_put)
{
    struct store_object info;
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;

    begin("roundtrip");
    ck_assert_int_eq(store_put(store, k("a/b"), "x\0y", 3, &e), ERR_OK);
    ck_assert_int_eq(get(store, k("a/b"), NULL, &b, &info, &e), ERR_OK);
    ck_assert_uint_eq(b.len, 3);
    ck_assert_mem_eq(b.data, "x\0y", 3);
    ck_assert_str_eq(info.key, k("a/b"));
    ck_assert_uint_eq(info.size, 3);
    ck_assert(!info.is_prefix);
    ck_assert(info.modified_us == 0 || info.modified_us > INT64_C(1600000000000000));
    ck_assert_uint_gt(store->requests, 0);
    buf_clear(&b);
    end();
}
END_TEST

START_TEST(an_empty_object_exists)
{
    struct err e = ERR_NONE;

    begin("empty");
    ck_assert_int_eq(store_put(store, k("nothing"), "", 0, &e), ERR_OK);
    assert_object("nothing", "");
    assert_listing("", NULL, false, "nothing");
    ck_assert_int_eq(store_put(store, k("nothing"), "", 0, &e), ERR_CONFLICT);
    end();
}
END_TEST

START_TEST(a_taken_key_is_a_conflict_and_keeps_its_bytes)
{
    struct err e = ERR_NONE;

    begin("conflict");
    conformance_put(store, k("a"), "first");
    ck_assert_int_eq(store_put(store, k("a"), "second", 6, &e), ERR_CONFLICT);
    ck_assert_int_eq(store_put(store, k("a"), "first", 5, &e), ERR_CONFLICT);
    assert_object("a", "first");
    assert_listing("", NULL, false, "a");
    end();
}
END_TEST

START_TEST(an_abandoned_put_leaves_nothing)
{
    struct sink *put;
    struct err e = ERR_NONE;

    begin("abandoned");
    ck_assert_int_eq(store_put_open(store, k("d/x"), 0, &put, &e), ERR_OK);
    sink_free(put);
    ck_assert_int_eq(store_put_open(store, k("d/x"), 10, &put, &e), ERR_OK);
    ck_assert_int_eq(sink_write(put, "half", 4, &e), ERR_OK);
    sink_free(put);
    assert_absent("d/x");
    assert_listing("", NULL, false, "");
    assert_listing("", NULL, true, "");
    conformance_put(store, k("d/x"), "whole");
    assert_object("d/x", "whole");
    end();
}
END_TEST

START_TEST(an_object_is_not_seen_before_it_is_finished)
{
    struct sink *put;
    struct err e = ERR_NONE;

    begin("unfinished");
    ck_assert_int_eq(store_put_open(store, k("d/x"), 0, &put, &e), ERR_OK);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(sink_write(put, "0123456789", 10, &e), ERR_OK);
    assert_absent("d/x");
    assert_listing("", NULL, false, "");
    assert_listing("", NULL, true, "");
    ck_assert_int_eq(sink_finish(put, &e), ERR_OK);
    sink_free(put);
    assert_listing("", NULL, false, "d/x");
    end();
}
END_TEST

static void fill(uint8_t *piece, uint64_t offset)
{
    for (size_t i = 0; i < PIECE_BYTES; i++)
        piece[i] = (uint8_t) (((offset + i) * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
}

/* Compares as it goes: a large object need not fit into memory here. */
struct compare {
    struct sink base;
    uint64_t seen;
    bool equal;
};

static enum err_code compare_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct compare *c = (struct compare *) s;
    const uint8_t *b = bytes;

    (void) e;
    for (size_t i = 0; i < len; i++, c->seen++)
        if (b[i] != (uint8_t) ((c->seen * UINT64_C(0x9e3779b97f4a7c15)) >> 40))
            c->equal = false;
    return ERR_OK;
}

static const struct sink_ops compare_ops = {.write = compare_write, .finish = catch_finish};

static void large_object(uint64_t hint)
{
    uint64_t size = under_test->large_bytes;
    struct compare c = {.base.ops = &compare_ops, .equal = true};
    uint8_t *piece = malloc(PIECE_BYTES);
    struct store_object info;
    struct err e = ERR_NONE;
    struct sink *put;

    ck_assert_int_eq(store_put_open(store, k("large"), hint, &put, &e), ERR_OK);
    for (uint64_t at = 0; at < size; at += PIECE_BYTES) {
        fill(piece, at);
        ck_assert_int_eq(
            sink_write(put, piece, size - at < PIECE_BYTES ? (size_t) (size - at) : PIECE_BYTES, &e), ERR_OK);
    }
    ck_assert_msg(sink_finish(put, &e) == ERR_OK, "%s", e.text);
    sink_free(put);
    free(piece);
    ck_assert_int_eq(store_get(store, k("large"), NULL, &c.base, &info, &e), ERR_OK);
    ck_assert_uint_eq(c.seen, size);
    ck_assert(c.equal);
    ck_assert_uint_eq(info.size, size);
}

START_TEST(a_large_object_of_known_size_comes_back)
{
    begin("large-known");
    large_object(under_test->large_bytes);
    end();
}
END_TEST

START_TEST(a_large_object_of_unknown_size_comes_back)
{
    begin("large-unknown");
    large_object(0);
    end();
}
END_TEST

static const struct {
    struct store_range range;
    const char *expected;
    const char *why;
} ranges[] = {
    {{0, 0}, "0123456789", "length 0 is to the end"},
    {{4, 0}, "456789", "length 0 is to the end, from anywhere"},
    {{0, 3}, "012", "at the beginning"},
    {{3, 4}, "3456", "inside"},
    {{9, 1}, "9", "the last byte"},
    {{7, 3}, "789", "up to the end exactly"},
    {{7, 300}, "789", "over the end it ends early"},
    {{0, UINT64_MAX}, "0123456789", "no overflow of offset and length"},
    {{5, UINT64_MAX}, "56789", "no overflow of offset and length"},
    {{10, 0}, "", "begins at the end"},
    {{10, 5}, "", "begins at the end"},
    {{11, 1}, "", "begins behind the end"},
    {{INT64_MAX, 1}, "", "begins far behind the end"},
};

START_TEST(a_range_gives_its_bytes)
{
    begin("ranges");
    conformance_put(store, k("digits"), "0123456789");
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct buf b = BUF_INIT(TEXT_MAX);
        struct store_object info = {.size = 99};
        struct err e = ERR_NONE;

        ck_assert_msg(get(store, k("digits"), &ranges[i].range, &b, &info, &e) == ERR_OK, "%s: %s",
                      ranges[i].why, e.text);
        ck_assert_msg(strcmp(buf_cstr(&b), ranges[i].expected) == 0, "%s: \"%s\"", ranges[i].why,
                      buf_cstr(&b));
        ck_assert_msg(info.size == 10, "%s: whole size is 10, not %llu", ranges[i].why,
                      (unsigned long long) info.size);
        buf_clear(&b);
    }
    end();
}
END_TEST

/* In a directory something else lies there, which could be damage: that is no proof of absence. */
static void assert_no_object(const char *name)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;

    ck_assert_int_eq(get(store, k(name), NULL, &b, NULL, &e), store->is_local ? ERR_CORRUPT : ERR_ABSENT);
    buf_clear(&b);
}

START_TEST(what_is_not_there_is_absent)
{
    struct store_range inside = {1, 1};
    struct store_object info = {.size = 99};
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;

    begin("absent");
    assert_absent("a");
    assert_absent("no/such/directory/a");
    conformance_put(store, k("d/a"), "x");
    assert_no_object("d");
    assert_absent("d/b");
    assert_no_object("d/a/b");
    assert_absent("d/aa");
    ck_assert_int_eq(get(store, k("d/b"), &inside, &b, &info, &e), ERR_ABSENT);
    ck_assert_uint_eq(info.size, 99);
    end();
}
END_TEST

static bool visit_none(const struct store_object *obj, void *arg)
{
    (void) obj;
    (void) arg;
    return true;
}

START_TEST(listing_where_nothing_is_leaves_no_error_behind)
{
    char prefix[STORE_KEY_MAX + 1];
    struct store_listing what = {.prefix = prefix};
    struct err e = ERR_NONE;

    begin("nothing");
    (void) snprintf(prefix, sizeof(prefix), "%s/", k("never/was"));
    ck_assert_int_eq(store_list(store, &what, visit_none, NULL, &e), ERR_OK);
    ck_assert_msg(e.code == ERR_OK, "a success left an error behind: %s", e.text);
    end();
}
END_TEST

START_TEST(removing_twice_is_fine)
{
    struct err e = ERR_NONE;

    begin("remove");
    conformance_put(store, k("d/a"), "x");
    conformance_put(store, k("d/b"), "y");
    ck_assert_int_eq(store_remove(store, k("d/a"), &e), ERR_OK);
    ck_assert_int_eq(store_remove(store, k("d/a"), &e), ERR_OK);
    ck_assert_int_eq(store_remove(store, k("d"), &e), ERR_OK);
    ck_assert_int_eq(store_remove(store, k("never/was"), &e), ERR_OK);
    ck_assert_int_eq(store_remove(store, k("d/b/c"), &e), ERR_OK);
    ck_assert_msg(e.code == ERR_OK, "a success left an error behind: %s", e.text);
    assert_absent("d/a");
    assert_listing("", NULL, false, "d/b");
    ck_assert_int_eq(store_remove(store, k("d/b"), &e), ERR_OK);
    assert_listing("", NULL, true, "");
    conformance_put(store, k("d/a"), "again");
    assert_object("d/a", "again");
    end();
}
END_TEST

static const struct {
    const char *prefix;
    const char *start_after;
    bool delimited;
    const char *expected;
} listings[] = {
    {"", NULL, false, "A a-b a.x a/b a/c-d a/c/x a/c/y a0 b/c/d/e"},
    {"", NULL, true, "A a-b a.x a/ a0 b/"},
    {"a", NULL, false, "a-b a.x a/b a/c-d a/c/x a/c/y a0"},
    {"a", NULL, true, "a-b a.x a/ a0"},
    {"a/", NULL, false, "a/b a/c-d a/c/x a/c/y"},
    {"a/", NULL, true, "a/b a/c-d a/c/"},
    {"a/c", NULL, true, "a/c-d a/c/"},
    {"a/c/", NULL, true, "a/c/x a/c/y"},
    {"a/c/x", NULL, false, "a/c/x"},
    {"a/c/x/", NULL, false, ""},
    {"b/", NULL, true, "b/c/"},
    {"b/c/d", NULL, true, "b/c/d/"},
    {"nothing/here/", NULL, false, ""},
    {"z", NULL, true, ""},
    {"", "A", false, "a-b a.x a/b a/c-d a/c/x a/c/y a0 b/c/d/e"},
    {"", "a/c/x", false, "a/c/y a0 b/c/d/e"},
    {"", "a/c/xx", false, "a/c/y a0 b/c/d/e"},
    {"", "a/c0", false, "a0 b/c/d/e"},
    {"", "a-", false, "a-b a.x a/b a/c-d a/c/x a/c/y a0 b/c/d/e"},
    {"", "a0", false, "b/c/d/e"},
    {"", "a0", true, "b/"},
    {"", "a.x", true, "a/ a0 b/"},
    {"a/", "0", false, "a/b a/c-d a/c/x a/c/y"},
    {"a/", "a/c-d", false, "a/c/x a/c/y"},
    {"a/", "a/c-d", true, "a/c/"},
    {"a/", "a/c0", true, ""},
    {"a/", "b", false, ""},
    {"", "z", false, ""},
};

START_TEST(a_listing_is_in_byte_order_of_keys)
{
    static const char *const names[] = {"a/c/y", "b/c/d/e", "a0", "a/b", "a-b", "a/c/x", "A", "a/c-d", "a.x"};

    begin("listing");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        conformance_put(store, k(names[i]), names[i]);
    for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++)
        assert_listing(listings[i].prefix, listings[i].start_after, listings[i].delimited,
                       listings[i].expected);
    end();
}
END_TEST

static bool visit_facts(const struct store_object *obj, void *arg)
{
    ck_assert_uint_eq(obj->size, obj->is_prefix ? 0 : 5);
    ck_assert(obj->modified_us == 0 || obj->modified_us > INT64_C(1600000000000000));
    ++*(unsigned *) arg;
    return true;
}

START_TEST(a_listing_tells_sizes)
{
    struct err e = ERR_NONE;
    unsigned seen = 0;

    begin("facts");
    conformance_put(store, k("a"), "12345");
    conformance_put(store, k("d/b"), "12345");
    ck_assert_int_eq(
        store_list(store, &(struct store_listing){.prefix = area, .delimited = true}, visit_facts, &seen, &e),
        ERR_OK);
    ck_assert_uint_eq(seen, 2);
    end();
}
END_TEST

struct many {
    unsigned next;
    unsigned stop_at;
};

static bool visit_numbered(const struct store_object *obj, void *arg)
{
    struct many *m = arg;
    char name[32];

    snprintf(name, sizeof(name), "%02x/%08x", m->next / 1000, m->next);
    ck_assert_str_eq(obj->key, k(name));
    m->next++;
    return m->next != m->stop_at;
}

static struct many list_numbered(struct many m, const char *start_after)
{
    struct store_listing what = {.prefix = area, .start_after = start_after};
    struct err e = ERR_NONE;

    ck_assert_msg(store_list(store, &what, visit_numbered, &m, &e) == ERR_OK, "%s", e.text);
    return m;
}

START_TEST(a_long_listing_is_whole_and_may_be_left_early)
{
    unsigned many = under_test->many;
    char name[32];

    begin("many");
    for (unsigned i = 0; i < many; i++) {
        snprintf(name, sizeof(name), "%02x/%08x", i / 1000, i);
        conformance_put(store, k(name), "x");
    }
    ck_assert_uint_eq(list_numbered((struct many){0}, NULL).next, many);
    ck_assert_uint_eq(list_numbered((struct many){.stop_at = 1}, NULL).next, 1);
    ck_assert_uint_eq(list_numbered((struct many){.stop_at = many - 1}, NULL).next, many - 1);
    snprintf(name, sizeof(name), "%02x/%08x", (many / 2) / 1000, many / 2);
    ck_assert_uint_eq(list_numbered((struct many){.next = many / 2 + 1}, k(name)).next, many);
    end();
}
END_TEST

static const char *const invalid_keys[] = {
    "",      "/",      "/a",  "a/",  "a//b", ".",    "..",  "./a", "../a",     "a/.", "a/..",
    "a/./b", "a/../b", "a b", "a\n", "a\\b", "a%2f", "a:b", "~",   "\xc3\xa4", "a?b", "a\"b",
};

START_TEST(an_invalid_key_is_refused)
{
    struct err e = ERR_NONE;
    struct buf b = BUF_INIT(TEXT_MAX);
    struct sink *put = NULL;

    begin("invalid");
    for (size_t i = 0; i < sizeof(invalid_keys) / sizeof(invalid_keys[0]); i++) {
        const char *key = invalid_keys[i];

        ck_assert_msg(store_put_open(store, key, 0, &put, &e) == ERR_USAGE, "put \"%s\"", key);
        ck_assert_msg(store_put(store, key, "x", 1, &e) == ERR_USAGE, "put \"%s\"", key);
        ck_assert_msg(get(store, key, NULL, &b, NULL, &e) == ERR_USAGE, "get \"%s\"", key);
        ck_assert_msg(store_remove(store, key, &e) == ERR_USAGE, "remove \"%s\"", key);
        ck_assert_ptr_null(put);
    }
    assert_listing("", NULL, false, "");
    end();
}
END_TEST

struct race {
    pthread_t thread;
    const char *key;
    char text[4096];
    enum err_code code;
};

/* Whatever a reader sees is whole: one letter, all the way. */
static bool is_whole(const struct buf *b)
{
    if (b->len != sizeof(((struct race *) 0)->text))
        return false;
    for (size_t i = 1; i < b->len; i++)
        if (b->data[i] != b->data[0])
            return false;
    return true;
}

static void *racer(void *arg)
{
    struct race *r = arg;
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;
    struct sink *put;
    enum err_code seen;

    r->code = store_put_open(store, r->key, 0, &put, &e);
    if (r->code != ERR_OK)
        return NULL;
    for (size_t i = 0; i < sizeof(r->text) && r->code == ERR_OK; i += 1024)
        r->code = sink_write(put, r->text + i, 1024, &e);
    seen = get(store, r->key, NULL, &b, NULL, &e);
    if (seen != ERR_ABSENT && (seen != ERR_OK || !is_whole(&b)))
        r->code = ERR_CORRUPT;
    if (r->code == ERR_OK)
        r->code = sink_finish(put, &e);
    sink_free(put);
    buf_clear(&b);
    return NULL;
}

START_TEST(of_many_that_race_for_a_key_one_wins)
{
    begin("race");
    for (int round = 0; round < 10; round++) {
        static struct race racers[RACERS];
        char name[32];
        char *got;
        int won = -1;

        snprintf(name, sizeof(name), "round-%d/deep/er/key", round);
        for (int i = 0; i < RACERS; i++) {
            racers[i].key = strdup(k(name));
            memset(racers[i].text, 'a' + i, sizeof(racers[i].text));
            ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, racer, &racers[i]), 0);
        }
        for (int i = 0; i < RACERS; i++) {
            pthread_join(racers[i].thread, NULL);
            free((void *) racers[i].key);
            ck_assert_msg(racers[i].code == ERR_CONFLICT || (racers[i].code == ERR_OK && won < 0),
                          "racer %d ended with \"%s\"", i, err_kind(racers[i].code));
            won = racers[i].code == ERR_OK ? i : won;
        }
        ck_assert_int_ge(won, 0);
        got = conformance_get(store, k(name));
        ck_assert_uint_eq(strlen(got), sizeof(racers[0].text));
        ck_assert_mem_eq(got, racers[won].text, sizeof(racers[0].text));
        free(got);
    }
    end();
}
END_TEST

/* Puts come and go in the same directories: the one's clean-up must not break the other's creation. */
static void *churner(void *arg)
{
    struct race *r = arg;
    struct err e = ERR_NONE;

    for (int i = 0; i < 25; i++) {
        struct sink *put;

        r->code = store_put_open(store, r->key, 0, &put, &e);
        if (r->code == ERR_OK)
            sink_free(put);
        if (r->code == ERR_OK)
            r->code = store_put(store, r->key, "x", 1, &e);
        if (r->code == ERR_OK)
            r->code = store_remove(store, r->key, &e);
        if (r->code != ERR_OK)
            break;
    }
    return NULL;
}

START_TEST(puts_and_removes_side_by_side_do_not_disturb_each_other)
{
    static struct race churners[RACERS];
    char name[32];

    begin("churn");
    for (int i = 0; i < RACERS; i++) {
        snprintf(name, sizeof(name), "some/where/deep/%d", i);
        churners[i].key = strdup(k(name));
        ck_assert_int_eq(pthread_create(&churners[i].thread, NULL, churner, &churners[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(churners[i].thread, NULL);
        free((void *) churners[i].key);
        ck_assert_msg(churners[i].code == ERR_OK, "churner %d: %s", i, err_kind(churners[i].code));
    }
    assert_listing("", NULL, true, "");
    end();
}
END_TEST

void conformance_add(Suite *suite, const char *name, const struct conformance *c)
{
    const TTest *const tests[] = {an_object_comes_back_as_it_was_put,
                                  an_empty_object_exists,
                                  a_taken_key_is_a_conflict_and_keeps_its_bytes,
                                  an_abandoned_put_leaves_nothing,
                                  an_object_is_not_seen_before_it_is_finished,
                                  a_large_object_of_known_size_comes_back,
                                  a_large_object_of_unknown_size_comes_back,
                                  a_range_gives_its_bytes,
                                  what_is_not_there_is_absent,
                                  removing_twice_is_fine,
                                  listing_where_nothing_is_leaves_no_error_behind,
                                  a_listing_is_in_byte_order_of_keys,
                                  a_listing_tells_sizes,
                                  a_long_listing_is_whole_and_may_be_left_early,
                                  an_invalid_key_is_refused,
                                  of_many_that_race_for_a_key_one_wins,
                                  puts_and_removes_side_by_side_do_not_disturb_each_other};
    TCase *tcase = tcase_create(name);

    under_test = c;
    tcase_set_timeout(tcase, c->timeout_s > 0 ? c->timeout_s : 60);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}
