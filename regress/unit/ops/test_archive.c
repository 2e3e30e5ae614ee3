/*
 * test_archive.c - what archive_command takes, what it refuses, and when it may say that a file is safe.
 */
#include "ops/archive.h"

#include "../pg/wal_builder.h"
#include "check_main.h"
#include "pgdata.h"
#include "repo/object.h"
#include "repo/wal_facts.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEGMENT  "000000010000000000000006"

static enum err_code archive(const char *path)
{
    e = ERR_STALE;
    return ops_archive(&cluster, &(struct archive_options){.jobs = 0}, path, &e);
}

static void write_segment(const char *name, uint8_t content)
{
    char path[128];

    (void) snprintf(path, sizeof(path), "pg_wal/%s", name);
    write_file(path, segment_bytes(name, content), MIB);
}

/* ---- what is taken ---- */

static const struct {
    const char *name;
    const char *kind;
    const char *text; /* NULL = a segment's content */
} files[] = {
    {SEGMENT, "wal", NULL},
    {SEGMENT ".partial", "partial", NULL},
    {SEGMENT ".00000028.backup", "backup-history", "START WAL LOCATION: 0/600028\n"},
    {"00000002.history", "history", "1\t0/700200\tx\n"},
};

START_TEST(every_kind_of_file_lands_in_every_repository)
{
    CLEANUP(buf_clear) struct buf got = BUF_INIT(2 * MIB);
    const char *text = files[_i].text;
    char path[128], key[STORE_KEY_MAX + 1];

    (void) snprintf(path, sizeof(path), "pg_wal/%s", files[_i].name);
    if (text != NULL)
        write_file(path, text, strlen(text));
    else
        write_segment(files[_i].name, 7);
    ck_assert_msg(archive(path) == ERR_OK, "%s", e.text);
    ck_assert_msg(archive(path) == ERR_OK, "again: %s", e.text);
    key_of(files[_i].name, key);
    for (int i = 0; i < 2; i++) {
        buf_reset(&got);
        ck_assert_msg(object_get_bytes(&pgdata_repo[i], key, files[_i].kind, files[_i].name, &got, &e) ==
                          ERR_OK,
                      "%s", e.text);
        ck_assert_uint_eq(got.len, text != NULL ? strlen(text) : MIB);
        ck_assert_int_eq(
            memcmp(got.data, text != NULL ? (const void *) text : segment_bytes(files[_i].name, 7), got.len),
            0);
    }
}
END_TEST

/* ---- what is refused ---- */

static void bad_magic(uint8_t *bytes)
{
    bytes[0] ^= 0xff;
}

static void zeros(uint8_t *bytes)
{
    memset(bytes, 0, MIB);
}

static void of_another_cluster(uint8_t *bytes)
{
    bytes[24] ^= 1;
}

static void of_another_segment(uint8_t *bytes)
{
    le64_put(bytes + 8, 5 * (uint64_t) MIB);
}

static void of_a_later_timeline(uint8_t *bytes)
{
    le32_put(bytes + 4, 2);
}

static void with_other_segment_size(uint8_t *bytes)
{
    le32_put(bytes + 32, 2 * MIB);
}

static const struct bad_case {
    const char *why;
    void (*spoil)(uint8_t *bytes);
    size_t len;
    enum err_code expected;
} bad_cases[] = {
    {"no WAL page", bad_magic, MIB, ERR_CORRUPT},
    {"zeros", zeros, MIB, ERR_CORRUPT},
    {"another cluster's", of_another_cluster, MIB, ERR_REFUSED},
    {"a recycled segment that was not written yet", of_another_segment, MIB, ERR_CORRUPT},
    {"a later timeline than its name's", of_a_later_timeline, MIB, ERR_CORRUPT},
    {"another segment size than its length", with_other_segment_size, MIB, ERR_CORRUPT},
    {"cut", NULL, MIB - 1, ERR_CORRUPT},
    {"cut inside the header", NULL, 39, ERR_CORRUPT},
    {"empty", NULL, 0, ERR_CORRUPT},
};

START_TEST(a_segment_that_is_not_what_its_name_says_is_refused)
{
    const struct bad_case *c = &bad_cases[_i];
    uint8_t *bytes = segment_bytes(SEGMENT, 7);

    if (c->spoil != NULL)
        c->spoil(bytes);
    write_file("pg_wal/" SEGMENT, bytes, c->len);
    ck_assert_msg(archive("pg_wal/" SEGMENT) == c->expected, "%s: %s", c->why, e.text);
    ck_assert(!is_stored(&pgdata_repo[0], SEGMENT) && !is_stored(&pgdata_repo[1], SEGMENT));
}
END_TEST

START_TEST(what_is_no_file_of_pg_wal_is_refused)
{
    static char large[MIB + 1];

    ck_assert_int_eq(archive("pg_wal/postgresql.conf"), ERR_USAGE);
    ck_assert_int_eq(archive("pg_wal/"), ERR_USAGE);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_IO);
    ck_assert_int_eq(mkdir("pg_wal/" SEGMENT, 0700), 0);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_USAGE);
    write_file("pg_wal/00000002.history", large, sizeof(large));
    ck_assert_int_eq(archive("pg_wal/00000002.history"), ERR_CORRUPT);
}
END_TEST

/* The server makes NAME.ready when a segment is complete, and only then calls. */
START_TEST(a_segment_that_postgresql_has_not_asked_for_is_refused)
{
    CLEANUP(buf_clear) struct buf absolute = BUF_INIT(4096);

    ck_assert_int_eq(mkdir("pg_wal/archive_status", 0700), 0);
    write_segment(SEGMENT, 7);
    write_file("pg_wal/archive_status/" SEGMENT ".partial.ready", "", 0);
    write_file("pg_wal/archive_status/" SEGMENT ".00000028.backup.done", "", 0);
    ck_assert_int_eq(buf_printf(&absolute, &e, "%s/pg_wal/" SEGMENT, pgdata), ERR_OK);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_REFUSED);
    ck_assert_msg(strstr(e.text, "\"pg_wal/" SEGMENT "\"") != NULL && e.hint[0] != '\0', "%s", e.text);
    ck_assert_int_eq(archive(buf_cstr(&absolute)), ERR_REFUSED);
    ck_assert_int_eq(rename("pg_wal", "elsewhere"), 0);
    ck_assert_int_eq(symlink("elsewhere", "pg_wal"), 0);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_REFUSED);
    ck_assert_int_eq(chdir("pg_wal"), 0);
    ck_assert_int_eq(archive(SEGMENT), ERR_REFUSED);
    ck_assert(!is_stored(&pgdata_repo[0], SEGMENT) && !is_stored(&pgdata_repo[1], SEGMENT));
}
END_TEST

START_TEST(a_segment_that_postgresql_has_asked_for_is_taken)
{
    const char *status =
        _i == 0 ? "pg_wal/archive_status/" SEGMENT ".ready" : "pg_wal/archive_status/" SEGMENT ".done";

    ck_assert_int_eq(mkdir("pg_wal/archive_status", 0700), 0);
    write_segment(SEGMENT, 7);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_REFUSED);
    write_file(status, "", 0);
    ck_assert_msg(archive("pg_wal/" SEGMENT) == ERR_OK, "%s", e.text);
}
END_TEST

/* A copy elsewhere; and what is not a segment is whole as soon as it has its name. */
START_TEST(what_lies_beside_no_status_is_taken)
{
    ck_assert_int_eq(mkdir("pg_wal/archive_status", 0700), 0);
    write_segment(SEGMENT ".partial", 7);
    write_file("pg_wal/00000002.history", "1\t0/700200\tx\n", 13);
    ck_assert_msg(archive("pg_wal/" SEGMENT ".partial") == ERR_OK, "%s", e.text);
    ck_assert_msg(archive("pg_wal/00000002.history") == ERR_OK, "%s", e.text);
    ck_assert_int_eq(mkdir("received", 0700), 0);
    write_file("received/" SEGMENT, segment_bytes(SEGMENT, 7), MIB);
    ck_assert_msg(archive("received/" SEGMENT) == ERR_OK, "%s", e.text);
}
END_TEST

START_TEST(a_history_without_a_cluster_is_refused)
{
    write_file("pg_wal/00000002.history", "1\t0/700200\tx\n", 13);
    ck_assert_int_eq(unlink("global/pg_control"), 0);
    ck_assert_int_eq(archive("pg_wal/00000002.history"), ERR_IO);
    write_segment(SEGMENT, 7);
    ck_assert_msg(archive("pg_wal/" SEGMENT) == ERR_OK, "a segment says itself whose it is: %s", e.text);
}
END_TEST

START_TEST(a_second_cluster_under_the_same_name_is_refused)
{
    uint8_t *bytes;

    write_segment(SEGMENT, 7);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_OK);
    ck_assert_int_eq(unlink("global/pg_control"), 0);
    bytes = segment_bytes(SEGMENT, 7);
    of_another_cluster(bytes);
    write_file("pg_wal/" SEGMENT, bytes, MIB);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_REFUSED);
}
END_TEST

START_TEST(other_content_under_the_same_name_is_a_conflict)
{
    char *here;

    write_segment(SEGMENT, 7);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_OK);
    write_segment(SEGMENT, 8);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_CONFLICT);
    here = realpath(".", NULL);
    ck_assert_msg(strstr(e.text, here) != NULL, "the data directory tells servers of one host apart: %s",
                  e.text);
    free(here);
    write_segment(SEGMENT, 7);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_OK);
}
END_TEST

/* ---- repositories that fail ---- */

START_TEST(one_repository_that_is_away_does_not_keep_the_other_from_having_it)
{
    struct repo *away = &pgdata_repo[_i % 2], *there = &pgdata_repo[1 - _i % 2];
    const enum faulty_point points[] = {FAULTY_PUT_OPEN, FAULTY_WRITE, FAULTY_FINISH};

    write_segment(SEGMENT, 7);
    faulty_fail(away->store,
                &(struct faulty_plan){.at = points[_i / 2], .kind = ERR_UNREACHABLE, .forever = true});
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(e.text, away->name));
    ck_assert(is_stored(there, SEGMENT) && !is_stored(away, SEGMENT));
    faulty_fail(away->store, NULL);
    ck_assert_msg(archive("pg_wal/" SEGMENT) == ERR_OK, "%s", e.text);
    ck_assert(is_stored(away, SEGMENT));
}
END_TEST

START_TEST(an_answer_that_was_lost_is_asked_for_again)
{
    write_segment(SEGMENT, 7);
    faulty_fail(pgdata_repo[0].store,
                &(struct faulty_plan){.at = FAULTY_FINISH_LATE, .nth = 2, .kind = ERR_UNREACHABLE});
    (void) archive("pg_wal/" SEGMENT);
    ck_assert_msg(archive("pg_wal/" SEGMENT) == ERR_OK, "%s", e.text);
    ck_assert(is_stored(&pgdata_repo[0], SEGMENT) && is_stored(&pgdata_repo[1], SEGMENT));
}
END_TEST

/* ---- the same WAL with other filler ---- */

enum ending { SWITCHED, CUT_OFF };

/* A segment, or .partial, of `records` records, and from their end on nothing but filler. */
static void write_wal(const char *name, unsigned records, enum ending ending, uint8_t filler)
{
    static uint8_t body[1000];
    struct wal w = {.bytes = BUF_INIT(WAL_BUILDER_MAX),
                    .start = 6 * (lsn) MIB,
                    .segment_bytes = MIB,
                    .page_bytes = 8192,
                    .magic = 0xD110,
                    .tli = 1,
                    .prev = 6 * (lsn) MIB - 64};
    char path[128];
    size_t end;

    for (unsigned n = 0; n < records; n++)
        (void) wal_record(&w, 10, 0, 7, body, sizeof(body));
    end = w.bytes.len;
    if (ending == SWITCHED)
        end = (size_t) (wal_switch(&w) + 24 - w.start);
    else
        wal_zeros(&w, MIB - end);
    memset(w.bytes.data + end, filler, MIB - end);
    le64_put(w.bytes.data + 24, control.system_identifier);
    (void) snprintf(path, sizeof(path), "pg_wal/%s", name);
    write_file(path, w.bytes.data, w.bytes.len);
    buf_clear(&w.bytes);
}

static const struct same_case {
    const char *why;
    const char *name;
    struct {
        unsigned records;
        enum ending ending;
    } there, here;
    const char *history; /* beside the segment, or NULL */
    enum err_code expected;
} same_cases[] = {
    {"filler behind a switch", SEGMENT, {5, SWITCHED}, {5, SWITCHED}, NULL, ERR_OK},
    {"filler behind a switch, many pages", SEGMENT, {500, SWITCHED}, {500, SWITCHED}, NULL, ERR_OK},
    {"a switch elsewhere", SEGMENT, {5, SWITCHED}, {6, SWITCHED}, NULL, ERR_CONFLICT},
    {"a crash there, goes on here", SEGMENT, {5, CUT_OFF}, {6, SWITCHED}, NULL, ERR_CONFLICT},
    {"no reason to end", SEGMENT, {5, CUT_OFF}, {5, CUT_OFF}, NULL, ERR_CONFLICT},
    {"a fork", SEGMENT, {5, CUT_OFF}, {5, CUT_OFF}, "1\t0/600100\tx\n", ERR_OK},
    {"a fork, and one that went on", SEGMENT, {5, CUT_OFF}, {6, CUT_OFF}, "1\t0/600100\tx\n", ERR_CONFLICT},
    {"the end of a .partial", SEGMENT ".partial", {5, CUT_OFF}, {5, CUT_OFF}, NULL, ERR_OK},
    {"a .partial with more", SEGMENT ".partial", {5, CUT_OFF}, {6, CUT_OFF}, NULL, ERR_CONFLICT},
};

START_TEST(other_filler_is_no_other_content)
{
    const struct same_case *c = &same_cases[_i];
    char path[128];

    (void) snprintf(path, sizeof(path), "pg_wal/%s", c->name);
    if (c->history != NULL)
        write_file("pg_wal/00000002.history", c->history, strlen(c->history));
    write_wal(c->name, c->there.records, c->there.ending, 0);
    ck_assert_msg(archive(path) == ERR_OK, "%s: %s", c->why, e.text);
    write_wal(c->name, c->here.records, c->here.ending, 0xEE);
    ck_assert_msg(archive(path) == c->expected, "%s: %s", c->why, e.text);
    write_wal(c->name, c->there.records, c->there.ending, 0);
    ck_assert_msg(archive(path) == ERR_OK, "%s, the first again: %s", c->why, e.text);
    if (c->expected == ERR_CONFLICT && c->there.records != c->here.records) {
        write_wal(c->name, c->here.records, c->here.ending, 0xEE);
        ck_assert_int_eq(archive(path), ERR_CONFLICT);
        ck_assert_msg(strstr(e.text, "where valid WAL ends at LSN 0/60") != NULL, "%s: %s", c->why, e.text);
    }
}
END_TEST

/* One whose descriptor does not tell, as programs before did not. */
START_TEST(other_filler_is_other_content_where_the_stored_descriptor_does_not_tell)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    CLEANUP(buf_clear) struct buf bytes = BUF_INIT(2 * MIB);
    enum object_outcome outcome;
    char key[STORE_KEY_MAX + 1];

    cluster.repo_count = 1;
    write_wal(SEGMENT, 5, SWITCHED, 0);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_OK);
    key_of(SEGMENT, key);
    ck_assert(object_descriptor(&pgdata_repo[0], key, &d, &e) == ERR_OK &&
              object_get_bytes(&pgdata_repo[0], key, "wal", SEGMENT, &bytes, &e) == ERR_OK &&
              store_remove(pgdata_repo[0].store, key, &e) == ERR_OK);
    ck_assert_int_eq(json_object_del(json_object_get(d.facts, "wal"), "valid_sha256"), 0);
    ck_assert_int_eq(object_put_bytes(&pgdata_repo[0], key, &d, bytes.data, bytes.len, &outcome, &e), ERR_OK);
    write_wal(SEGMENT, 5, SWITCHED, 0xEE);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_CONFLICT);
    write_wal(SEGMENT, 5, SWITCHED, 0);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_OK);
}
END_TEST

/* ---- the run of segments ---- */

static char *segment_name(unsigned number)
{
    static char name[WALFILE_NAME_MAX];

    walseg_name(1, number, MIB, name);
    return name;
}

static enum err_code archive_segment(unsigned number, uint8_t content)
{
    char path[128];

    write_segment(segment_name(number), content);
    (void) snprintf(path, sizeof(path), "pg_wal/%s", segment_name(number));
    return archive(path);
}

/* How many segments before it a stored segment's descriptor tells of. */
static unsigned tells_of(struct repo *r, const char *name)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct wal_facts f;
    char key[STORE_KEY_MAX + 1];

    key_of(name, key);
    ck_assert_msg(object_descriptor(r, key, &d, &e) == ERR_OK && wal_facts_read(&d, &f, &e) == ERR_OK, "%s",
                  e.text);
    ck_assert(f.has_records && f.has_drops); /* its records were read */
    ck_assert_uint_eq(f.run_to, f.first_lsn);
    return (unsigned) ((f.run_to - f.run_from) / MIB);
}

START_TEST(a_segment_tells_of_the_run_that_each_repository_acknowledged)
{
    struct repo *near = &pgdata_repo[0], *far = &pgdata_repo[1];

    for (unsigned n = 6; n < 9; n++) {
        ck_assert_int_eq(archive_segment(n, 7), ERR_OK);
        ck_assert_uint_eq(tells_of(near, segment_name(n)), n - 6);
        ck_assert_uint_eq(tells_of(far, segment_name(n)), n - 6);
    }
    faulty_fail(far->store,
                &(struct faulty_plan){.at = FAULTY_FINISH, .kind = ERR_UNREACHABLE, .forever = true});
    ck_assert_int_eq(archive_segment(9, 7), ERR_UNREACHABLE);
    ck_assert_int_eq(archive_segment(10, 7), ERR_UNREACHABLE); /* as no archiver does: it never skips one */
    faulty_fail(far->store, NULL);
    ck_assert_int_eq(archive_segment(11, 7), ERR_OK);
    ck_assert_uint_eq(tells_of(near, segment_name(11)), 5);
    ck_assert_uint_eq(tells_of(far, segment_name(11)), 0);
}
END_TEST

START_TEST(a_push_that_failed_and_was_repeated_leaves_every_run_whole)
{
    ck_assert_int_eq(archive_segment(6, 7), ERR_OK);
    faulty_fail(pgdata_repo[1].store,
                &(struct faulty_plan){.at = FAULTY_FINISH_LATE, .kind = ERR_UNREACHABLE});
    ck_assert_int_eq(archive_segment(7, 7), ERR_UNREACHABLE);
    ck_assert_int_eq(archive_segment(7, 7), ERR_OK);
    ck_assert_int_eq(archive_segment(8, 7), ERR_OK);
    ck_assert_uint_eq(tells_of(&pgdata_repo[0], segment_name(8)), 2);
    ck_assert_uint_eq(tells_of(&pgdata_repo[1], segment_name(8)), 2);
}
END_TEST

START_TEST(a_conflict_is_not_acknowledged)
{
    ck_assert_int_eq(archive_segment(7, 7), ERR_OK);
    ck_assert_int_eq(archive_segment(6, 7), ERR_OK);
    ck_assert_int_eq(archive_segment(7, 8), ERR_CONFLICT);
    ck_assert_int_eq(archive_segment(8, 7), ERR_OK);
    ck_assert_uint_eq(tells_of(&pgdata_repo[0], segment_name(8)), 0);
}
END_TEST

static struct wal_facts facts_of(struct repo *r, const char *name)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct wal_facts f;
    char key[STORE_KEY_MAX + 1];

    key_of(name, key);
    ck_assert_msg(object_descriptor(r, key, &d, &e) == ERR_OK && wal_facts_read(&d, &f, &e) == ERR_OK, "%s",
                  e.text);
    return f;
}

/* Its one record is not whole. */
START_TEST(a_damaged_segment_says_so_and_no_run_goes_on_over_it)
{
    uint8_t *bytes;
    struct wal_facts f;

    for (unsigned n = 6; n < 8; n++)
        ck_assert_int_eq(archive_segment(n, 7), ERR_OK);
    ck_assert(!facts_of(&pgdata_repo[0], segment_name(7)).is_damaged);
    bytes = segment_bytes(segment_name(8), 7);
    bytes[68] ^= 1;
    write_file("pg_wal/000000010000000000000008", bytes, MIB);
    ck_assert_int_eq(archive("pg_wal/000000010000000000000008"), ERR_OK);
    f = facts_of(&pgdata_repo[1], segment_name(8));
    ck_assert(f.is_damaged && !f.has_valid && f.end_lsn < f.first_lsn + MIB);
    ck_assert_uint_eq(tells_of(&pgdata_repo[1], segment_name(8)), 2);
    for (unsigned n = 9; n < 11; n++) {
        ck_assert_int_eq(archive_segment(n, 7), ERR_OK);
        ck_assert_uint_eq(tells_of(&pgdata_repo[1], segment_name(n)), n - 9);
    }
}
END_TEST

/* A .partial is no segment that replay gets by its name. */
START_TEST(a_partial_segment_neither_tells_nor_lengthens_a_run)
{
    ck_assert_int_eq(archive_segment(5, 7), ERR_OK);
    write_segment(SEGMENT ".partial", 7);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT ".partial"), ERR_OK);
    ck_assert_uint_eq(tells_of(&pgdata_repo[0], SEGMENT ".partial"), 0);
    ck_assert_int_eq(archive_segment(7, 7), ERR_OK);
    ck_assert_uint_eq(tells_of(&pgdata_repo[0], segment_name(7)), 0);
}
END_TEST

/* ---- large segments: what fits into memory is read once, the rest twice ---- */

/* A store that changes the file as soon as it is to be stored, which is between the two readings. */
static enum err_code put_open_and_change(struct store *s, const char *key, uint64_t size, struct sink **out,
                                         struct err *why)
{
    FILE *f;

    (void) s;
    if (strstr(key, SEGMENT) != NULL) {
        f = fopen("pg_wal/" SEGMENT, "r+");
        ck_assert(f != NULL && fseek(f, 100L * MIB, SEEK_SET) == 0 && fputc('x', f) == 'x' && fclose(f) == 0);
    }
    return store_put_open(pgdata_repo[1].store, key, size, out, why);
}

static enum err_code get_behind(struct store *s, const char *key, const struct store_range *range,
                                struct sink *to, struct store_object *info, struct err *why)
{
    (void) s;
    return store_get(pgdata_repo[1].store, key, range, to, info, why);
}

static enum err_code list_behind(struct store *s, const struct store_listing *what, store_visit *visit,
                                 void *arg, struct err *why)
{
    (void) s;
    return store_list(pgdata_repo[1].store, what, visit, arg, why);
}

static void write_large(uint32_t bytes)
{
    uint8_t head[64];
    FILE *f = fopen("pg_wal/" SEGMENT, "w");

    memcpy(head, segment_bytes(SEGMENT, 0), sizeof(head));
    le64_put(head + 8, 6 * (uint64_t) bytes);
    le32_put(head + 32, bytes);
    ck_assert(f != NULL && fwrite(head, 1, sizeof(head), f) == sizeof(head));
    ck_assert(fflush(f) == 0 && ftruncate(fileno(f), bytes) == 0 && fclose(f) == 0);
}

START_TEST(large_segments_are_taken)
{
    const uint32_t sizes[] = {64 * MIB, 128 * MIB};

    cluster.repo_count = 1;
    write_large(sizes[_i]);
    ck_assert_msg(archive("pg_wal/" SEGMENT) == ERR_OK, "%s", e.text);
    ck_assert_msg(archive("pg_wal/" SEGMENT) == ERR_OK, "again: %s", e.text);
}
END_TEST

START_TEST(a_large_file_that_changes_between_its_readings_is_refused)
{
    const struct store_ops ops = {.put_open = put_open_and_change, .get = get_behind, .list = list_behind};
    struct store changing = {.ops = &ops, .url = pgdata_repo[0].store->url};
    struct repo r = pgdata_repo[0];
    struct repo *one[] = {&r};

    r.store = &changing;
    cluster.repos = one;
    cluster.repo_count = 1;
    write_large(128 * MIB);
    ck_assert_int_eq(archive("pg_wal/" SEGMENT), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "changed while it was read"));
    ck_assert(!is_stored(&pgdata_repo[1], SEGMENT));
    cluster.repos = pgdata_repos;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/archive");
    TCase *tests = tcase_create("ops/archive");

    tcase_set_timeout(tests, 110);
    tcase_add_checked_fixture(tests, pgdata_set_up, pgdata_tear_down);
    tcase_add_loop_test(tests, every_kind_of_file_lands_in_every_repository, 0, COUNT(files));
    tcase_add_loop_test(tests, a_segment_that_is_not_what_its_name_says_is_refused, 0, COUNT(bad_cases));
    tcase_add_test(tests, what_is_no_file_of_pg_wal_is_refused);
    tcase_add_test(tests, a_segment_that_postgresql_has_not_asked_for_is_refused);
    tcase_add_loop_test(tests, a_segment_that_postgresql_has_asked_for_is_taken, 0, 2);
    tcase_add_test(tests, what_lies_beside_no_status_is_taken);
    tcase_add_test(tests, a_history_without_a_cluster_is_refused);
    tcase_add_test(tests, a_second_cluster_under_the_same_name_is_refused);
    tcase_add_test(tests, other_content_under_the_same_name_is_a_conflict);
    tcase_add_loop_test(tests, one_repository_that_is_away_does_not_keep_the_other_from_having_it, 0, 6);
    tcase_add_test(tests, an_answer_that_was_lost_is_asked_for_again);
    tcase_add_loop_test(tests, other_filler_is_no_other_content, 0, COUNT(same_cases));
    tcase_add_test(tests, other_filler_is_other_content_where_the_stored_descriptor_does_not_tell);
    tcase_add_test(tests, a_segment_tells_of_the_run_that_each_repository_acknowledged);
    tcase_add_test(tests, a_push_that_failed_and_was_repeated_leaves_every_run_whole);
    tcase_add_test(tests, a_conflict_is_not_acknowledged);
    tcase_add_test(tests, a_damaged_segment_says_so_and_no_run_goes_on_over_it);
    tcase_add_test(tests, a_partial_segment_neither_tells_nor_lengthens_a_run);
    tcase_add_loop_test(tests, large_segments_are_taken, 0, 2);
    tcase_add_test(tests, a_large_file_that_changes_between_its_readings_is_refused);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
