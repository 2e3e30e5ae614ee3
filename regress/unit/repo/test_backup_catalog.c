/*
 * test_backup_catalog.c - a catalog is read in any pieces, has one spelling, and nothing else passes for one.
 */
#include "repo/backup_catalog.h"

#include "base/buf.h"
#include "check_main.h"
#include "stream/buf_sink.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID           "20261120T021500Z-1a2b"
#define OLDER        "20261113T021500Z-0000"
#define TEXT_MAX     ((size_t) 1 << 20)
#define OK(call)                                   \
    do {                                           \
        if ((call) != ERR_OK)                      \
            ck_abort_msg("%s: %s", #call, e.text); \
    } while (0)

#define HEAD "pitr-catalog 1 " ID "\n"

/* Odd names as a server lets them be: whatever is not a zero byte. */
#define ODD "tab\t newline\n quote\"' 100% \\ caf\xC3\xA9 \xE2\x98\x83 \xFF\x01\x7F"

static void write_sample(struct buf *text)
{
    static const struct catalog_relation relations[] = {
        {2619, 1663, 'r', "pg_catalog", "pg_statistic", NULL, NULL},
        {16384, 1663, 'r', "public", "accounts", NULL, NULL},
        {16384, 16999, 'm', ODD, ODD, NULL, NULL},
        {16390, 1663, 't', "pg_toast", "pg_toast_16384", "public", "accounts"},
        {UINT32_MAX, UINT32_MAX, 'i', ODD, "i", ODD, ODD},
    };
    static const struct catalog_database databases[] = {
        {CATALOG_SHARED, 1664, ""}, {1, 1663, "template1"}, {4, 1663, "template0"}, {16400, 16999, ODD}};
    CLEANUP(sink_freep) struct sink *to = NULL;
    struct catalog_writer w;
    struct err e = ERR_NONE;

    OK(buf_sink_new(text, &to, &e));
    OK(catalog_write_begin(&w, to, ID, &e));
    for (size_t i = 0; i < COUNT(databases); i++) {
        OK(catalog_write_database(&w, &databases[i], &e));
        for (size_t k = 0; k < (i == 2 ? 0 : COUNT(relations)); k++)
            OK(catalog_write_relation(&w, &relations[k], &e));
        if (i >= 2)
            OK(catalog_write_unread(&w, "server: " ODD, &e));
    }
    OK(catalog_write_end(&w, &e));
    ck_assert_uint_eq(w.databases, 3);
    ck_assert_uint_eq(w.unread, 2);
    ck_assert_uint_eq(w.relations, 15);
}

/* Write again what was read. */
static enum err_code again_database(void *arg, const struct catalog_database *d, struct err *e)
{
    return catalog_write_database(arg, d, e);
}

static enum err_code again_relation(void *arg, const struct catalog_relation *r, struct err *e)
{
    return catalog_write_relation(arg, r, e);
}

static enum err_code again_unread(void *arg, const char *reason, struct err *e)
{
    return catalog_write_unread(arg, reason, e);
}

static enum err_code read_text(const char *id, const char *text, size_t len, size_t piece,
                               const struct catalog_visitor *v, struct err *e)
{
    CLEANUP(sink_freep) struct sink *s = NULL;

    if (catalog_read_sink_new(id, v, &s, e) != ERR_OK)
        return e->code;
    for (size_t at = 0; at < len; at += piece)
        if (sink_write(s, text + at, len - at < piece ? len - at : piece, e) != ERR_OK)
            return e->code;
    return sink_finish(s, e);
}

/* Read, writing what is shown into again. */
static enum err_code read_again(const char *id, const char *text, size_t len, size_t piece, struct buf *again,
                                struct err *e)
{
    CLEANUP(sink_freep) struct sink *to = NULL;
    struct catalog_writer w;
    struct catalog_visitor v = {again_database, again_relation, again_unread, &w};

    if (buf_sink_new(again, &to, e) != ERR_OK || catalog_write_begin(&w, to, ID, e) != ERR_OK ||
        read_text(id, text, len, piece, &v, e) != ERR_OK)
        return e->code;
    return catalog_write_end(&w, e);
}

static enum err_code refuse(const char *text, size_t len, struct err *e)
{
    CLEANUP(buf_clear) struct buf nowhere = BUF_INIT(TEXT_MAX);

    return read_again(ID, text, len, len + 1, &nowhere, e);
}

START_TEST(a_catalog_comes_back_the_same_in_pieces_of_any_size)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);

    write_sample(&text);
    for (size_t piece = 1; piece <= 70; piece++) {
        CLEANUP(buf_clear) struct buf again = BUF_INIT(TEXT_MAX);
        struct err e = {.code = ERR_IO, .text = "left by an earlier call"};

        OK(read_again(piece % 2 ? ID : NULL, (const char *) text.data, text.len, piece, &again, &e));
        ck_assert_str_eq(buf_cstr(&again), buf_cstr(&text));
    }
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);

    write_sample(&text);
    for (size_t len = 0; len < text.len; len++) {
        struct err e = ERR_NONE;

        ck_assert_int_eq(refuse((const char *) text.data, len, &e), ERR_CORRUPT);
    }
}
END_TEST

static enum err_code show_relation(void *arg, const struct catalog_relation *r, struct err *e)
{
    struct catalog_relation *seen = arg;

    (void) e;
    if (r->relfilenode != UINT32_MAX)
        return ERR_OK;
    ck_assert_str_eq(r->schema, ODD);
    ck_assert_str_eq(r->name, "i");
    ck_assert_str_eq(r->table_schema, ODD);
    ck_assert_str_eq(r->table, ODD);
    *seen = *r;
    return ERR_OK;
}

static enum err_code show_database(void *arg, const struct catalog_database *d, struct err *e)
{
    (void) arg;
    (void) e;
    ck_assert(d->oid != 16400 || strcmp(d->name, ODD) == 0);
    return ERR_OK;
}

static enum err_code show_unread(void *arg, const char *reason, struct err *e)
{
    (void) arg;
    (void) e;
    ck_assert_str_eq(reason, "server: " ODD);
    return ERR_OK;
}

START_TEST(odd_names_survive)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);
    struct catalog_relation seen = {0};
    struct catalog_visitor v = {show_database, show_relation, show_unread, &seen};
    struct err e = ERR_NONE;

    write_sample(&text);
    OK(read_text(ID, (const char *) text.data, text.len, 9, &v, &e));
    ck_assert_uint_eq(seen.tablespace, UINT32_MAX);
    ck_assert_int_eq(seen.kind, 'i');
}
END_TEST

#define D1   "D\t1\t1663\ta\n"
#define D5   "D\t5\t1663\tb\n"
#define R(n) "R\t" #n "\t1663\tr\tpublic\tt\n"

START_TEST(a_line_out_of_form_is_refused_with_its_number)
{
    static const struct {
        const char *text; /* behind HEAD, as line 2 and on */
        int line;
        const char *why;
    } table[] = {
        {"\n", 2, "empty line"},
        {"Q\t1\n", 2, "unknown letter"},
        {"DD\t1\t1663\ta\n", 2, "two letters"},
        {"D\t1\t1663\n", 2, "a field too few"},
        {"D\t1\t1663\ta\tb\n", 2, "a field too many"},
        {"D\t1\t1663\t\n", 2, "a database without a name"},
        {"D\t0\t1664\ta\n", 2, "a name for what is shared"},
        {"D\t1\t0\ta\n", 2, "no tablespace"},
        {"D\t01\t1663\ta\n", 2, "leading zero"},
        {"D\t-1\t1663\ta\n", 2, "sign"},
        {"D\t4294967296\t1663\ta\n", 2, "no OID"},
        {"D\t1\t4294967296\ta\n", 2, "no OID"},
        {"D\t1\t1663\ta b\n", 2, "plain blank"},
        {"D\t1\t1663\t\xC3\xA9\n", 2, "plain bytes above"},
        {"D\t1\t1663\ta\r\n", 2, "carriage return"},
        {"D\t1\t1663\t%61\n", 2, "encoded though plain"},
        {"D\t1\t1663\t%0a\n", 2, "small digit"},
        {"D\t1\t1663\t%00\n", 2, "encoded NUL"},
        {D1 D1, 3, "a database twice"},
        {D5 D1, 3, "databases out of order"},
        {D1 "D\t0\t1664\t\n", 3, "what is shared not in front"},
        {R(5), 2, "relation of no database"},
        {D1 R(5) R(5), 4, "a relation twice"},
        {D1 R(5) R(4), 4, "relations out of order"},
        {D1 R(5) "R\t5\t1662\tr\tpublic\tt\n", 4, "tablespaces out of order"},
        {D1 R(0), 3, "no relfilenode"},
        {D1 R(05), 3, "leading zero"},
        {D1 R(4294967296), 3, "no relfilenode"},
        {D1 "R\t5\t0\tr\tpublic\tt\n", 3, "no tablespace"},
        {D1 "R\t5\t1663\t\tpublic\tt\n", 3, "no kind"},
        {D1 "R\t5\t1663\trr\tpublic\tt\n", 3, "two kinds"},
        {D1 "R\t5\t1663\t1\tpublic\tt\n", 3, "no letter"},
        {D1 "R\t5\t1663\tr\t\tt\n", 3, "no schema"},
        {D1 "R\t5\t1663\tr\tpublic\t\n", 3, "no name"},
        {D1 "R\t5\t1663\tr\tpublic\tt t\n", 3, "plain blank"},
        {D1 "R\t5\t1663\tr\tpu blic\tt\n", 3, "plain blank"},
        {D1 "R\t5\t1663\tr\tpublic\n", 3, "a field too few"},
        {D1 "R\t5\t1663\tr\tpublic\tt\tpublic\tt\n", 3, "of a table, by its form"},
        {D1 "P\t5\t1663\ti\tpublic\tt\n", 3, "part of nothing"},
        {D1 "P\t5\t1663\ti\tpublic\tt\t\t\n", 3, "part of a table without a name"},
        {D1 "P\t5\t1663\ti\tpublic\tt\tpublic\t\n", 3, "part of a table without a name"},
        {D1 "P\t5\t1663\ti\tpublic\tt\t\tt\n", 3, "part of a table without a schema"},
        {D1 "P\t5\t1663\ti\tpublic\tt\tpublic\tt t\n", 3, "plain blank"},
        {D1 "P\t5\t1663\ti\tpublic\tt\tpublic\tt\tx\n", 3, "a field too many"},
        {"U\twhy\n", 2, "no database unread"},
        {D1 "U\t\n", 3, "no reason"},
        {D1 "U\tno way\n", 3, "plain blank"},
        {D1 "U\twhy\nU\twhy\n", 4, "two reasons"},
        {D1 "U\twhy\n" R(5), 4, "a relation behind the reason"},
        {"E\t1\t0\t0\n", 2, "a database too few"},
        {D1 "E\t0\t0\t0\n", 3, "a database too many"},
        {D1 "E\t1\t1\t0\n", 3, "none was unread"},
        {D1 "U\twhy\nE\t1\t0\t0\n", 4, "one was unread"},
        {D1 R(5) "E\t1\t0\t2\n", 4, "a relation too few"},
        {"D\t0\t1664\t\nE\t1\t0\t0\n", 3, "what is shared is no database"},
        {"E\t0\t0\n", 2, "a field too few"},
        {"E\t0\t0\t00\n", 2, "leading zero"},
        {"E\t0\t0\t0\nE\t0\t0\t0\n", 3, "two ends"},
        {"E\t0\t0\t0\n" D1, 3, "record behind the end"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);
        struct err e = ERR_NONE;
        char at[64];

        OK(buf_puts(&text, HEAD, &e));
        OK(buf_puts(&text, table[i].text, &e));
        if (refuse((const char *) text.data, text.len, &e) != ERR_CORRUPT)
            ck_abort_msg("%s: %s", table[i].why, e.text);
        (void) snprintf(at, sizeof(at), "backup catalog, line %d, is not of its form", table[i].line);
        if (strstr(e.text, at) == NULL)
            ck_abort_msg("%s: %s", table[i].why, e.text);
    }
}
END_TEST

START_TEST(a_text_that_is_no_catalog_of_this_backup_is_refused)
{
    static const char *const texts[] = {
        "",
        "\n",
        "pitr-catalog 1\n",
        "pitr-catalog 1 " ID,
        "pitr-catalog 2 " ID "\nE\t0\t0\t0\n",
        "pitr-catalog 1 " OLDER "\nE\t0\t0\t0\n",
        "pitr-catalog 1 latest\nE\t0\t0\t0\n",
        "pitr-catalog 1\t" ID "\nE\t0\t0\t0\n",
        "pitr-index 1 " ID "\nE\t0\t0\t0\n",
        HEAD "E\t0\t0\t0",
        HEAD "E\t0\t0\t0\nx",
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct err e = ERR_NONE;

        ck_assert_msg(refuse(texts[i], strlen(texts[i]), &e) == ERR_CORRUPT, "%s", texts[i]);
    }
}
END_TEST

START_TEST(what_may_be_written_is_what_is_read)
{
    static const struct {
        struct catalog_relation r;
        bool good;
    } table[] = {
        {{5, 1663, 'r', "s", "t", NULL, NULL}, true},  {{0, 1663, 'r', "s", "t", NULL, NULL}, false},
        {{5, 0, 'r', "s", "t", NULL, NULL}, false},    {{5, 1663, '\0', "s", "t", NULL, NULL}, false},
        {{5, 1663, 'r', "", "t", NULL, NULL}, false},  {{5, 1663, 'r', "s", "", NULL, NULL}, false},
        {{5, 1663, 'i', "s", "t", "s", "t"}, true},    {{5, 1663, 'i', "s", "t", "", "t"}, false},
        {{4, 1664, 'r', "s", "t", NULL, NULL}, false}, {{4, 1665, 'r', "s", "t", NULL, NULL}, true},
        {{3, 1666, 'r', "s", "t", NULL, NULL}, false},
    };
    static const struct catalog_relation behind = {.relfilenode = 4, .tablespace = 1664};

    for (size_t i = 0; i < COUNT(table); i++)
        ck_assert_msg(catalog_relation_is_valid(&table[i].r, &behind) == table[i].good, "row %zu", i);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_catalog_comes_back_the_same_in_pieces_of_any_size,
                                  every_truncation_is_refused,
                                  odd_names_survive,
                                  a_line_out_of_form_is_refused_with_its_number,
                                  a_text_that_is_no_catalog_of_this_backup_is_refused,
                                  what_may_be_written_is_what_is_read};

    return check_main(suite_of("repo/backup_catalog", tests, COUNT(tests)));
}
