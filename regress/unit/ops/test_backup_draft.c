/*
 * test_backup_draft.c - the final index says what was drafted, and names those earlier backups only whose packs it
 * needs.
 */
#include "ops/backup_draft.h"

#include "../repo/in_memory.h"
#include "../scratch.h"
#include "codec/sha256.h"
#include "repo/object.h"

#define ID    "20261120T021500Z-1a2b"
#define FIRST "20261119T021500Z-0001"

static char scratch[SCRATCH_MAX];
static struct spool *spool;
static struct backup_previous *previous;
static struct backup_draft *draft;
static struct backup_info info;

static void load_previous(void)
{
    struct err e = ERR_NONE;

    backup_previous_freep(&previous);
    OK(backup_previous_load(&repo, &layout, spool, &previous, &e));
}

static void set_up(void)
{
    struct err e = ERR_NONE;

    repo_set_up();
    scratch_make(scratch);
    OK(spool_open(scratch_path(scratch, "spool"), "main", &spool, &e));
    previous = NULL;
    draft = NULL;
    info = (struct backup_info){0};
}

static void tear_down(void)
{
    backup_draft_free(draft);
    backup_info_clear(&info);
    backup_previous_free(previous);
    spool_free(spool);
    scratch_remove(scratch);
    repo_tear_down();
}

static const struct index_chunk chunk_a = {
    .length = 100, .sha256 = {0xa}, .pack = 3, .frame = 7, .offset = 5, .stored = 60};

static void begin(const char *id)
{
    struct err e = ERR_NONE;

    OK(backup_draft_new(id, scratch, previous, &draft, &e));
    OK(backup_draft_text(draft, "D\t700\tbase\n", 11, &e));
    OK(backup_draft_record(
        draft, &(struct index_record){.type = INDEX_FILE, .mode = 0600, .size = 100, .path = "base/1"}, &e));
}

static void end(void)
{
    const struct index_record last = {.type = INDEX_END, .files = 1, .chunks = 1, .size = 100};
    struct err e = ERR_NONE;

    OK(backup_draft_record(draft, &(struct index_record){.type = INDEX_FILE_END, .crc32c = 9}, &e));
    OK(backup_draft_store(draft, &last, &repo, &layout, &info, &e));
}

/* What is stored is this text, and what is kept as well. */
static void check_index(const char *id, const char *text)
{
    CLEANUP(buf_clear) struct buf there = BUF_INIT(RAW_MAX);
    CLEANUP(buf_clear) struct buf kept = BUF_INIT(RAW_MAX);
    char key[STORE_KEY_MAX + 1];
    uint8_t digest[SHA256_BYTES];
    struct err e = ERR_NONE;

    layout_backup_index(&layout, id, key);
    OK(object_get_bytes(&repo, key, "index", id, &there, &e));
    ck_assert_str_eq(buf_cstr(&there), text);
    OK(sha256(there.data, there.len, digest, &e));
    ck_assert_mem_eq(info.index_sha256, digest, SHA256_BYTES);
    OK(backup_draft_keep(draft, scratch_path(scratch, "kept"), &e));
    OK(buf_read_file(&kept, scratch_path(scratch, "kept"), &e));
    ck_assert_str_eq(buf_cstr(&kept), text);
}

/* A backup with this draft's index, which the next one may refer to. */
static void make_it_the_previous(const char *id)
{
    struct err e = ERR_NONE;

    memcpy(info.id, id, BACKUP_ID_MAX);
    info.timeline = 1;
    info.start_lsn = 40;
    info.stop_lsn = 400;
    info.system_identifier = SYSTEM;
    info.segment_bytes = 1 << 20;
    OK(backup_info_write(&repo, &layout, &info, &e));
    backup_draft_free(draft);
    draft = NULL;
    backup_info_clear(&info);
    info = (struct backup_info){0};
    load_previous();
    ck_assert_str_eq(backup_previous_id(previous), id);
}

#define HASH_A "0a00000000000000000000000000000000000000000000000000000000000000"

static void take_first(void)
{
    struct err e = ERR_NONE;

    load_previous();
    begin(FIRST);
    OK(backup_draft_new_chunk(draft, &chunk_a, &e));
    end();
}

START_TEST(the_index_says_what_was_drafted)
{
    take_first();
    check_index(FIRST, "pitr-index 1 " FIRST "\nS\t0\t" FIRST "\nD\t700\tbase\nF\t600\t100\t0\tbase/1\n"
                       "C\t100\t" HASH_A "\t0\t3\t7\t5\t60\nX\t00000009\nE\t1\t1\t100\n");
    ck_assert_uint_eq(info.source_count, 0);
}
END_TEST

START_TEST(a_chunk_of_an_earlier_backup_names_it_and_counts_its_packs)
{
    const struct index_chunk *old;
    struct err e = ERR_NONE;

    take_first();
    make_it_the_previous(FIRST);
    begin(ID);
    backup_previous_file(previous, "base/1");
    old = backup_previous_chunk(previous, 0, 100);
    ck_assert_ptr_nonnull(old);
    OK(backup_draft_old_chunk(draft, old, &e));
    end();
    check_index(ID,
                "pitr-index 1 " ID "\nS\t0\t" ID "\nS\t1\t" FIRST "\nD\t700\tbase\nF\t600\t100\t0\tbase/1\n"
                "C\t100\t" HASH_A "\t1\t3\t7\t5\t60\nX\t00000009\nE\t1\t1\t100\n");
    ck_assert_uint_eq(info.source_count, 1);
    ck_assert_str_eq(info.sources[0].id, FIRST);
    ck_assert_uint_eq(info.sources[0].packs, 1);
}
END_TEST

START_TEST(an_earlier_backup_that_is_not_needed_is_not_named)
{
    struct err e = ERR_NONE;

    take_first();
    make_it_the_previous(FIRST);
    begin(ID);
    OK(backup_draft_new_chunk(draft, &chunk_a, &e));
    end();
    check_index(ID, "pitr-index 1 " ID "\nS\t0\t" ID "\nD\t700\tbase\nF\t600\t100\t0\tbase/1\n"
                    "C\t100\t" HASH_A "\t0\t3\t7\t5\t60\nX\t00000009\nE\t1\t1\t100\n");
    ck_assert_uint_eq(info.source_count, 0);
}
END_TEST

START_TEST(what_the_index_parser_refuses_is_not_stored)
{
    const struct index_record last = {.type = INDEX_END, .files = 1, .chunks = 2, .size = 100};
    struct err e = ERR_NONE;

    load_previous();
    begin(FIRST);
    OK(backup_draft_new_chunk(draft, &chunk_a, &e));
    OK(backup_draft_record(draft, &(struct index_record){.type = INDEX_FILE_END, .crc32c = 9}, &e));
    ck_assert_int_eq(backup_draft_store(draft, &last, &repo, &layout, &info, &e), ERR_CORRUPT);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_index_says_what_was_drafted,
        a_chunk_of_an_earlier_backup_names_it_and_counts_its_packs,
        an_earlier_backup_that_is_not_needed_is_not_named,
        what_the_index_parser_refuses_is_not_stored,
    };

    return check_main(suite_between("ops/backup_draft", set_up, tear_down, tests, COUNT(tests)));
}
