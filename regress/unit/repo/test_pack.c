/*
 * test_pack.c - packs are filled up to their size, stored once, and nobody else's bytes are taken for our own.
 */
#include "repo/pack.h"

#include "pack_sample.h"

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
        our_own_pack_after_a_lost_answer_is_accepted,
        anything_else_under_the_key_is_a_conflict,
    };

    return check_main(suite_between("repo/pack", set_up, tear_down, tests, COUNT(tests)));
}
