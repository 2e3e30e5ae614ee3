/*
 * test_backup_previous.c - the last backup's chunks are found at their places, or everything is stored again: from the
 * spool where that is the index of a backup that exists, else from the repository, never from anything that can't be
 * believed.
 */
#include "ops/backup_previous.h"

#include "../repo/in_memory.h"
#include "../scratch.h"
#include "repo/backup_info.h"
#include "repo/object.h"

#include <stdio.h>

#define ID    "20261120T021500Z-1a2b"
#define EARLY "20261113T021500Z-0000"
#define LATE  "20261127T021500Z-ffff"

static char scratch[SCRATCH_MAX];
static char spool_file[8192];
static struct spool *spool;
static struct backup_previous *previous;

static const uint8_t hash_a[SHA256_BYTES] = {0xA}, hash_b[SHA256_BYTES] = {0xB}, hash_c[SHA256_BYTES] = {0xC};

static void set_up(void)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(sizeof(spool_file));
    struct err e = ERR_NONE;

    repo_set_up();
    scratch_make(scratch);
    OK(spool_open(scratch_path(scratch, "spool"), "main", &spool, &e));
    ck_assert(spool_index_path(spool, repo_place(&repo), &path));
    (void) snprintf(spool_file, sizeof(spool_file), "%s", buf_cstr(&path));
    previous = NULL;
}

static void tear_down(void)
{
    backup_previous_freep(&previous);
    spool_free(spool);
    scratch_remove(scratch);
    repo_tear_down();
}

/* ---- a backup ---- */

static void put_record(struct sink *to, const struct index_record *r)
{
    struct err e = ERR_NONE;

    OK(index_write(to, r, &e));
}

static void put_chunk(struct sink *to, const uint8_t *hash, uint32_t length, uint32_t source, uint32_t frame)
{
    struct index_record r = {.type = INDEX_CHUNK,
                             .chunk = {.length = length, .source = source, .frame = frame, .stored = length}};

    memcpy(r.chunk.sha256, hash, SHA256_BYTES);
    put_record(to, &r);
}

/*
 * Files in an order that is not theirs by name. base/1: a (100), 200 zeros, b (100), a (50) from the earlier backup;
 * base/0: c (300); PG_VERSION: nothing.
 */
static void index_of(const char *id, struct buf *out)
{
    struct sink *to;
    struct err e = ERR_NONE;

    OK(buf_sink_new(out, &to, &e));
    OK(index_write_begin(to, id, &e));
    put_record(to, &(struct index_record){.type = INDEX_SOURCE, .number = 0, .id = id});
    put_record(to, &(struct index_record){.type = INDEX_SOURCE, .number = 1, .id = EARLY});
    put_record(to, &(struct index_record){.type = INDEX_FILE, .mode = 0600, .size = 450, .path = "base/1"});
    put_chunk(to, hash_a, 100, 0, 0);
    put_record(to, &(struct index_record){.type = INDEX_ZEROS, .size = 200});
    put_chunk(to, hash_b, 100, 0, 1);
    put_chunk(to, hash_a, 50, 1, 7);
    put_record(to, &(struct index_record){.type = INDEX_FILE_END});
    put_record(to, &(struct index_record){.type = INDEX_FILE, .mode = 0600, .size = 300, .path = "base/0"});
    put_chunk(to, hash_c, 300, 0, 2);
    put_record(to, &(struct index_record){.type = INDEX_FILE_END});
    put_record(to, &(struct index_record){.type = INDEX_FILE, .mode = 0600, .path = "PG_VERSION"});
    put_record(to, &(struct index_record){.type = INDEX_FILE_END});
    put_record(to, &(struct index_record){.type = INDEX_END, .files = 3, .chunks = 4, .size = 750});
    sink_free(to);
}

static void write_summary(const char *id, const struct buf *index)
{
    struct backup_info b = {.timeline = 1,
                            .start_lsn = 40,
                            .stop_lsn = 400,
                            .system_identifier = SYSTEM,
                            .segment_bytes = 1 << 20};
    struct err e = ERR_NONE;

    memcpy(b.id, id, BACKUP_ID_MAX);
    OK(sha256(index->data, index->len, b.index_sha256, &e));
    OK(backup_info_write(&repo, &layout, &b, &e));
}

static void store_index(const char *id, const char *kind, const char *name, const struct buf *index)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    enum object_outcome outcome;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    layout_backup_index(&layout, id, key);
    OK(store_remove(repo.store, key, &e));
    OK(object_describe_new(&repo, kind, name, &d, &e));
    OK(object_put_bytes(&repo, key, &d, index->data, index->len, &outcome, &e));
}

static void take_backup(const char *id)
{
    CLEANUP(buf_clear) struct buf index = BUF_INIT(1 << 20);

    index_of(id, &index);
    store_index(id, "index", id, &index);
    write_summary(id, &index);
}

static void spool_bytes(const void *bytes, size_t len)
{
    FILE *f = fopen(spool_file, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static void spool_index(const char *id)
{
    CLEANUP(buf_clear) struct buf index = BUF_INIT(1 << 20);

    index_of(id, &index);
    spool_bytes(index.data, index.len);
}

/* ---- what is known of it ---- */

static void load(void)
{
    struct err e = ERR_STALE;

    backup_previous_freep(&previous);
    OK(backup_previous_load(&repo, &layout, spool, &previous, &e));
    ck_assert_str_eq(e.text, ERR_STALE.text);
}

/* The chunk of the previous backup that need not be stored again for these bytes; NULL = none. */
static const struct index_chunk *chunk_at(uint64_t offset, uint32_t length, const uint8_t hash[SHA256_BYTES])
{
    const struct index_chunk *c = backup_previous_chunk(previous, offset, length);

    return c != NULL && memcmp(c->sha256, hash, SHA256_BYTES) == 0 ? c : NULL;
}

static void everything_is_stored_again(const char *why)
{
    load();
    ck_assert_msg(backup_previous_id(previous)[0] == '\0', "%s", why);
    ck_assert_ptr_null(backup_previous_source(previous, 0));
    backup_previous_file(previous, "base/1");
    ck_assert_msg(chunk_at(0, 100, hash_a) == NULL, "%s", why);
}

static void chunks_are_known(const char *id, const char *why)
{
    load();
    ck_assert_msg(strcmp(backup_previous_id(previous), id) == 0, "%s: %s", why, backup_previous_id(previous));
    ck_assert_str_eq(backup_previous_source(previous, 0), id);
    ck_assert_str_eq(backup_previous_source(previous, 1), EARLY);
    ck_assert_ptr_null(backup_previous_source(previous, 2));
    backup_previous_file(previous, "base/1");
    ck_assert_msg(chunk_at(0, 100, hash_a) != NULL, "%s", why);
}

START_TEST(a_chunk_is_found_by_place_length_and_hash)
{
    static const struct {
        const char *path;
        uint64_t at;
        uint32_t length;
        const uint8_t *hash;
        int frame; /* -1: not found */
        const char *why;
    } table[] = {
        {"base/1", 0, 100, hash_a, 0, "as it was"},
        {"base/1", 0, 100, hash_b, -1, "other content"},
        {"base/1", 0, 99, hash_a, -1, "shorter"},
        {"base/1", 100, 100, hash_a, -1, "zeros before"},
        {"base/1", 100, 100, hash_b, -1, "it lies further on"},
        {"base/1", 300, 100, hash_b, 1, "behind zeros"},
        {"base/1", 301, 100, hash_b, -1, "moved by a byte"},
        {"base/1", 400, 50, hash_a, 7, "of the earlier backup"},
        {"base/1", 450, 300, hash_c, -1, "the next file's first is not this one's"},
        {"base/0", 0, 300, hash_c, 2, "another file"},
        {"base/0", 0, 100, hash_a, -1, "of the other file"},
        {"PG_VERSION", 0, 100, hash_a, -1, "an empty file"},
        {"base/2", 0, 100, hash_a, -1, "a new file"},
        {"base", 0, 100, hash_a, -1, "no file"},
    };

    take_backup(ID);
    load();
    for (size_t i = 0; i < COUNT(table); i++) {
        const struct index_chunk *c;

        backup_previous_file(previous, table[i].path);
        c = chunk_at(table[i].at, table[i].length, table[i].hash);
        ck_assert_msg((c != NULL) == (table[i].frame >= 0), "%s", table[i].why);
        if (c != NULL)
            ck_assert_msg(c->frame == (uint32_t) table[i].frame && c->source == (table[i].frame == 7), "%s",
                          table[i].why);
    }
}
END_TEST

START_TEST(a_files_chunks_are_found_one_behind_the_other)
{
    take_backup(ID);
    load();
    backup_previous_file(previous, "base/1");
    ck_assert_ptr_nonnull(chunk_at(0, 100, hash_a));
    ck_assert_ptr_null(chunk_at(100, 100, hash_c)); /* written where zeros were */
    ck_assert_ptr_nonnull(chunk_at(300, 100, hash_b));
    ck_assert_ptr_nonnull(chunk_at(400, 50, hash_a));
    ck_assert_ptr_null(chunk_at(450, 50, hash_a));
    backup_previous_file(previous, "base/0");
    ck_assert_ptr_nonnull(chunk_at(0, 300, hash_c));
}
END_TEST

START_TEST(without_a_backup_everything_is_stored)
{
    everything_is_stored_again("an empty repository");
    spool_index(ID);
    everything_is_stored_again("the spool knows a backup of another time");
}
END_TEST

START_TEST(the_newest_backup_counts_unless_the_spool_has_one)
{
    take_backup(EARLY);
    take_backup(ID);
    chunks_are_known(ID, "of the repository");
    spool_index(EARLY);
    chunks_are_known(EARLY, "of the spool");
}
END_TEST

START_TEST(with_the_spool_no_identity_is_needed)
{
    use_new_key(true);
    take_backup(ID);
    identities_clear(&repo.identities);
    everything_is_stored_again("sealed, and no identity");
    spool_index(ID);
    chunks_are_known(ID, "by the spool");
}
END_TEST

/* What may lie in the spool in an index's place: the newest backup's own, in the repository, is then taken. */
START_TEST(a_spooled_index_that_is_not_to_be_believed_is_passed_over)
{
    CLEANUP(buf_clear) struct buf good = BUF_INIT(1 << 20);

    index_of(ID, &good);
    take_backup(ID);
    take_backup(LATE);
    spool_bytes(good.data, good.len);
    chunks_are_known(ID, "as it should be");
    for (size_t len = 0; len < good.len; len++) {
        spool_bytes(good.data, len);
        chunks_are_known(LATE, "cut");
    }
    for (size_t at = 0; at < good.len; at++) {
        good.data[at] ^= 1;
        spool_bytes(good.data, good.len);
        good.data[at] ^= 1;
        chunks_are_known(LATE, "a byte altered");
    }
    spool_index(EARLY);
    chunks_are_known(LATE, "of a backup that the repository has not");
    ck_assert_int_eq(remove(spool_file), 0);
    chunks_are_known(LATE, "gone");
}
END_TEST

START_TEST(another_index_of_the_same_backup_is_not_the_one_it_promises)
{
    CLEANUP(buf_clear) struct buf index = BUF_INIT(1 << 20);
    char *mode;

    take_backup(ID);
    take_backup(LATE);
    index_of(ID, &index);
    mode = strstr((char *) (uintptr_t) buf_cstr(&index), "\t600\t");
    ck_assert_ptr_nonnull(mode);
    memcpy(mode, "\t640\t", 5); /* well formed */
    spool_bytes(index.data, index.len);
    chunks_are_known(LATE, "another text");
}
END_TEST

START_TEST(a_spooled_index_is_no_link)
{
    take_backup(ID);
    take_backup(LATE);
    spool_index(ID);
    chunks_are_known(ID, "a file");
    ck_assert_int_eq(rename(spool_file, scratch_path(scratch, "elsewhere")), 0);
    ck_assert_int_eq(symlink(scratch_path(scratch, "elsewhere"), spool_file), 0);
    chunks_are_known(LATE, "a link");
}
END_TEST

START_TEST(a_stored_index_that_is_not_to_be_believed_is_passed_over)
{
    CLEANUP(buf_clear) struct buf good = BUF_INIT(1 << 20), other = BUF_INIT(1 << 20);
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    index_of(ID, &good);
    index_of(EARLY, &other);
    take_backup(ID);
    store_index(ID, "index", EARLY, &other);
    everything_is_stored_again("another backup's, moved here");
    store_index(ID, "index", ID, &other);
    everything_is_stored_again("another backup's text");
    store_index(ID, "history", ID, &good);
    everything_is_stored_again("another kind");
    good.len -= 10;
    store_index(ID, "index", ID, &good);
    everything_is_stored_again("cut");
    layout_backup_index(&layout, ID, key);
    raw_text(key, "nonsense");
    everything_is_stored_again("no object of ours");
    OK(store_remove(repo.store, key, &e));
    everything_is_stored_again("missing");
}
END_TEST

START_TEST(what_todays_recipients_can_not_read_is_stored_again)
{
    struct recipients first;

    take_backup(EARLY);
    use_new_key(true);
    everything_is_stored_again("unencrypted, and now there are recipients");
    repo.accept_unencrypted = true;
    everything_is_stored_again("which reading may accept, but not storing");
    repo.accept_unencrypted = false;
    take_backup(ID);
    chunks_are_known(ID, "the same recipient");
    first = repo.recipients;
    repo.recipients = (struct recipients){0};
    everything_is_stored_again("sealed, and now there are no recipients");
    use_new_key(true);
    everything_is_stored_again("another recipient");
    recipients_clear(&first);
}
END_TEST

static void use_recipients(const char *text)
{
    struct err e = ERR_NONE;

    recipients_clear(&repo.recipients);
    OK(recipients_parse(text, "test", &repo.recipients, &e));
}

START_TEST(each_of_todays_recipients_must_be_able_to_read_it)
{
    char a[KEY_TEXT_MAX], b[KEY_TEXT_MAX], secret[KEY_TEXT_MAX], both[2 * KEY_TEXT_MAX + 1];
    struct err e = ERR_NONE;
    struct identity id;
    struct recipient to;

    OK(identity_generate(&id, &e));
    memcpy(to.public_key, id.public_key, KEY_BYTES);
    recipient_format(&to, b);
    OK(identity_generate(&id, &e));
    memcpy(to.public_key, id.public_key, KEY_BYTES);
    recipient_format(&to, a);
    identity_format(&id, secret);
    OK(identities_parse(secret, "test", &repo.identities, &e));
    (void) snprintf(both, sizeof(both), "%s\n%s", a, b);

    use_recipients(a);
    take_backup(EARLY);
    use_recipients(both);
    everything_is_stored_again("sealed for one of two");
    take_backup(ID);
    chunks_are_known(ID, "sealed for both");
    use_recipients(a);
    chunks_are_known(ID, "sealed for another one too");
    use_recipients(b);
    chunks_are_known(ID, "the order does not matter");
}
END_TEST

START_TEST(a_repository_that_does_not_list_its_backups_fails_the_backup)
{
    static const enum err_code kinds[] = {ERR_UNREACHABLE, ERR_DENIED};

    take_backup(ID);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct err e = ERR_NONE;

        fail_next(FAULTY_LIST, kinds[i]);
        ck_assert_int_eq(backup_previous_load(&repo, &layout, spool, &previous, &e), kinds[i]);
        ck_assert_ptr_null(previous);
    }
    fail_next(FAULTY_GET, ERR_UNREACHABLE); /* of the backup.json */
    ck_assert_int_eq(backup_previous_load(&repo, &layout, spool, &previous, &(struct err){0}),
                     ERR_UNREACHABLE);
}
END_TEST

START_TEST(an_index_that_can_not_be_had_is_done_without)
{
    take_backup(ID);
    for (uint64_t nth = 2; nth <= 3; nth++) { /* its descriptor, its bytes */
        faulty_fail(repo.store, &(struct faulty_plan){
                                    .at = FAULTY_GET, .nth = nth, .byte = 400, .kind = ERR_UNREACHABLE});
        everything_is_stored_again("cut off on the way");
    }
    chunks_are_known(ID, "the next time");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_chunk_is_found_by_place_length_and_hash,
        a_files_chunks_are_found_one_behind_the_other,
        without_a_backup_everything_is_stored,
        the_newest_backup_counts_unless_the_spool_has_one,
        with_the_spool_no_identity_is_needed,
        a_spooled_index_that_is_not_to_be_believed_is_passed_over,
        another_index_of_the_same_backup_is_not_the_one_it_promises,
        a_spooled_index_is_no_link,
        a_stored_index_that_is_not_to_be_believed_is_passed_over,
        what_todays_recipients_can_not_read_is_stored_again,
        each_of_todays_recipients_must_be_able_to_read_it,
        a_repository_that_does_not_list_its_backups_fails_the_backup,
        an_index_that_can_not_be_had_is_done_without,
    };
    Suite *suite = suite_create("ops/backup_previous");
    TCase *tcase = tcase_create("ops/backup_previous");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
