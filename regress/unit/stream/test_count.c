/*
 * test_count.c - bytes that pass are counted, bytes that are refused are not.
 */
#include "stream/count.h"

#include "stream/buf_sink.h"

#include "check_main.h"

START_TEST(bytes_are_counted_and_passed_on)
{
    CLEANUP(buf_clear) struct buf b = BUF_INIT(5);
    CLEANUP(sink_freep) struct sink *s = NULL;
    struct sink *end = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(buf_sink_new(&b, &end, &e) || count_sink_new(end, &s, &e), 0);
    ck_assert_int_eq(sink_write(s, "abc", 3, &e) || sink_write(s, "", 0, &e) || sink_write(s, "de", 2, &e),
                     0);
    ck_assert_uint_eq(count_sink_bytes(s), 5);
    ck_assert_str_eq(buf_cstr(&b), "abcde");
    ck_assert_int_eq(sink_write(s, "f", 1, &e), ERR_CORRUPT);
    ck_assert_uint_eq(count_sink_bytes(s), 5);
}
END_TEST

START_TEST(without_a_next_it_only_counts)
{
    CLEANUP(sink_freep) struct sink *s = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(count_sink_new(NULL, &s, &e) || sink_write(s, "abc", 3, &e) || sink_finish(s, &e), 0);
    ck_assert_uint_eq(count_sink_bytes(s), 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {bytes_are_counted_and_passed_on, without_a_next_it_only_counts};

    return check_main(suite_of("stream/count", tests, sizeof(tests) / sizeof(tests[0])));
}
