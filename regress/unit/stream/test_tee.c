/*
 * test_tee.c - one stream into two chains.
 */
#include "stream/tee.h"

#include "stream/buf_sink.h"

#include "check_main.h"

static struct sink *make_tee(struct buf *side, struct buf *next)
{
    struct sink *a = NULL, *b = NULL, *made = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(buf_sink_new(side, &a, &e) || buf_sink_new(next, &b, &e) || tee_new(a, b, &made, &e), 0);
    return made;
}

START_TEST(both_chains_get_everything)
{
    CLEANUP(buf_clear) struct buf side = BUF_INIT(100);
    CLEANUP(buf_clear) struct buf next = BUF_INIT(100);
    CLEANUP(sink_freep) struct sink *s = make_tee(&side, &next);
    struct err e = ERR_NONE;

    ck_assert_int_eq(sink_write(s, "ab", 2, &e) || sink_write(s, "c", 1, &e) || sink_finish(s, &e), 0);
    ck_assert_str_eq(buf_cstr(&side), "abc");
    ck_assert_str_eq(buf_cstr(&next), "abc");
}
END_TEST

START_TEST(a_failure_of_either_is_the_tees_and_side_comes_first)
{
    static const struct {
        size_t side_max, next_max;
        enum err_code code;
        const char *next;
    } cases[] = {{3, 3, ERR_OK, "abc"}, {2, 3, ERR_CORRUPT, ""}, {3, 2, ERR_CORRUPT, ""}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buf_clear) struct buf side = BUF_INIT(cases[i].side_max);
        CLEANUP(buf_clear) struct buf next = BUF_INIT(cases[i].next_max);
        CLEANUP(sink_freep) struct sink *s = make_tee(&side, &next);
        struct err e = ERR_NONE;

        ck_assert_int_eq(sink_write(s, "abc", 3, &e), cases[i].code);
        ck_assert_str_eq(buf_cstr(&next), cases[i].next);
        ck_assert_str_eq(buf_cstr(&side), cases[i].side_max == 3 ? "abc" : "");
    }
}
END_TEST

static enum err_code refuse_finish(struct sink *s, struct err *e)
{
    (void) s;
    return err_set(e, ERR_CORRUPT, "incomplete");
}

static void free_nothing(struct sink *s)
{
    (void) s;
}

static const struct sink_ops refusing_ops = {.finish = refuse_finish, .free = free_nothing};

START_TEST(an_incomplete_stream_in_either_is_refused_at_the_finish)
{
    for (int which = 0; which < 2; which++) {
        CLEANUP(buf_clear) struct buf b = BUF_INIT(100);
        struct sink refusing = {.ops = &refusing_ops};
        struct sink *good = NULL;
        CLEANUP(sink_freep) struct sink *s = NULL;
        struct err e = ERR_NONE;

        ck_assert_int_eq(buf_sink_new(&b, &good, &e), ERR_OK);
        ck_assert_int_eq(tee_new(which ? good : &refusing, which ? &refusing : good, &s, &e), ERR_OK);
        ck_assert_int_eq(sink_finish(s, &e), ERR_CORRUPT);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {both_chains_get_everything,
                                  a_failure_of_either_is_the_tees_and_side_comes_first,
                                  an_incomplete_stream_in_either_is_refused_at_the_finish};

    return check_main(suite_of("stream/tee", tests, sizeof(tests) / sizeof(tests[0])));
}
