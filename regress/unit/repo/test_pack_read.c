/*
 * test_pack_read.c - chunks come back verified, with as few requests as they need, and only from the right pack.
 */
#include "repo/pack_read.h"

#include "pack_sample.h"
#include "repo/object.h"

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
        {{20, 22}, 2, 2, "a hole cheaper than another request"},
        {{20, 23}, 2, 3, "a hole dearer than one"},
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

/* A store that gives what it has in pieces of this many bytes, and counts the bytes asked for. */
struct piecemeal {
    struct store base;
    struct store *inner;
    size_t piece;
    uint64_t given;
};

static enum err_code piecemeal_get(struct store *s, const char *key, const struct store_range *range,
                                   struct sink *to, struct store_object *info, struct err *e)
{
    struct piecemeal *p = (struct piecemeal *) s;
    CLEANUP(buf_clear) struct buf all = BUF_INIT(RAW_MAX);
    CLEANUP(sink_freep) struct sink *gather = NULL;

    if (buf_sink_new(&all, &gather, e) != ERR_OK ||
        store_get(p->inner, key, range, gather, info, e) != ERR_OK)
        return e->code;
    p->given += all.len;
    for (size_t at = 0; at < all.len; at += p->piece)
        if (sink_write(to, all.data + at, all.len - at < p->piece ? all.len - at : p->piece, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

static const struct store_ops piecemeal_ops = {.get = piecemeal_get};

/* Which chunks are wanted, by a bit each, read in pieces: all are delivered, and what is asked for is bounded. */
static void read_in_pieces(struct piecemeal *p, uint64_t wanted)
{
    struct pack_want wants[CHUNKS];
    struct got g = {0};
    struct err e = ERR_NONE;
    size_t count = 0;
    uint64_t needed = 0;

    for (size_t i = 0; i < CHUNKS; i++)
        if (wanted >> i & 1) {
            needed += sample.places[i].stored;
            wants[count++] = want(i);
        }
    p->given = 0;
    OK(read_wants(wants, count, &g, &e));
    ck_assert_uint_eq(g.count, count);
    ck_assert_uint_ge(p->given, needed);
    ck_assert_uint_le(p->given, needed + (count + 1) * PACK_GAP_BYTES);
    ck_assert_uint_le(p->given, sample.stored + DESCRIPTOR_FIRST_GET);
}

START_TEST(chunks_come_in_whatever_pieces_the_store_sends)
{
    static const size_t pieces[] = {1, 13, 16384, 100000, FULL, (size_t) 20 << 20};
    struct piecemeal p = {.base = {.ops = &piecemeal_ops}, .inner = repo.store};
    uint64_t state = 2463534242u;
    struct err e = ERR_NONE;

    use_new_key(true);
    OK(write_sample(&e));
    repo.store = &p.base;
    for (size_t i = 0; i < COUNT(pieces); i++) {
        p.piece = pieces[i];
        read_in_pieces(&p, UINT64_MAX);
        read_in_pieces(&p, 1);
        for (int n = 0; n < 5; n++)
            read_in_pieces(&p, next_number(&state) & next_number(&state));
    }
    repo.store = p.inner;
}
END_TEST

START_TEST(frames_that_overlap_are_refused)
{
    struct pack_want wants[2];
    struct got g = {0};
    struct err e = ERR_NONE;

    OK(write_sample(&e));
    wants[0] = want(5);
    wants[1] = want(6);
    wants[1].offset--;
    ck_assert_int_eq(read_wants(wants, 2, &g, &e), ERR_CORRUPT);
    ck_assert_msg(strstr(e.text, "frame 6 does not lie behind what is before it") != NULL, "%s", e.text);
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
            w.sha256[31] ^= 1;
            break;
        case 1:
            w.length--;
            break;
        case 2:
            w.frame++;
            break;
        case 3:
            w.offset++;
            break;
        case 4:
            w.stored--;
            break;
        case 5:
            w.stored++;
            break;
        case 6: /* behind the end of the object */
            w.offset = sample.stored + 1000;
            break;
        case 7: /* far behind it */
            w.offset = INT64_MAX;
            w.stored = UINT32_MAX;
            break;
        default: /* in the descriptor */
            w.offset = 3;
            w.stored = 13;
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

int main(void)
{
    const TTest *const tests[] = {
        all_chunks_of_a_pack_come_back_with_one_request,
        all_chunks_of_a_sealed_pack_come_back_with_one_request,
        a_pack_of_compressed_chunks_comes_back,
        few_chunks_far_apart_take_few_requests,
        chunks_come_in_whatever_pieces_the_store_sends,
        frames_that_overlap_are_refused,
        a_damaged_frame_is_refused_and_the_others_are_not,
        an_index_that_promises_otherwise_is_not_believed,
        a_pack_that_was_cut_is_refused,
        what_lies_there_must_be_this_very_pack,
        a_sealed_pack_needs_its_identity,
        a_long_descriptor_is_read_whole,
        a_receiver_that_fails_ends_the_reading,
        a_download_that_breaks_is_what_it_is,
    };

    return check_main(suite_between("repo/pack_read", set_up, tear_down, tests, COUNT(tests)));
}
