/*
 * test_buf_sink.c - the end in memory.
 */
#include "stream/buf_sink.h"

#include "check_main.h"

START_TEST(bytes_arrive_in_order_up_to_the_ceiling)
{
    CLEANUP(buf_clear) struct buf b = BUF_INIT(10);
    CLEANUP(sink_freep) struct sink *s = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(buf_sink_new(&b, &s, &e), ERR_OK);
    ck_assert_int_eq(sink_write(s, "01234", 5, &e), ERR_OK);
    ck_assert_int_eq(sink_write(s, "", 0, &e), ERR_OK);
    ck_assert_int_eq(sink_write(s, "56789", 5, &e), ERR_OK);
    ck_assert_str_eq(buf_cstr(&b), "0123456789");
    ck_assert_int_eq(sink_write(s, "x", 1, &e), ERR_CORRUPT);
    ck_assert_str_eq(buf_cstr(&b), "0123456789");
}
END_TEST

START_TEST(the_buffer_outlives_the_sink)
{
    CLEANUP(buf_clear) struct buf b = BUF_INIT(10);
    struct sink *s = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(buf_sink_new(&b, &s, &e) || sink_write(s, "abc", 3, &e) || sink_finish(s, &e), 0);
    sink_free(s);
    ck_assert_str_eq(buf_cstr(&b), "abc");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {bytes_arrive_in_order_up_to_the_ceiling, the_buffer_outlives_the_sink};

    return check_main(suite_of("stream/buf_sink", tests, sizeof(tests) / sizeof(tests[0])));
}
