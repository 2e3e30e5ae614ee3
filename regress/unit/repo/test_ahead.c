/*
 * test_ahead.c - a note of a file that was archived ahead is believed for that very file, those repositories, and not
 * for long.
 */
#include "repo/ahead.h"

#include "../scratch.h"
#include "check_main.h"
#include "codec/crc32c.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define NAME "000000010000000000000005"

static char scratch[SCRATCH_MAX], places[AHEAD_PLACES_MAX];
static struct spool *spool;
static struct stat file;

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static void set_up(void)
{
    static const char *const both[] = {"file:///one", "s3://bucket https://two"};
    char dir[SCRATCH_MAX + 8];
    struct err e = ERR_NONE;

    scratch_make(scratch);
    (void) snprintf(dir, sizeof(dir), "%s/spool", scratch);
    ck_assert_int_eq(spool_open(dir, "main", &spool, &e), ERR_OK);
    write_file(scratch_path(scratch, NAME), "wal", 3);
    ck_assert_int_eq(stat(scratch_path(scratch, NAME), &file), 0);
    ahead_places(both, 2, places);
}

static void tear_down(void)
{
    spool_free(spool);
    scratch_remove(scratch);
}

static const char *note_path(void)
{
    return scratch_path(scratch, "spool/main/ahead/" NAME);
}

static void note(void)
{
    struct ahead_note n = {.line = "00000000000000ab",
                           .has_facts = true,
                           .facts = {.system_identifier = 0xab,
                                     .major = 15,
                                     .timeline = 1,
                                     .segment_bytes = 1u << 20,
                                     .first_lsn = 5u << 20,
                                     .end_lsn = 6u << 20,
                                     .run_from = 5u << 20,
                                     .run_to = 5u << 20,
                                     .has_records = true,
                                     .last_lsn = (5u << 20) + 40,
                                     .commits = 1,
                                     .commit_lsn = (5u << 20) + 40,
                                     .first_us = 7,
                                     .last_us = 7,
                                     .min_us = 7,
                                     .max_us = 7,
                                     .crossing.begun = {3, "abc"}}};

    (void) ahead_write(spool, NAME, places, &file, &n);
}

static bool take(void)
{
    struct ahead_note found;

    return ahead_take(spool, NAME, places, &file, &found);
}

static bool has(const struct stat *of)
{
    struct ahead_note found;

    return ahead_read(spool, NAME, places, of, &found);
}

START_TEST(a_note_is_found_once_with_what_it_knows_of_the_segment)
{
    struct ahead_note found;

    note();
    ck_assert(has(&file));
    ck_assert(ahead_take(spool, NAME, places, &file, &found));
    ck_assert_str_eq(found.line, "00000000000000ab");
    ck_assert(found.has_facts && found.facts.has_records);
    ck_assert_uint_eq(found.facts.first_lsn, 5u << 20);
    ck_assert_int_eq(found.facts.max_us, 7);
    ck_assert_uint_eq(found.facts.crossing.begun.len, 3);
    ck_assert_int_eq(memcmp(found.facts.crossing.begun.bytes, "abc", 3), 0);
    ck_assert(!found.is_beyond);
    ck_assert(!has(&file));
    ck_assert(!take());
}
END_TEST

START_TEST(a_note_tells_whether_it_lies_beyond_a_file_that_could_not_be_archived)
{
    struct ahead_note n = {.line = "00000000000000ab", .is_beyond = true}, found;

    ck_assert(ahead_write(spool, "00000002.history", places, &file, &n));
    ck_assert(ahead_read(spool, "00000002.history", places, &file, &found));
    ck_assert(found.is_beyond);
}
END_TEST

START_TEST(a_file_without_records_needs_no_facts)
{
    struct ahead_note n = {.line = "00000000000000ab"}, found;

    ck_assert(ahead_write(spool, "00000002.history", places, &file, &n));
    ck_assert(ahead_take(spool, "00000002.history", places, &file, &found));
    ck_assert(!found.has_facts);
}
END_TEST

START_TEST(a_note_of_another_file_is_not_believed_and_gone)
{
    struct stat other[5];

    for (size_t i = 0; i < 5; i++)
        other[i] = file;
    other[0].st_size++;
    other[1].st_ino++;
    other[2].st_dev++;
    other[3].st_mtim.tv_nsec ^= 1;
    other[4].st_ctim.tv_nsec ^= 1;
    for (size_t i = 0; i < 5; i++) {
        struct ahead_note ignored;

        note();
        ck_assert(!has(&other[i]));
        ck_assert(has(&file)); /* a look removes nothing */
        ck_assert(!ahead_take(spool, NAME, places, &other[i], &ignored));
        ck_assert(!take());
    }
}
END_TEST

START_TEST(a_note_of_other_repositories_is_not_believed)
{
    static const char *const sets[][2] = {{"file:///one", "s3://bucket https://three"},
                                          {"s3://bucket https://two", "file:///one"},
                                          {"file:///one", ""}};
    char others[AHEAD_PLACES_MAX];

    for (size_t i = 0; i < 3; i++) {
        note();
        ahead_places(sets[i], i == 2 ? 1 : 2, others);
        ck_assert(!ahead_take(spool, NAME, others, &file, &(struct ahead_note){.has_facts = false}));
    }
}
END_TEST

START_TEST(a_note_with_any_byte_altered_or_cut_anywhere_is_none)
{
    char text[4096], altered[4096];
    size_t len;
    FILE *f;

    note();
    f = fopen(note_path(), "r");
    ck_assert_ptr_nonnull(f);
    len = fread(text, 1, sizeof(text), f);
    fclose(f);
    ck_assert(len > 100 && len < sizeof(text));
    for (size_t i = 0; i < len; i += thin_step()) {
        memcpy(altered, text, len);
        altered[i] ^= 1;
        write_file(note_path(), altered, len);
        ck_assert(!has(&file));
        write_file(note_path(), text, i);
        ck_assert(!has(&file));
    }
    write_file(note_path(), text, len);
    ck_assert(has(&file));
}
END_TEST

/* The note as it would have been written so many seconds ago. */
static void note_of(long seconds_ago)
{
    char text[4096], made[4096], whole[4200], *noted;
    FILE *f;
    size_t len;
    long when;

    note();
    f = fopen(note_path(), "r");
    ck_assert_ptr_nonnull(f);
    len = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[len] = '\0';
    noted = strstr(text, "\"noted\":");
    ck_assert_ptr_nonnull(noted);
    when = strtol(noted + 8, NULL, 10);
    (void) snprintf(made, sizeof(made), "%.*s\"noted\":%ld%s", (int) (noted - text - 9), text + 9,
                    when - seconds_ago, noted + 8 + strspn(noted + 8, "0123456789"));
    (void) snprintf(whole, sizeof(whole), "%08" PRIx32 " %s", crc32c(0, made, strlen(made)), made);
    write_file(note_path(), whole, strlen(whole));
}

START_TEST(a_note_is_believed_for_an_hour_and_never_from_the_future)
{
    note_of(60);
    ck_assert(take());
    note_of(SPOOL_TRUST_SECONDS + 60);
    ck_assert(!take());
    note_of(-600);
    ck_assert(!take());
}
END_TEST

START_TEST(repositories_too_many_to_be_told_leave_no_note)
{
    static char large[AHEAD_PLACES_MAX];
    const char *const one[] = {large};

    memset(large, 'x', sizeof(large) - 1);
    ahead_places(one, 1, places);
    note();
    ck_assert_int_ne(access(note_path(), F_OK), 0);
    ck_assert(!take());
}
END_TEST

START_TEST(one_at_a_time_archives_ahead)
{
    int first = ahead_lock(spool);

    ck_assert_int_ge(first, 0);
    ck_assert_int_eq(ahead_lock(spool), -1);
    ck_assert_int_eq(close(first), 0);
    first = ahead_lock(spool);
    ck_assert_int_ge(first, 0);
    ck_assert_int_eq(close(first), 0);
}
END_TEST

static void sweep(void)
{
    int fd = ahead_lock(spool);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(sweeping_removes_old_notes_and_remains_and_keeps_the_others)
{
    const char *stale = scratch_path(scratch, "spool/main/ahead/.pitr-tmp-x.1.ab");
    struct timespec old[2] = {{.tv_sec = time(NULL) - SPOOL_TRUST_SECONDS - 60}, {0}};

    old[1] = old[0];
    note();
    write_file(stale, "x", 1);
    ck_assert_int_eq(utimensat(AT_FDCWD, stale, old, 0), 0);
    sweep();
    ck_assert_int_ne(access(stale, F_OK), 0);
    ck_assert(has(&file));
    ck_assert_int_eq(utimensat(AT_FDCWD, note_path(), old, 0), 0);
    sweep();
    ck_assert_int_ne(access(note_path(), F_OK), 0);
}
END_TEST

START_TEST(a_spool_that_is_gone_or_can_t_be_written_knows_nothing_and_is_no_error)
{
    note();
    ck_assert_int_eq(remove(note_path()), 0);
    ck_assert_int_eq(rmdir(scratch_path(scratch, "spool/main/ahead")), 0);
    ck_assert(!take());
    write_file(scratch_path(scratch, "spool/main/ahead"), "in the way", 10);
    note();
    ck_assert(!take());
    ck_assert_int_eq(ahead_lock(spool), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repo/ahead");
    TCase *tests = tcase_create("repo/ahead");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_note_is_found_once_with_what_it_knows_of_the_segment);
    tcase_add_test(tests, a_note_tells_whether_it_lies_beyond_a_file_that_could_not_be_archived);
    tcase_add_test(tests, a_file_without_records_needs_no_facts);
    tcase_add_test(tests, a_note_of_another_file_is_not_believed_and_gone);
    tcase_add_test(tests, a_note_of_other_repositories_is_not_believed);
    tcase_add_test(tests, a_note_with_any_byte_altered_or_cut_anywhere_is_none);
    tcase_add_test(tests, a_note_is_believed_for_an_hour_and_never_from_the_future);
    tcase_add_test(tests, repositories_too_many_to_be_told_leave_no_note);
    tcase_add_test(tests, one_at_a_time_archives_ahead);
    tcase_add_test(tests, sweeping_removes_old_notes_and_remains_and_keeps_the_others);
    tcase_add_test(tests, a_spool_that_is_gone_or_can_t_be_written_knows_nothing_and_is_no_error);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
