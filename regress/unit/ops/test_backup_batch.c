/*
 * test_backup_batch.c - what is received comes back worked on, in its order, by bounded means.
 */
#include "ops/backup_batch.h"

#include "../repo/in_memory.h"
#include "codec/crc32c.h"
#include "codec/sha256.h"

#include <stdio.h>

#define ID    "20261120T021500Z-1a2b"
#define CHUNK ((uint32_t) 64 << 10)

enum { FILLED, ZEROS, AS_BEFORE, CHANGED };

static struct backup_packs *packs;
static struct backup_batches *batches;
static struct index_chunk before; /* what the last backup has of an AS_BEFORE and a CHANGED chunk */
static struct index_chunk changed;
static size_t sent, taken;
static size_t fail_at; /* an item whose taking fails; 0 = none */
static bool take_anything;

/* The chunk that is item i: of a length and content of its own. */
static uint32_t fill(size_t i, int what, uint8_t *out)
{
    uint32_t length = what == AS_BEFORE || what == CHANGED ? CHUNK : (uint32_t) (1 + i * 7919 % CHUNK);
    uint64_t state = i + 1;

    memset(out, what == AS_BEFORE ? 'b' : 0, length);
    for (uint32_t n = 0; what == FILLED && n < length; n++)
        out[n] = (uint8_t) (next_number(&state) >> 24);
    if (what == CHANGED)
        out[length - 1] = 1;
    return length;
}

/* Every seventh item is a note, every seventh the end of a file. */
static enum batch_kind kind_of(size_t i)
{
    return i % 7 == 3 ? BATCH_NOTE : i % 7 == 5 ? BATCH_FILE_END : BATCH_CHUNK;
}

static void check_chunk(size_t i, const struct batch_item *item)
{
    static uint8_t bytes[CHUNK];
    uint8_t digest[SHA256_BYTES];
    int what = (int) (i % 4);
    struct err e = ERR_NONE;

    ck_assert_uint_eq(item->length, fill(i, what, bytes));
    ck_assert_uint_eq(item->crc32c, crc32c(0, bytes, item->length));
    ck_assert(item->is_zeros == (what == ZEROS));
    ck_assert_ptr_eq(item->old, what == AS_BEFORE ? &before : NULL);
    if (what != FILLED && what != CHANGED)
        return;
    OK(sha256(bytes, item->length, digest, &e));
    ck_assert_mem_eq(item->chunk.sha256, digest, SHA256_BYTES);
    ck_assert_uint_eq(item->chunk.length, item->length);
    ck_assert_uint_gt(item->chunk.stored, 0);
}

static enum err_code take(const struct batch_item *item, const char *note, void *arg, struct err *e)
{
    size_t i = taken++;
    char text[32];

    (void) arg;
    if (fail_at != 0 && i == fail_at)
        return err_set(e, ERR_IO, "disk full");
    if (take_anything)
        return ERR_OK;
    ck_assert_int_eq(item->kind, kind_of(i));
    if (item->kind == BATCH_CHUNK)
        check_chunk(i, item);
    if (item->kind == BATCH_NOTE) {
        (void) snprintf(text, sizeof(text), "note %zu\n", i);
        ck_assert_uint_eq(item->length, strlen(text));
        ck_assert_mem_eq(note, text, item->length);
    }
    return ERR_OK;
}

static void set_up(void)
{
    static uint8_t bytes[CHUNK];
    struct err e = ERR_NONE;

    repo_set_up();
    before.length = changed.length = fill(0, AS_BEFORE, bytes);
    OK(sha256(bytes, CHUNK, before.sha256, &e));
    memcpy(changed.sha256, before.sha256, SHA256_BYTES);
    OK(backup_packs_new(&(struct backup_packs_options){.repo = &repo,
                                                       .layout = &layout,
                                                       .backup_id = ID,
                                                       .pack_bytes = (size_t) 1 << 20,
                                                       .chunk_bytes = CHUNK,
                                                       .packs_max = 2,
                                                       .uploads = 1},
                        &packs, &e));
    batches = NULL;
    sent = taken = fail_at = 0;
    take_anything = false;
}

static void tear_down(void)
{
    backup_batches_free(batches);
    backup_packs_free(packs);
    repo_tear_down();
}

static void batches_new(size_t batches_max, size_t jobs)
{
    struct err e = ERR_NONE;

    OK(backup_batches_new(&(struct backup_batches_options){.packs = packs,
                                                           .codec = CODEC_LZ4,
                                                           .chunk_bytes = CHUNK,
                                                           .batches_max = batches_max,
                                                           .jobs = jobs,
                                                           .take = take},
                          &batches, &e));
}

static enum err_code send_chunk(size_t i, struct err *e)
{
    static uint8_t bytes[CHUNK];
    int what = (int) (i % 4);
    uint32_t length = fill(i, what, bytes);
    uint8_t *room;

    if (backup_batch_chunk(batches, length,
                           what == AS_BEFORE ? &before
                           : what == CHANGED ? &changed
                                             : NULL,
                           &room, e) != ERR_OK)
        return e->code;
    memcpy(room, bytes, length);
    return ERR_OK;
}

static enum err_code send(size_t count, struct err *e)
{
    enum err_code code = ERR_OK;

    for (; code == ERR_OK && count > 0; count--) {
        size_t i = sent++;
        char text[32];

        if (kind_of(i) == BATCH_CHUNK)
            code = send_chunk(i, e);
        else if (kind_of(i) == BATCH_FILE_END)
            code = backup_batch_file_end(batches, e);
        else {
            (void) snprintf(text, sizeof(text), "note %zu\n", i);
            code = backup_batch_note(batches, text, strlen(text), e);
        }
    }
    return code;
}

START_TEST(everything_comes_back_worked_on_and_in_its_order)
{
    static const struct {
        size_t batches_max, jobs;
    } table[] = {{2, 1}, {3, 2}, {20, 8}};
    struct err e = ERR_STALE;

    for (size_t i = 0; i < COUNT(table); i++) {
        tear_down();
        set_up();
        batches_new(table[i].batches_max, table[i].jobs);
        OK(send(700, &e));
        OK(backup_batch_settle(batches, &e));
        ck_assert_uint_eq(taken, 700);
        OK(send(9, &e)); /* more may follow */
        OK(backup_batch_settle(batches, &e));
        ck_assert_uint_eq(taken, 709);
        OK(backup_batch_settle(batches, &e)); /* nothing to do */
        OK(backup_packs_flush(packs, &e));
        ck_assert_str_eq(e.text, ERR_STALE.text);
    }
}
END_TEST

START_TEST(no_more_batches_are_made_than_allowed)
{
    struct err e = ERR_NONE;

    batches_new(3, 1);
    OK(send(1500, &e));
    OK(backup_batch_settle(batches, &e));
    ck_assert_uint_le(backup_batches_in_memory(batches), 3);
}
END_TEST

START_TEST(batches_that_are_settled_at_once_share_one_memory)
{
    struct err e = ERR_NONE;

    batches_new(8, 4);
    for (int i = 0; i < 20; i++) {
        OK(send(5, &e));
        OK(backup_batch_settle(batches, &e));
    }
    ck_assert_uint_eq(backup_batches_in_memory(batches), 1);
}
END_TEST

START_TEST(notes_alone_fill_batches_too)
{
    static char text[100000];
    struct err e = ERR_NONE;

    batches_new(2, 2);
    memset(text, 'n', sizeof(text));
    take_anything = true;
    for (size_t i = 0; i < 50; i++)
        OK(backup_batch_note(batches, text, sizeof(text), &e));
    for (size_t i = 0; i < 20000; i++)
        OK(backup_batch_file_end(batches, &e));
    OK(backup_batch_settle(batches, &e));
    ck_assert_uint_eq(taken, 20050);
    ck_assert_uint_le(backup_batches_in_memory(batches), 2);
}
END_TEST

START_TEST(what_is_given_up_is_freed)
{
    struct err e = ERR_NONE;

    batches_new(4, 2);
    OK(send(300, &e));
}
END_TEST

START_TEST(a_store_that_fails_ends_it_with_its_error)
{
    for (size_t jobs = 1; jobs <= 4; jobs += 3) {
        struct err e = ERR_NONE;
        enum err_code code;

        tear_down();
        set_up();
        batches_new(4, jobs);
        faulty_fail(repo.store,
                    &(struct faulty_plan){.at = FAULTY_FINISH, .nth = 2, .kind = ERR_UNREACHABLE});
        code = send(2000, &e);
        if (code == ERR_OK)
            code = backup_batch_settle(batches, &e);
        ck_assert_int_eq(code, ERR_UNREACHABLE);
    }
}
END_TEST

START_TEST(a_result_that_can_not_be_taken_ends_it)
{
    struct err e = ERR_NONE;
    enum err_code code;

    batches_new(3, 2);
    fail_at = 41;
    code = send(500, &e);
    if (code == ERR_OK)
        code = backup_batch_settle(batches, &e);
    ck_assert_int_eq(code, ERR_IO);
    ck_assert_str_eq(e.text, "disk full");
    ck_assert_uint_eq(taken, 42);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        everything_comes_back_worked_on_and_in_its_order,
        no_more_batches_are_made_than_allowed,
        batches_that_are_settled_at_once_share_one_memory,
        notes_alone_fill_batches_too,
        what_is_given_up_is_freed,
        a_store_that_fails_ends_it_with_its_error,
        a_result_that_can_not_be_taken_ends_it,
    };

    return check_main(suite_between("ops/backup_batch", set_up, tear_down, tests, COUNT(tests)));
}
