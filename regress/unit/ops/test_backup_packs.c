/*
 * test_backup_packs.c - chunks go into packs, packs into the repository by several threads, and whatever fails there fails
 * the backup.
 */
#include "ops/backup_packs.h"

#include "../repo/in_memory.h"

#define ID         "20261120T021500Z-1a2b"
#define PACK_BYTES 1000
#define CHUNK_MAX  300
#define CHUNKS     50

static uint8_t plain[CHUNKS][CHUNK_MAX];
static struct index_chunk chunks[CHUNKS];

/* Chunk i has this many bytes, of which no two chunks have the same. */
static uint32_t length_of(size_t i)
{
    return (uint32_t) (1 + i * 83 % CHUNK_MAX);
}

static struct backup_packs *packs_new(size_t jobs)
{
    const struct backup_packs_options o = {.repo = &repo,
                                           .layout = &layout,
                                           .backup_id = ID,
                                           .pack_bytes = PACK_BYTES,
                                           .chunk_bytes = CHUNK_MAX,
                                           .jobs = jobs};
    struct backup_packs *packs;
    struct err e = ERR_NONE;

    for (size_t i = 0; i < CHUNKS; i++)
        for (size_t k = 0; k < CHUNK_MAX; k++)
            plain[i][k] = (uint8_t) (i + k * (i + 3));
    OK(backup_packs_new(&o, &packs, &e));
    return packs;
}

static enum err_code add_all(struct backup_packs *packs, struct err *e)
{
    for (size_t i = 0; i < CHUNKS; i++) {
        chunks[i] = (struct index_chunk){.length = length_of(i)};
        if (sha256(plain[i], length_of(i), chunks[i].sha256, e) != ERR_OK ||
            backup_packs_add(packs, plain[i], length_of(i), &chunks[i], e) != ERR_OK)
            return e->code;
    }
    return backup_packs_flush(packs, e);
}

static enum err_code same_chunk(const struct pack_want *want, const uint8_t *bytes, size_t len, void *arg,
                                struct err *e)
{
    size_t *seen = arg;
    size_t i = (size_t) ((const struct index_chunk *) want->arg - chunks);

    (void) e;
    ck_assert_uint_eq(len, length_of(i));
    ck_assert_mem_eq(bytes, plain[i], len);
    ++*seen;
    return ERR_OK;
}

static void read_back(const struct backup_packs *packs)
{
    size_t seen = 0;
    struct err e = ERR_NONE;

    for (uint32_t n = 0; n < backup_packs_count(packs); n++) {
        struct pack_want wants[CHUNKS];
        size_t count = 0;

        for (size_t i = 0; i < CHUNKS; i++) {
            const struct pack_place *place = backup_packs_place(packs, chunks[i].pack, chunks[i].frame);

            chunks[i].offset = place->offset;
            chunks[i].stored = place->stored;
            if (chunks[i].pack == n)
                wants[count++] = (struct pack_want){chunks[i], &chunks[i]};
        }
        OK(pack_read(&repo, &layout, ID, n, wants, count, same_chunk, &seen, &e));
    }
    ck_assert_uint_eq(seen, CHUNKS);
}

START_TEST(every_chunk_lies_where_it_is_said_to)
{
    static const size_t jobs[] = {1, 2, 8};

    for (size_t i = 0; i < COUNT(jobs); i++)
        for (int sealed = 0; sealed < 2; sealed++) {
            struct backup_packs *packs;
            struct err e = ERR_STALE;

            repo_tear_down();
            repo_set_up();
            if (sealed)
                use_new_key(true);
            packs = packs_new(jobs[i]);
            OK(add_all(packs, &e));
            ck_assert_str_eq(e.text, ERR_STALE.text);
            read_back(packs);
            backup_packs_free(packs);
        }
}
END_TEST

START_TEST(a_pack_is_full_with_the_chunk_that_reaches_its_size)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(RAW_MAX);
    struct backup_packs *packs = packs_new(2);
    uint64_t stored = 0;
    uint32_t pack = 0, frame = 0, filled = 0;
    struct err e = ERR_NONE;

    OK(add_all(packs, &e));
    for (size_t i = 0; i < CHUNKS; i++) {
        ck_assert_uint_eq(chunks[i].pack, pack);
        ck_assert_uint_eq(chunks[i].frame, frame);
        filled += length_of(i);
        frame++;
        if (filled >= PACK_BYTES) {
            pack++;
            frame = filled = 0;
        }
    }
    ck_assert_uint_eq(backup_packs_count(packs), pack + (frame > 0));
    for (uint32_t n = 0; n < backup_packs_count(packs); n++) {
        char key[STORE_KEY_MAX + 1];

        layout_backup_pack(&layout, ID, n, key);
        raw_get(key, &object);
        stored += object.len;
    }
    ck_assert_uint_eq(backup_packs_stored(packs), stored);
    backup_packs_free(packs);
}
END_TEST

START_TEST(without_a_chunk_there_is_no_pack)
{
    struct backup_packs *packs = packs_new(1);
    uint64_t before = requests();
    struct err e = ERR_NONE;

    OK(backup_packs_flush(packs, &e));
    ck_assert_uint_eq(backup_packs_count(packs), 0);
    ck_assert_uint_eq(backup_packs_stored(packs), 0);
    ck_assert_uint_eq(requests(), before);
    backup_packs_free(packs);
    backup_packs_free(NULL);
}
END_TEST

START_TEST(a_put_that_fails_fails_the_backup_whichever_it_is)
{
    struct backup_packs *packs = packs_new(1);
    struct err e = ERR_NONE;
    size_t count;

    OK(add_all(packs, &e));
    count = backup_packs_count(packs);
    backup_packs_free(packs);
    ck_assert_uint_gt(count, 4);
    for (size_t n = 1; n <= count; n++)
        for (size_t jobs = 1; jobs <= 4; jobs += 3) {
            repo_tear_down();
            repo_set_up();
            packs = packs_new(jobs);
            faulty_fail(repo.store,
                        &(struct faulty_plan){.at = FAULTY_FINISH, .nth = n, .kind = ERR_UNREACHABLE});
            ck_assert_msg(add_all(packs, &e) == ERR_UNREACHABLE, "put %zu, %zu jobs", n, jobs);
            e = ERR_NONE;
            ck_assert_int_eq(backup_packs_flush(packs, &e), ERR_UNREACHABLE); /* and stays so */
            backup_packs_free(packs);
        }
}
END_TEST

START_TEST(an_answer_lost_after_the_put_is_no_failure)
{
    for (uint64_t n = 1; n <= 3; n++) {
        struct backup_packs *packs;
        struct err e = ERR_STALE;

        repo_tear_down();
        repo_set_up();
        packs = packs_new(2);
        faulty_fail(repo.store,
                    &(struct faulty_plan){.at = FAULTY_FINISH_LATE, .nth = n, .kind = ERR_CONFLICT});
        OK(add_all(packs, &e));
        ck_assert_uint_eq(faulty_failures(repo.store), 1);
        ck_assert_str_eq(e.text, ERR_STALE.text);
        read_back(packs);
        backup_packs_free(packs);
    }
}
END_TEST

START_TEST(another_object_in_a_packs_place_is_a_conflict)
{
    struct backup_packs *packs = packs_new(2);
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    layout_backup_pack(&layout, ID, 2, key);
    raw_text(key, "another");
    ck_assert_int_eq(add_all(packs, &e), ERR_CONFLICT);
    backup_packs_free(packs);
}
END_TEST

START_TEST(a_backup_that_is_given_up_leaves_nothing_running)
{
    struct backup_packs *packs = packs_new(4);
    struct err e = ERR_NONE;

    for (size_t i = 0; i < CHUNKS; i++)
        OK(backup_packs_add(packs, plain[i], length_of(i), &chunks[i], &e));
    backup_packs_free(packs);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_chunk_lies_where_it_is_said_to,
        a_pack_is_full_with_the_chunk_that_reaches_its_size,
        without_a_chunk_there_is_no_pack,
        a_put_that_fails_fails_the_backup_whichever_it_is,
        an_answer_lost_after_the_put_is_no_failure,
        another_object_in_a_packs_place_is_a_conflict,
        a_backup_that_is_given_up_leaves_nothing_running,
    };

    return check_main(suite_in_memory("ops/backup_packs", tests, COUNT(tests)));
}
