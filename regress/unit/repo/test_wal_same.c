/*
 * test_wal_same.c - two segments are the same only where everything that replay looks at is.
 */
#include "repo/wal_same.h"

#include "check_main.h"
#include "repo/wal_facts.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEGMENT      (1u << 20)
#define NAME         "000000010000000000000006"

static struct wal_facts facts(void)
{
    struct wal_facts f = {.system_identifier = 7,
                          .major = 15,
                          .timeline = 1,
                          .segment_bytes = SEGMENT,
                          .first_lsn = UINT64_C(6) * SEGMENT,
                          .end_lsn = UINT64_C(6) * SEGMENT + 4096,
                          .has_records = true,
                          .has_valid = true};

    memset(f.valid_sha256, 0xAB, SHA256_BYTES);
    return f;
}

/* A descriptor of these facts whose content differs from all others. */
static struct descriptor describe(const struct wal_facts *f)
{
    static uint8_t content;
    struct descriptor d = {.kind = "wal", .name = NAME, .sized = true, .size = SEGMENT};
    struct err e = ERR_NONE;

    d.sha256[0] = content++;
    ck_assert_msg(wal_facts_write(f, &d, &e) == ERR_OK, "%s", e.text);
    return d;
}

static bool is_same_as_ours(const struct descriptor *theirs)
{
    struct wal_facts f = facts();
    CLEANUP(descriptor_clear) struct descriptor ours = describe(&f);
    bool same = wal_is_same(theirs, &ours);

    ck_assert_int_eq(same, wal_is_same(&ours, theirs));
    return same;
}

START_TEST(equal_valid_wal_is_the_same_whatever_lies_behind_it)
{
    struct wal_facts f = facts();
    CLEANUP(descriptor_clear) struct descriptor d = describe(&f);

    ck_assert(is_same_as_ours(&d));
}
END_TEST

START_TEST(a_run_that_was_known_makes_no_difference)
{
    struct wal_facts f = facts();

    f.run_from = f.first_lsn - 3 * SEGMENT;
    f.run_to = f.first_lsn;
    CLEANUP(descriptor_clear) struct descriptor d = describe(&f);
    ck_assert(is_same_as_ours(&d));
}
END_TEST

START_TEST(any_other_difference_is_one)
{
    enum { SYSTEM, MAJOR, TIMELINE, SIZE, PLACE, END, DIGEST, NO_DIGEST, DIFFERENCES };

    for (int i = 0; i < DIFFERENCES; i++) {
        struct wal_facts f = facts();

        f.system_identifier += i == SYSTEM;
        f.major += i == MAJOR;
        f.timeline += i == TIMELINE;
        f.segment_bytes *= i == SIZE ? 2 : 1;
        if (i == PLACE) {
            f.first_lsn += SEGMENT;
            f.end_lsn += SEGMENT;
        }
        f.end_lsn += i == END ? 8 : 0;
        f.valid_sha256[31] ^= i == DIGEST;
        f.has_valid = i != NO_DIGEST;
        CLEANUP(descriptor_clear) struct descriptor d = describe(&f);
        ck_assert_msg(!is_same_as_ours(&d), "difference %d", i);
    }
}
END_TEST

START_TEST(another_kind_name_or_size_is_another_object)
{
    struct wal_facts f = facts();
    CLEANUP(descriptor_clear) struct descriptor d = describe(&f);

    strcpy(d.kind, "partial");
    ck_assert(!is_same_as_ours(&d));
    strcpy(d.kind, "wal");
    d.name[23] = '7';
    ck_assert(!is_same_as_ours(&d));
    d.name[23] = '6';
    d.size--;
    ck_assert(!is_same_as_ours(&d));
    d.size++;
    d.sized = false;
    ck_assert(!is_same_as_ours(&d));
    d.sized = true;
    ck_assert(is_same_as_ours(&d));
}
END_TEST

START_TEST(objects_without_facts_are_not_compared_by_them)
{
    struct descriptor d = {.kind = "wal", .name = NAME, .sized = true, .size = SEGMENT};

    ck_assert(!is_same_as_ours(&d));
    ck_assert(!wal_is_same(&d, &d));
}
END_TEST

START_TEST(without_a_digest_in_either_nothing_is_known_to_be_the_same)
{
    struct wal_facts f = facts();

    f.has_valid = false;
    CLEANUP(descriptor_clear) struct descriptor a = describe(&f);
    CLEANUP(descriptor_clear) struct descriptor b = describe(&f);
    ck_assert(!wal_is_same(&a, &b));
}
END_TEST

START_TEST(the_one_with_more_wal_is_told)
{
    char there[WAL_SAME_TEXT_MAX], here[WAL_SAME_TEXT_MAX];
    struct wal_facts less = facts(), more = facts();

    more.end_lsn += 4096;
    CLEANUP(descriptor_clear) struct descriptor a = describe(&less);
    CLEANUP(descriptor_clear) struct descriptor b = describe(&more);
    wal_tell_ends(&a, &b, there, here);
    ck_assert_str_eq(there, ", where valid WAL ends at LSN 0/601000");
    ck_assert_str_eq(here, ", where valid WAL ends at LSN 0/602000");
    wal_tell_ends(&a, &a, there, here);
    ck_assert_str_eq(there, "");
    ck_assert_str_eq(here, "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        equal_valid_wal_is_the_same_whatever_lies_behind_it,
        a_run_that_was_known_makes_no_difference,
        any_other_difference_is_one,
        another_kind_name_or_size_is_another_object,
        objects_without_facts_are_not_compared_by_them,
        without_a_digest_in_either_nothing_is_known_to_be_the_same,
        the_one_with_more_wal_is_told,
    };

    return check_main(suite_of("repo/wal_same", tests, COUNT(tests)));
}
