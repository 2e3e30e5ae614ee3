/*
 * test_sink.c - the chain itself: who is called, in which order, and who is freed.
 */
#include "stream/sink.h"

#include "check_main.h"

#include <string.h>

static char trace[64];

struct spy {
    struct sink base;
    char name;
};

static void note(char verb, const struct sink *s)
{
    size_t len = strlen(trace);

    trace[len] = verb;
    trace[len + 1] = ((const struct spy *) s)->name;
    trace[len + 2] = '\0';
}

static enum err_code spy_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    note('w', s);
    return s->next == NULL ? ERR_OK : sink_write(s->next, bytes, len, e);
}

static enum err_code spy_finish(struct sink *s, struct err *e)
{
    note('f', s);
    return sink_finish(s->next, e);
}

static void spy_free(struct sink *s)
{
    note('x', s);
    free(s);
}

static const struct sink_ops ops = {.write = spy_write, .finish = spy_finish, .free = spy_free};

static struct sink *spy_new(char name, struct sink *next)
{
    struct spy *made = malloc(sizeof(*made));

    ck_assert_ptr_nonnull(made);
    *made = (struct spy){.base = {.ops = &ops, .next = next}, .name = name};
    return &made->base;
}

START_TEST(the_chain_is_walked_top_down)
{
    struct sink *chain = spy_new('a', spy_new('b', spy_new('c', NULL)));
    struct err e = ERR_NONE;

    ck_assert_int_eq(sink_write(chain, "x", 1, &e), ERR_OK);
    ck_assert_int_eq(sink_finish(chain, &e), ERR_OK);
    sink_freep(&chain);
    ck_assert_str_eq(trace, "wawbwcfafbfcxaxbxc");
    ck_assert_ptr_null(chain);
}
END_TEST

START_TEST(no_chain_is_a_finished_chain)
{
    struct sink *chain = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(sink_finish(NULL, &e), ERR_OK);
    sink_free(NULL);
    sink_freep(&chain);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_chain_is_walked_top_down, no_chain_is_a_finished_chain};

    return check_main(suite_of("stream/sink", tests, sizeof(tests) / sizeof(tests[0])));
}
