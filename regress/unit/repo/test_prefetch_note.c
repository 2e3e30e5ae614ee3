/*
 * test_prefetch_note.c - a note of where recovery stands is read as it was written, or not at all.
 */
#include "repo/prefetch_note.h"

#include "check_main.h"

#include <string.h>

static const struct prefetch_note whole = {
    .has_given = true,
    .given = {.kind = WALFILE_SEGMENT, .tli = 2, .log = 1, .seg = 0xFF},
    .has_asked = true,
    .asked = {.kind = WALFILE_SEGMENT, .tli = 2, .log = 2, .seg = 0},
    .given_us = INT64_C(1234567890123),
    .waited_us = 4711};

static bool is_same(const struct prefetch_note *a, const struct prefetch_note *b)
{
    return a->has_given == b->has_given && a->has_asked == b->has_asked && a->given_us == b->given_us &&
           a->waited_us == b->waited_us &&
           (!a->has_given || memcmp(&a->given, &b->given, sizeof(a->given)) == 0) &&
           (!a->has_asked || memcmp(&a->asked, &b->asked, sizeof(a->asked)) == 0);
}

START_TEST(a_note_reads_as_it_was_written)
{
    struct prefetch_note only_asked = whole, nothing = {.has_given = false};
    const struct prefetch_note *const notes[] = {&whole, &only_asked, &nothing};
    struct prefetch_note read;
    char text[PREFETCH_NOTE_TEXT + 1];

    only_asked.has_given = false;
    for (size_t i = 0; i < 3; i++) {
        prefetch_note_format(notes[i], text);
        ck_assert_uint_eq(strlen(text), PREFETCH_NOTE_TEXT);
        ck_assert(prefetch_note_parse(text, PREFETCH_NOTE_TEXT, &read));
        ck_assert(is_same(&read, notes[i]));
    }
}
END_TEST

START_TEST(a_note_with_any_bit_altered_or_cut_anywhere_is_none)
{
    struct prefetch_note read = {.given_us = 42};
    char text[PREFETCH_NOTE_TEXT + 1];

    prefetch_note_format(&whole, text);
    for (size_t len = 0; len < PREFETCH_NOTE_TEXT; len++)
        ck_assert(!prefetch_note_parse(text, len, &read));
    for (size_t bit = 0; bit < 8 * (size_t) PREFETCH_NOTE_TEXT; bit++) {
        text[bit / 8] = (char) (text[bit / 8] ^ (1 << bit % 8));
        ck_assert(!prefetch_note_parse(text, PREFETCH_NOTE_TEXT, &read));
        text[bit / 8] = (char) (text[bit / 8] ^ (1 << bit % 8));
    }
    ck_assert_int_eq(read.given_us, 42);
}
END_TEST

/* What a reader sees who comes between two writes of a page: the front of one and the end of another. */
START_TEST(a_mixture_of_two_notes_is_none)
{
    struct prefetch_note other = whole, read;
    char one[PREFETCH_NOTE_TEXT + 1], two[PREFETCH_NOTE_TEXT + 1], mixed[PREFETCH_NOTE_TEXT + 1];

    other.given.seg = 0xFE;
    other.asked.seg = 0x01;
    other.given_us = 99;
    other.waited_us = 1;
    prefetch_note_format(&whole, one);
    prefetch_note_format(&other, two);
    for (size_t cut = 24; cut < PREFETCH_NOTE_TEXT - 9; cut++) {
        memcpy(mixed, one, cut);
        memcpy(mixed + cut, two + cut, PREFETCH_NOTE_TEXT - cut);
        ck_assert(!prefetch_note_parse(mixed, PREFETCH_NOTE_TEXT, &read));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_note_reads_as_it_was_written,
                                  a_note_with_any_bit_altered_or_cut_anywhere_is_none,
                                  a_mixture_of_two_notes_is_none};

    return check_main(suite_of("repo/prefetch_note", tests, sizeof(tests) / sizeof(tests[0])));
}
