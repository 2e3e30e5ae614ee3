/*
 * test_near.c - mistyped words find the one that was meant, and no other.
 */
#include "cli/near.h"

#include "check_main.h"
#include <string.h>

static const char *const known[] = {"jobs", "json", "target-time", "target-timeline", "repo", "max-rate"};

static const struct {
    const char *word;
    const char *expected; /* NULL: none */
} cases[] = {
    {"jbos", "jobs"},
    {"job", "jobs"},
    {"jobs", "jobs"},
    {"traget-time", "target-time"},
    {"targettime", "target-time"},
    {"target-tmie", "target-time"},
    {"max_rate", "max-rate"},
    {"max_rates", "max-rate"},
    {"maxrats", "max-rate"},
    {"mxrats", NULL},
    {"banana", NULL},
    {"", NULL},
    {"xy", NULL},
    {"repository-of-everything-that-is-longer-than-48-bytes", NULL},
};

START_TEST(a_typing_mistake_finds_the_word_that_was_meant)
{
    struct near n;

    near_init(&n, cases[_i].word, strlen(cases[_i].word));
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        near_offer(&n, known[i]);
    ck_assert_pstr_eq(n.best, cases[_i].expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/near");
    TCase *tcase = tcase_create("near");

    tcase_add_loop_test(tcase, a_typing_mistake_finds_the_word_that_was_meant, 0,
                        sizeof(cases) / sizeof(cases[0]));
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
