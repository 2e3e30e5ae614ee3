/*
 * test_pack.c - packs: chunks come back verified, with as few requests as they need, and only from the right pack.
 */
#include "repo/pack.h"

#include "codec/sha256.h"
#include "in_memory.h"
#include "repo/object.h"
#include "write_pack.h"

#define ID     "20261120T021500Z-1a2b"
#define KEY    "main/6789abcdef012345/backup/" ID "/pack-000007"
#define NUMBER 7

#define CHUNKS 40
#define FULL   65536

struct sample {
    uint8_t *plain;
    uint32_t lengths[CHUNKS];
    size_t begins[CHUNKS];
    struct pack_place places[CHUNKS];
    uint64_t stored;
};

static struct sample sample;

/* Chunks of many lengths that do not compress. */
static void make_sample(void)
{
    uint64_t state = 88172645463325252u;
    size_t at = 0;

    sample.plain = malloc((size_t) CHUNKS * FULL);
    ck_assert_ptr_nonnull(sample.plain);
    for (size_t i = 0; i < CHUNKS; i++) {
        sample.lengths[i] = i % 7 == 3 ? 1 + (uint32_t) i : FULL;
        sample.begins[i] = at;
        for (uint32_t n = 0; n < sample.lengths[i]; n++)
            sample.plain[at++] = (uint8_t) (next_number(&state) >> 24);
    }
}

static void set_up(void)
{
    repo_set_up();
    make_sample();
}

static void tear_down(void)
{
    free(sample.plain);
    repo_tear_down();
}

static enum err_code write_sample(struct err *e)
{
    return pack_write(&repo, &layout, ID, NUMBER, sample.plain, sample.lengths, CHUNKS, sample.places,
                      &sample.stored, e);
}

static struct pack_want want(size_t i)
{
    struct pack_want w = {.chunk = {.length = sample.lengths[i],
                                    .pack = NUMBER,
                                    .frame = (uint32_t) i,
                                    .offset = sample.places[i].offset,
                                    .stored = sample.places[i].stored},
                          .arg = sample.plain + sample.begins[i]};
    struct err e = ERR_NONE;

    OK(sha256(sample.plain + sample.begins[i], sample.lengths[i], w.chunk.sha256, &e));
    return w;
}

struct got {
    size_t count;
    uint64_t last_offset;
    size_t fail_at; /* 0 = never */
};

static enum err_code deliver(const struct pack_want *w, const uint8_t *bytes, size_t len, void *arg,
                             struct err *e)
{
    struct got *g = arg;

    if (len != w->chunk.length || memcmp(bytes, w->arg, len) != 0)
        ck_abort_msg("frame %u has other bytes", w->chunk.frame);
    ck_assert_uint_ge(w->chunk.offset, g->last_offset);
    g->last_offset = w->chunk.offset;
    return ++g->count == g->fail_at ? err_set(e, ERR_IO, "disk full") : ERR_OK;
}

static enum err_code read_wants(struct pack_want *wants, size_t count, struct got *g, struct err *e)
{
    return pack_read(&repo, &layout, ID, NUMBER, wants, count, deliver, g, e);
}

/* Read one chunk. */
static enum err_code read_one(size_t i, struct err *e)
{
    struct pack_want w = want(i);
    struct got g = {0};

    return read_wants(&w, 1, &g, e);
}

static void round_trip(void)
{
    struct pack_want wants[CHUNKS];
    struct got g = {0};
    struct err e = ERR_STALE;
    uint64_t before = requests(), end;

    OK(write_sample(&e));
    ck_assert_uint_eq(requests(), before + 1);
    end = sample.places[0].offset;
    for (size_t i = 0; i < CHUNKS; i++) {
        ck_assert_uint_eq(sample.places[i].offset, end);
        end += sample.places[i].stored;
        wants[(i * 17) % CHUNKS] = want(i); /* in no order */
    }
    ck_assert_uint_lt(end, sample.stored);
    before = requests();
    OK(read_wants(wants, CHUNKS, &g, &e));
    ck_assert_uint_eq(g.count, CHUNKS);
    ck_assert_uint_eq(requests(), before + 1);
    ck_assert_str_eq(e.text, ERR_STALE.text);
}

START_TEST(all_chunks_of_a_pack_come_back_with_one_request)
{
    round_trip();
}
END_TEST

START_TEST(all_chunks_of_a_sealed_pack_come_back_with_one_request)
{
    use_new_key(true);
    round_trip();
}
END_TEST

START_TEST(a_pack_of_compressed_chunks_comes_back)
{
    memset(sample.plain, 'c', (size_t) CHUNKS * FULL);
    repo.codec = CODEC_ZSTD;
    round_trip();
    ck_assert_uint_lt(sample.stored, 100000);
}
END_TEST

START_TEST(few_chunks_far_apart_take_few_requests)
{
    static const struct {
        size_t wants[5], count;
        uint64_t requests;
        const char *why;
    } table[] = {
        {{0}, 1, 1, "at the front, descriptor and all"},
        {{1, 2}, 2, 1, "near the front"},
        {{39}, 1, 2, "at the end: the descriptor, then the chunk"},
        {{20, 22, 21}, 3, 2, "neighbours in the middle"},
        {{20, 23}, 2, 2, "closer than another request is worth"},
        {{0, 39}, 2, 2, "both ends"},
        {{0, 10, 20, 30, 39}, 5, 5, "spread"},
        {{12, 12, 12}, 3, 2, "the same chunk for three files"},
        {{0}, 0, 0, "nothing"},
    };
    struct err e = ERR_NONE;

    use_new_key(true);
    OK(write_sample(&e));
    for (size_t i = 0; i < COUNT(table); i++) {
        struct pack_want wants[5];
        struct got g = {0};
        uint64_t before = requests();

        for (size_t n = 0; n < table[i].count; n++)
            wants[n] = want(table[i].wants[n]);
        OK(read_wants(wants, table[i].count, &g, &e));
        ck_assert_uint_eq(g.count, table[i].count);
        ck_assert_msg(requests() - before == table[i].requests, "%s: %llu requests", table[i].why,
                      (unsigned long long) (requests() - before));
    }
}
END_TEST

START_TEST(a_damaged_frame_is_refused_and_the_others_are_not)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(RAW_MAX);

    for (int sealed = 0; sealed < 2; sealed++) {
        struct err e = ERR_NONE;

        if (sealed)
            use_new_key(true);
        OK(store_remove(repo.store, KEY, &e));
        OK(write_sample(&e));
        raw_get(KEY, &object);
        for (uint64_t at = 0; at < sample.places[3].stored; at++) {
            object.data[sample.places[3].offset + at] ^= 0x10;
            raw_put(KEY, object.data, object.len);
            object.data[sample.places[3].offset + at] ^= 0x10;
            if (read_one(3, &e) != ERR_CORRUPT)
                ck_abort_msg("byte %llu of the frame", (unsigned long long) at);
            ck_assert_ptr_nonnull(strstr(e.text, KEY));
        }
        OK(read_one(2, &e));
        OK(read_one(4, &e));
    }
}
END_TEST

START_TEST(an_index_that_promises_otherwise_is_not_believed)
{
    struct err e = ERR_NONE;

    OK(write_sample(&e));
    for (int i = 0; i < 9; i++) {
        struct pack_want w = want(5);
        struct got g = {0};

        switch (i) {
        case 0:
            w.chunk.sha256[31] ^= 1;
            break;
        case 1:
            w.chunk.length--;
            break;
        case 2:
            w.chunk.frame++;
            break;
        case 3:
            w.chunk.offset++;
            break;
        case 4:
            w.chunk.stored--;
            break;
        case 5:
            w.chunk.stored++;
            break;
        case 6: /* behind the end of the object */
            w.chunk.offset = sample.stored + 1000;
            break;
        case 7: /* far behind it */
            w.chunk.offset = INT64_MAX;
            w.chunk.stored = UINT32_MAX;
            break;
        default: /* in the descriptor */
            w.chunk.offset = 3;
            w.chunk.stored = 13;
            break;
        }
        ck_assert_msg(read_wants(&w, 1, &g, &e) == ERR_CORRUPT, "case %d: %s", i, e.text);
        ck_assert_uint_eq(g.count, 0);
    }
}
END_TEST

START_TEST(a_pack_that_was_cut_is_refused)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(RAW_MAX);
    struct err e = ERR_NONE;
    const size_t lengths[] = {0, 5, DESCRIPTOR_HEAD, 100};

    OK(write_sample(&e));
    raw_get(KEY, &object);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        raw_put(KEY, object.data, lengths[i]);
        ck_assert_int_eq(read_one(0, &e), ERR_CORRUPT);
        ck_assert_int_eq(read_one(39, &e), ERR_CORRUPT);
    }
    raw_put(KEY, object.data, sample.places[39].offset + sample.places[39].stored - 1);
    OK(read_one(38, &e));
    ck_assert_int_eq(read_one(39, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(what_lies_there_must_be_this_very_pack)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(RAW_MAX);
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    OK(pack_write(&repo, &layout, ID, NUMBER + 1, sample.plain, sample.lengths, CHUNKS, sample.places,
                  &sample.stored, &e));
    raw_get("main/6789abcdef012345/backup/" ID "/pack-000008", &object);
    raw_put(KEY, object.data, object.len);
    ck_assert_int_eq(read_one(0, &e), ERR_CORRUPT);
    ck_assert_int_eq(read_one(39, &e), ERR_CORRUPT);
    OK(store_remove(repo.store, KEY, &e));
    OK(object_describe_new(&repo, "wal", ID "/pack-000007", &d, &e));
    OK(object_put_bytes(&repo, KEY, &d, sample.plain, FULL, &outcome, &e));
    ck_assert_int_eq(read_one(0, &e), ERR_CORRUPT);
    OK(store_remove(repo.store, KEY, &e));
    ck_assert_int_eq(read_one(0, &e), ERR_ABSENT);
}
END_TEST

START_TEST(a_sealed_pack_needs_its_identity)
{
    struct err e = ERR_NONE;

    use_new_key(true);
    OK(write_sample(&e));
    use_new_key(true);
    ck_assert_int_eq(read_one(0, &e), ERR_DENIED);
    ck_assert_int_eq(read_one(39, &e), ERR_DENIED);
}
END_TEST

START_TEST(a_long_descriptor_is_read_whole)
{
    struct err e = ERR_NONE;

    use_new_key(true);
    for (size_t i = 1; i < WRAPPED_KEYS_MAX; i++) {
        struct identity id;
        struct recipient *grown = realloc(repo.recipients.list, (i + 1) * sizeof(*grown));

        ck_assert_ptr_nonnull(grown);
        repo.recipients.list = grown;
        OK(identity_generate(&id, &e));
        memcpy(grown[i].public_key, id.public_key, KEY_BYTES);
        repo.recipients.count = i + 1;
    }
    OK(write_sample(&e));
    OK(read_one(0, &e));
    OK(read_one(39, &e));
}
END_TEST

START_TEST(our_own_pack_after_a_lost_answer_is_accepted)
{
    struct err e = ERR_STALE;

    use_new_key(true);
    fail_next(FAULTY_FINISH_LATE, ERR_CONFLICT); /* the store's own second try meets the first */
    OK(write_sample(&e));
    ck_assert_str_eq(e.text, ERR_STALE.text);
    OK(read_one(20, &e));
}
END_TEST

START_TEST(anything_else_under_the_key_is_a_conflict)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(RAW_MAX);
    struct err e = ERR_NONE;

    use_new_key(true);
    OK(write_sample(&e));
    ck_assert_int_eq(write_sample(&e), ERR_CONFLICT); /* same chunks, another data key */
    raw_get(KEY, &object);
    raw_put(KEY, object.data, object.len - 1);
    ck_assert_int_eq(write_sample(&e), ERR_CONFLICT);
    OK(buf_puts(&object, "more", &e));
    raw_put(KEY, object.data, object.len);
    ck_assert_int_eq(write_sample(&e), ERR_CONFLICT);
    raw_text(KEY, "");
    ck_assert_int_eq(write_sample(&e), ERR_CONFLICT);
    fail_next(FAULTY_GET, ERR_UNREACHABLE);
    ck_assert_int_eq(write_sample(&e), ERR_UNREACHABLE);
    fail_next(FAULTY_FINISH, ERR_UNREACHABLE);
    ck_assert_int_eq(write_sample(&e), ERR_UNREACHABLE);
}
END_TEST

START_TEST(a_receiver_that_fails_ends_the_reading)
{
    struct pack_want wants[CHUNKS];
    struct got g = {.fail_at = 3};
    struct err e = ERR_NONE;

    OK(write_sample(&e));
    for (size_t i = 0; i < CHUNKS; i++)
        wants[i] = want(i);
    ck_assert_int_eq(read_wants(wants, CHUNKS, &g, &e), ERR_IO);
    ck_assert_uint_eq(g.count, 3);
    ck_assert_str_eq(e.text, "disk full"); /* the receiver's own trouble, not the object's */
}
END_TEST

START_TEST(a_download_that_breaks_is_what_it_is)
{
    struct err e = ERR_NONE;

    OK(write_sample(&e));
    for (uint64_t nth = 1; nth <= 2; nth++) {
        faulty_fail(repo.store,
                    &(struct faulty_plan){.at = FAULTY_GET, .nth = nth, .byte = 50, .kind = ERR_UNREACHABLE});
        ck_assert_int_eq(read_one(39, &e), ERR_UNREACHABLE);
    }
    OK(read_one(39, &e));
}
END_TEST

/* As many frames as there is room for; the size of the object. */
static uint64_t fill_up(struct pack *p, uint32_t number, uint32_t length, size_t *frames)
{
    const struct frame_payload payload = {
        .bytes = sample.plain, .len = length, .plain_len = length, .is_raw = true};
    struct index_chunk c;
    bool has_room = true;
    uint64_t stored = 0;
    struct err e = ERR_NONE;

    OK(pack_begin(p, number, &e));
    for (*frames = 0;; ++*frames) {
        OK(pack_reserve(p, length, &c, &has_room, &e));
        if (!has_room)
            break;
        ck_assert_uint_eq(c.pack, number);
        ck_assert_uint_eq(c.frame, *frames);
        OK(pack_fill(p, &c, &payload, &e));
    }
    OK(pack_store(p, &stored, &e));
    return stored;
}

START_TEST(a_pack_is_as_large_as_it_may_be_and_not_larger)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(RAW_MAX);
    const struct pack_options o = {
        .repo = &repo, .layout = &layout, .backup_id = ID, .max_bytes = 1 << 20, .frame_plain_max = FULL};
    static const uint32_t lengths[] = {FULL, 1, 1000, 8192};
    struct pack *p;
    struct err e = ERR_NONE;

    use_new_key(true);
    OK(pack_new(&o, &p, &e));
    for (uint32_t i = 0; i < COUNT(lengths); i++) { /* one behind the other in the same memory */
        char key[STORE_KEY_MAX + 1];
        size_t frames;
        uint64_t stored = fill_up(p, i, lengths[i], &frames);

        ck_assert_uint_le(stored, o.max_bytes);
        ck_assert_uint_gt(stored + lengths[i] + 8192 + 5 * frames, o.max_bytes);
        layout_backup_pack(&layout, ID, i, key);
        raw_get(key, &object);
        ck_assert_uint_eq(object.len, stored);
    }
    pack_free(p);
}
END_TEST

START_TEST(a_frame_that_is_larger_than_a_pack_has_one_for_itself)
{
    const struct pack_options o = {
        .repo = &repo, .layout = &layout, .backup_id = ID, .max_bytes = 1000, .frame_plain_max = FULL};
    struct pack *p;
    size_t frames;
    struct err e = ERR_NONE;

    OK(pack_new(&o, &p, &e));
    ck_assert_uint_gt(fill_up(p, 0, FULL, &frames), FULL);
    ck_assert_uint_eq(frames, 1);
    pack_free(p);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_pack_is_as_large_as_it_may_be_and_not_larger,
        a_frame_that_is_larger_than_a_pack_has_one_for_itself,
        all_chunks_of_a_pack_come_back_with_one_request,
        all_chunks_of_a_sealed_pack_come_back_with_one_request,
        a_pack_of_compressed_chunks_comes_back,
        few_chunks_far_apart_take_few_requests,
        a_damaged_frame_is_refused_and_the_others_are_not,
        an_index_that_promises_otherwise_is_not_believed,
        a_pack_that_was_cut_is_refused,
        what_lies_there_must_be_this_very_pack,
        a_sealed_pack_needs_its_identity,
        a_long_descriptor_is_read_whole,
        our_own_pack_after_a_lost_answer_is_accepted,
        anything_else_under_the_key_is_a_conflict,
        a_receiver_that_fails_ends_the_reading,
        a_download_that_breaks_is_what_it_is,
    };

    return check_main(suite_between("repo/pack", set_up, tear_down, tests, COUNT(tests)));
}
