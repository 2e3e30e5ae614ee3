/*
 * test_rng.c - random bytes; getrandom(2) is replaced where its awkward answers matter.
 */
#include "base/rng.h"

#include "check_main.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum { SYSTEM, HALTING, SCRIPTED, BROKEN } source = SYSTEM;
static unsigned calls;
static const uint64_t *script;

ssize_t getrandom(void *out, size_t len, unsigned flags)
{
    calls++;
    switch (source) {
    case SYSTEM:
        break;
    case HALTING:
        if (calls % 2 == 1) {
            errno = EINTR;
            return -1;
        }
        memset(out, 0x5a, 1);
        return 1;
    case SCRIPTED:
        memcpy(out, script++, sizeof(*script));
        return sizeof(*script);
    case BROKEN:
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_getrandom, out, len, flags);
}

START_TEST(two_draws_differ)
{
    uint8_t a[32] = {0}, b[32] = {0};

    rng_bytes(a, sizeof(a));
    rng_bytes(b, sizeof(b));
    ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
}
END_TEST

START_TEST(interrupted_and_short_answers_are_completed)
{
    uint8_t out[6] = {0};

    source = HALTING;
    calls = 0;
    rng_bytes(out, 5);
    source = SYSTEM;
    ck_assert_int_eq(memcmp(out, "\x5a\x5a\x5a\x5a\x5a\0", 6), 0);
    ck_assert_uint_eq(calls, 10);
}
END_TEST

START_TEST(numbers_stay_below_their_bound_and_reach_every_value)
{
    unsigned seen[7] = {0};

    ck_assert_uint_eq(rng_below(1), 0);
    for (int i = 0; i < 2000; i++) {
        uint64_t n = rng_below(7);

        ck_assert_uint_lt(n, 7);
        seen[n]++;
    }
    for (int i = 0; i < 7; i++)
        ck_assert_uint_gt(seen[i], 0);
}
END_TEST

START_TEST(draws_that_would_favour_small_numbers_are_repeated)
{
    /* 2^64 mod 3 = 1: the draw 0 is one too many for a fair third. */
    static const uint64_t draws[] = {0, 0, 5};
    static const uint64_t fair[] = {0};

    source = SCRIPTED;
    script = draws;
    ck_assert_uint_eq(rng_below(3), 2);
    ck_assert_ptr_eq(script, draws + 3);
    script = fair;
    ck_assert_uint_eq(rng_below(1024), 0);
    source = SYSTEM;
}
END_TEST

START_TEST(a_broken_source_aborts)
{
    uint8_t out[8];

    source = BROKEN;
    rng_bytes(out, sizeof(out));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {two_draws_differ, interrupted_and_short_answers_are_completed,
                                  numbers_stay_below_their_bound_and_reach_every_value,
                                  draws_that_would_favour_small_numbers_are_repeated};
    Suite *suite = suite_of("base/rng", tests, sizeof(tests) / sizeof(tests[0]));
    TCase *broken = tcase_create("broken");

    tcase_add_test_raise_signal(broken, a_broken_source_aborts, 6);
    suite_add_tcase(suite, broken);
    return check_main(suite);
}
