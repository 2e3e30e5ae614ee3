/*
 * test_archive_noted.c - a note answers for the file it speaks of, and brings it into the run where that is needed.
 */
#include "ops/archive_noted.h"

#include "archive_case.h"
#include "check_main.h"
#include "ops/archive_push.h"

static const struct archive_options alone = {.jobs = 1};
static char places[AHEAD_PLACES_MAX];

static void set_up(void)
{
    pgdata_set_up();
    archive_noted_places(&cluster, places);
    let_wait(5, 9);
    ck_assert_msg(ask(&alone, 5) == ERR_OK, "%s", e.text);
}

/* Segment 6 is stored, as if another call had done it; nothing else knows of it but this note. */
static struct ahead_note note_six(bool is_beyond)
{
    CLEANUP(archive_file_clear) struct archive_file f = ARCHIVE_FILE_NONE;
    struct ahead_note note = {.is_beyond = is_beyond, .has_facts = true};

    ck_assert_int_eq(archive_file_open(&f, "pg_wal/000000010000000000000006", &e), ERR_OK);
    ck_assert_int_eq(archive_file_read(&f, CODEC_NONE, 0, &e), ERR_OK);
    (void) snprintf(note.line, sizeof(note.line), "%s", layout.line);
    note.facts = f.facts;
    wal_facts_begin_run(&note.facts);
    ck_assert(ahead_write(cluster.spool, f.name, places, &f.stat, &note));
    return note;
}

static bool take_six(void)
{
    CLEANUP(archive_file_clear) struct archive_file f = ARCHIVE_FILE_NONE;

    ck_assert_int_eq(archive_file_open(&f, "pg_wal/000000010000000000000006", &e), ERR_OK);
    return archive_noted_take(&cluster, &f);
}

START_TEST(a_note_answers_once)
{
    (void) note_six(false);
    ck_assert(take_six());
    ck_assert(!take_six());
}
END_TEST

START_TEST(what_lies_beyond_a_failed_one_gets_into_the_run_when_its_turn_comes)
{
    bool is_beyond = _i == 1;

    (void) note_six(is_beyond);
    ck_assert(take_six());
    ck_assert_int_eq(ask(&alone, 7), ERR_OK);
    ck_assert_uint_eq(told_of(&pgdata_repo[1], 7).run_from, is_beyond ? 5 * MIB : 7 * MIB);
    ck_assert_uint_eq(told_of(&pgdata_repo[1], 7).run_to, 7 * MIB);
}
END_TEST

/* Somebody emptied it, or nothing is mounted there. */
START_TEST(a_directory_must_show_the_file_still)
{
    char *place = cluster.repos[1]->place;

    cluster.repos[1]->place = strdup("file:///somewhere");
    archive_noted_places(&cluster, places);
    (void) note_six(false);
    ck_assert(!take_six());
    ck_assert_int_eq(ask(&alone, 6), ERR_OK);
    make_ready(segment_name(6));
    (void) note_six(false);
    ck_assert(take_six());
    free(cluster.repos[1]->place);
    cluster.repos[1]->place = place;
}
END_TEST

START_TEST(a_note_of_another_line_kind_or_place_is_none)
{
    CLEANUP(archive_file_clear) struct archive_file f = ARCHIVE_FILE_NONE;
    struct ahead_note note = note_six(false), other;

    ck_assert_int_eq(archive_file_open(&f, "pg_wal/000000010000000000000006", &e), ERR_OK);
    ck_assert(archive_noted_fits(&note, &f));
    other = note;
    other.line[0] ^= 1;
    ck_assert(!archive_noted_fits(&other, &f));
    other = note;
    other.has_facts = false;
    ck_assert(!archive_noted_fits(&other, &f));
    other = note;
    other.facts.first_lsn += MIB;
    ck_assert(!archive_noted_fits(&other, &f));
}
END_TEST

START_TEST(another_list_of_repositories_is_another_place)
{
    (void) note_six(false);
    cluster.repo_count = 1;
    ck_assert(!take_six());
    cluster.repo_count = 2;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/archive_noted");
    TCase *tests = tcase_create("ops/archive_noted");

    tcase_add_checked_fixture(tests, set_up, pgdata_tear_down);
    tcase_add_test(tests, a_note_answers_once);
    tcase_add_loop_test(tests, what_lies_beyond_a_failed_one_gets_into_the_run_when_its_turn_comes, 0, 2);
    tcase_add_test(tests, a_directory_must_show_the_file_still);
    tcase_add_test(tests, a_note_of_another_line_kind_or_place_is_none);
    tcase_add_test(tests, another_list_of_repositories_is_another_place);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
