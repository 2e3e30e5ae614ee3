/*
 * test_backup_packs.c - several threads put chunks into packs, others packs into the repository, and whatever fails
 * there fails the backup.
 */
#include "ops/backup_packs.h"

#include "../repo/in_memory.h"
#include "base/pool.h"
#include "codec/unseal.h"

#include <pthread.h>

#define ID         "20261120T021500Z-1a2b"
#define PACK_BYTES 8192
#define CHUNK_MAX  300
#define CHUNKS     400

static uint8_t plain[CHUNKS][CHUNK_MAX];
static struct index_chunk chunks[CHUNKS];
static struct backup_packs *packs;

/* Chunk i has this many bytes. */
static uint32_t length_of(size_t i)
{
    return (uint32_t) (1 + i * 83 % CHUNK_MAX);
}

static void packs_new(size_t packs_max)
{
    const struct backup_packs_options o = {.repo = &repo,
                                           .layout = &layout,
                                           .backup_id = ID,
                                           .pack_bytes = PACK_BYTES,
                                           .chunk_bytes = CHUNK_MAX,
                                           .packs_max = packs_max,
                                           .uploads = packs_max - 1};
    struct err e = ERR_NONE;

    for (size_t i = 0; i < CHUNKS; i++)
        for (size_t k = 0; k < CHUNK_MAX; k++)
            plain[i][k] = (uint8_t) (i + k * (i + 3));
    OK(backup_packs_new(&o, &packs, &e));
}

static enum err_code add_one(void *arg, struct err *e)
{
    struct index_chunk *c = arg;
    size_t i = (size_t) (c - chunks);
    const struct frame_payload payload = {
        .bytes = plain[i], .len = length_of(i), .plain_len = length_of(i), .is_raw = true};

    *c = (struct index_chunk){.length = length_of(i)};
    return backup_packs_add(packs, &payload, c, e);
}

/* All chunks, by so many threads. */
static enum err_code add_all(size_t threads, struct err *e)
{
    CLEANUP(pool_freep) struct pool *adding = NULL;
    enum err_code code = pool_new(threads, CHUNKS, &adding, e);

    for (size_t i = 0; code == ERR_OK && i < CHUNKS; i++)
        code = pool_submit(adding, &(struct pool_job){.run = add_one, .arg = &chunks[i]}, e);
    if (code == ERR_OK)
        code = pool_wait(adding, e);
    return code == ERR_OK ? backup_packs_flush(packs, e) : code;
}

static void read_pack(uint32_t n, struct buf *object, struct frame_seal *seal)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    char key[STORE_KEY_MAX + 1];
    size_t len;
    struct err e = ERR_NONE;

    layout_backup_pack(&layout, ID, n, key);
    raw_get(key, object);
    OK(descriptor_length(object->data, &len, &e));
    OK(unseal_begin(object->data, len, &repo.identities, &d, seal, &e));
}

/* Every chunk is where it is said to be, and packs hold nothing else. */
static void read_back(void)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(RAW_MAX);
    CLEANUP(buf_clear) struct buf there = BUF_INIT(RAW_MAX);
    struct frame_seal seal;
    uint64_t stored = 0;
    size_t seen = 0;
    struct err e = ERR_NONE;

    for (uint32_t n = 0; n < backup_packs_count(packs); n++) {
        read_pack(n, &object, &seal);
        ck_assert_uint_le(object.len, PACK_BYTES);
        stored += object.len;
        for (size_t i = 0; i < CHUNKS; i++) {
            if (chunks[i].pack != n)
                continue;
            buf_reset(&there);
            OK(frame_read(&seal, chunks[i].frame, 0, object.data + chunks[i].offset, chunks[i].stored, &there,
                          &e));
            ck_assert_uint_eq(there.len, length_of(i));
            ck_assert_mem_eq(there.data, plain[i], there.len);
            seen++;
        }
    }
    ck_assert_uint_eq(seen, CHUNKS);
    ck_assert_uint_eq(backup_packs_stored(packs), stored);
}

START_TEST(every_chunk_lies_where_it_is_said_to_in_packs_of_the_right_size)
{
    static const size_t threads[] = {1, 2, 8};

    for (size_t i = 0; i < COUNT(threads); i++)
        for (int sealed = 0; sealed < 2; sealed++) {
            struct err e = ERR_STALE;

            repo_tear_down();
            repo_set_up();
            if (sealed)
                use_new_key(true);
            packs_new(2 + i);
            OK(add_all(threads[i], &e));
            ck_assert_str_eq(e.text, ERR_STALE.text);
            ck_assert_uint_gt(backup_packs_count(packs), 5);
            read_back();
            backup_packs_free(packs);
        }
}
END_TEST

START_TEST(what_one_thread_adds_lies_in_the_order_it_was_added_in)
{
    struct err e = ERR_NONE;

    packs_new(2);
    OK(add_all(1, &e));
    for (size_t i = 1; i < CHUNKS; i++)
        if (chunks[i].pack == chunks[i - 1].pack)
            ck_assert_uint_eq(chunks[i].offset, chunks[i - 1].offset + chunks[i - 1].stored);
        else
            ck_assert(chunks[i].pack == chunks[i - 1].pack + 1 && chunks[i].frame == 0);
    backup_packs_free(packs);
}
END_TEST

START_TEST(no_more_packs_are_in_memory_than_allowed)
{
    for (size_t packs_max = 2; packs_max <= 4; packs_max++) {
        struct err e = ERR_NONE;

        repo_tear_down();
        repo_set_up();
        packs_new(packs_max);
        OK(add_all(8, &e));
        ck_assert_uint_gt(backup_packs_count(packs), packs_max);
        ck_assert_uint_le(backup_packs_in_memory(packs), packs_max);
        backup_packs_free(packs);
    }
}
END_TEST

START_TEST(without_a_chunk_there_is_no_pack)
{
    uint64_t before = requests();
    struct err e = ERR_NONE;

    packs_new(2);
    OK(backup_packs_flush(packs, &e));
    ck_assert_uint_eq(backup_packs_count(packs), 0);
    ck_assert_uint_eq(backup_packs_stored(packs), 0);
    ck_assert_uint_eq(backup_packs_in_memory(packs), 0);
    ck_assert_uint_eq(requests(), before);
    backup_packs_free(packs);
    backup_packs_free(NULL);
}
END_TEST

START_TEST(a_put_that_fails_fails_the_backup_whichever_it_is)
{
    struct err e = ERR_NONE;
    size_t count;

    packs_new(2);
    OK(add_all(1, &e));
    count = backup_packs_count(packs);
    backup_packs_free(packs);
    ck_assert_uint_gt(count, 4);
    for (size_t n = 1; n <= count; n++)
        for (size_t threads = 1; threads <= 4; threads += 3) {
            repo_tear_down();
            repo_set_up();
            packs_new(2);
            faulty_fail(repo.store,
                        &(struct faulty_plan){.at = FAULTY_FINISH, .nth = n, .kind = ERR_UNREACHABLE});
            ck_assert_msg(add_all(threads, &e) == ERR_UNREACHABLE, "put %zu, %zu threads", n, threads);
            e = ERR_NONE;
            ck_assert_int_eq(backup_packs_flush(packs, &e), ERR_UNREACHABLE); /* and stays so */
            backup_packs_free(packs);
        }
}
END_TEST

START_TEST(a_chunk_that_could_not_be_added_fails_the_flush)
{
    struct err e = ERR_NONE;

    repo.codec = CODEC_LZ4;
    repo.level = 99; /* there is none such */
    packs_new(2);
    ck_assert_int_eq(add_one(&chunks[0], &e), ERR_USAGE);
    e = ERR_NONE;
    ck_assert_int_eq(backup_packs_flush(packs, &e), ERR_USAGE);
    backup_packs_free(packs);
}
END_TEST

START_TEST(a_pack_that_can_not_begin_ends_all_who_wait_for_it)
{
    struct err e = ERR_NONE;

    repo.codec = CODEC_LZ4;
    repo.level = 99; /* there is none such */
    packs_new(2);
    ck_assert_int_eq(add_all(8, &e), ERR_USAGE);
    backup_packs_free(packs);
}
END_TEST

START_TEST(an_answer_lost_after_the_put_is_no_failure)
{
    for (uint64_t n = 1; n <= 3; n++) {
        struct err e = ERR_STALE;

        repo_tear_down();
        repo_set_up();
        packs_new(3);
        faulty_fail(repo.store,
                    &(struct faulty_plan){.at = FAULTY_FINISH_LATE, .nth = n, .kind = ERR_CONFLICT});
        OK(add_all(2, &e));
        ck_assert_uint_eq(faulty_failures(repo.store), 1);
        ck_assert_str_eq(e.text, ERR_STALE.text);
        read_back();
        backup_packs_free(packs);
    }
}
END_TEST

START_TEST(another_object_in_a_packs_place_is_a_conflict)
{
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    packs_new(3);
    layout_backup_pack(&layout, ID, 2, key);
    raw_text(key, "another");
    ck_assert_int_eq(add_all(2, &e), ERR_CONFLICT);
    backup_packs_free(packs);
}
END_TEST

START_TEST(a_backup_that_is_given_up_leaves_nothing_running)
{
    struct err e = ERR_NONE;

    packs_new(4);
    for (size_t i = 0; i < CHUNKS; i++)
        OK(add_one(&chunks[i], &e));
    backup_packs_free(packs);
}
END_TEST

/* A store in which the first two puts wait for each other. */
struct meeting {
    struct store base;
    struct store *inner;
    pthread_barrier_t barrier;
    _Atomic int puts;
};

static enum err_code meeting_put_open(struct store *s, const char *key, uint64_t size_hint, struct sink **out,
                                      struct err *e)
{
    struct meeting *m = (struct meeting *) s;

    if (m->puts++ < 2)
        (void) pthread_barrier_wait(&m->barrier);
    return store_put_open(m->inner, key, size_hint, out, e);
}

START_TEST(packs_are_uploaded_at_the_same_time)
{
    static const struct store_ops ops = {.put_open = meeting_put_open};
    struct meeting m = {.base = {.ops = &ops}, .inner = repo.store};
    struct err e = ERR_NONE;

    ck_assert_int_eq(pthread_barrier_init(&m.barrier, NULL, 2), 0);
    repo.store = &m.base;
    packs_new(3);
    OK(add_all(1, &e)); /* one after the other they would wait for ever */
    repo.store = m.inner;
    read_back();
    backup_packs_free(packs);
    ck_assert_int_eq(pthread_barrier_destroy(&m.barrier), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_chunk_lies_where_it_is_said_to_in_packs_of_the_right_size,
        what_one_thread_adds_lies_in_the_order_it_was_added_in,
        no_more_packs_are_in_memory_than_allowed,
        without_a_chunk_there_is_no_pack,
        a_put_that_fails_fails_the_backup_whichever_it_is,
        a_chunk_that_could_not_be_added_fails_the_flush,
        a_pack_that_can_not_begin_ends_all_who_wait_for_it,
        an_answer_lost_after_the_put_is_no_failure,
        another_object_in_a_packs_place_is_a_conflict,
        a_backup_that_is_given_up_leaves_nothing_running,
        packs_are_uploaded_at_the_same_time,
    };

    return check_main(suite_in_memory("ops/backup_packs", tests, COUNT(tests)));
}
