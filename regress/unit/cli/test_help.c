/*
 * test_help.c - --help says everything there is to say, and fits a terminal.
 */
#include "cli/help.h"

#include "check_main.h"
#include "page.h"
#include <string.h>

static char *help_of(enum command_id id)
{
    struct page p;

    page_open(&p);
    help_command(command_at(id), p.out);
    page_close(&p);
    return p.text;
}

/* The text without what wrapping made of it: one space between words. */
static void unwrap(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++)
        if ((*from != ' ' && *from != '\n') || (to > text && to[-1] != ' '))
            *to++ = *from == '\n' ? ' ' : *from;
    *to = '\0';
}

START_TEST(every_option_is_in_the_help_of_some_command)
{
    const struct option *o = option_at((enum option_id) _i);
    char dashed[80], key[80];
    bool found = false;

    (void) snprintf(dashed, sizeof(dashed), "--%s", o->name);
    (void) snprintf(key, sizeof(key), " %s = ", o->name);
    for (unsigned id = 0; id < COMMAND_COUNT; id++) {
        char *text = help_of((enum command_id) id);

        unwrap(text);
        if (strstr(text, o->help) != NULL && (strstr(text, dashed) != NULL || strstr(text, key) != NULL))
            found = true;
        free(text);
    }
    ck_assert_msg(found, "nobody is told of %s", o->name);
}
END_TEST

START_TEST(a_command_shows_its_own_options_and_no_others)
{
    char *text = help_of((enum command_id) _i);

    unwrap(text);
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = option_at((enum option_id) id);
        char row[80];
        bool shown;

        (void) snprintf(row, sizeof(row), " --%s%s", o->name, option_takes_value(o) ? " " : "");
        if (o->letter != '\0')
            (void) snprintf(row, sizeof(row), "-%c, --%s", o->letter, o->name);
        shown = strstr(text, row) != NULL && strstr(text, o->help) != NULL;
        if ((o->commands & COMMAND_BIT(_i)) != 0)
            ck_assert_msg(shown, "%s is not told of --%s", command_at((enum command_id) _i)->name, o->name);
        else if (_i != COMMAND_INIT)
            ck_assert_msg(!shown, "%s is told of --%s", command_at((enum command_id) _i)->name, o->name);
    }
    free(text);
}
END_TEST

START_TEST(no_line_is_longer_than_a_wide_terminal)
{
    char *text = help_of((enum command_id) _i);

    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        ck_assert_msg(strcspn(line, "\n") <= 120, "%.*s", (int) strcspn(line, "\n"), line);
    free(text);
}
END_TEST

/* Rows are indented by two and explained in a column; only a label that leaves two blanks before it shares its line. */
START_TEST(a_label_is_never_run_into_its_explanation)
{
    char *text = help_of((enum command_id) _i), *rest = text, *line;

    while ((line = strsep(&rest, "\n")) != NULL)
        if (strncmp(line, "  ", 2) == 0 && strlen(line) > 30 && line[2] != ' ' && line[29] == ' ')
            ck_assert_msg(line[28] == ' ', "%s", line);
    free(text);
}
END_TEST

START_TEST(the_program_lists_every_command)
{
    struct page p;

    page_open(&p);
    help_program(p.out);
    page_close(&p);
    for (unsigned id = 0; id < COMMAND_COUNT; id++) {
        ck_assert_ptr_nonnull(strstr(p.text, command_at((enum command_id) id)->name));
        ck_assert_ptr_nonnull(strstr(p.text, command_at((enum command_id) id)->summary));
    }
    free(p.text);
}
END_TEST

START_TEST(the_help_of_archive_reads_like_this)
{
    char *text = help_of(COMMAND_ARCHIVE);

    ck_assert_str_eq(text, "pitr archive: push one file of pg_wal into every repository (archive_command)\n"
                           "\n"
                           "Usage:\n"
                           "  pitr archive PATH\n"
                           "\n"
                           "In postgresql.conf: archive_command = 'pitr archive %p'. Done means: stored "
                           "durably in every repository of the\n"
                           "cluster. A file that is there already with the same content is done too; one "
                           "with other content is refused.\n"
                           "\n"
                           "Options of every command:\n"
                           "  --config FILE               configuration file (default: /etc/pitr/pitr.conf "
                           "if it is there) [PITR_CONFIG]\n"
                           "  --cluster NAME              cluster to work on (default: the only one of the "
                           "file, else main) [PITR_CLUSTER]\n"
                           "  -v, --verbose               say more; may be repeated\n"
                           "  -q, --quiet                 say warnings and errors only; twice: errors only\n"
                           "  --help                      show this help, then exit\n"
                           "  --version                   show the version, then exit\n");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/help");
    TCase *tcase = tcase_create("help");

    tcase_add_loop_test(tcase, every_option_is_in_the_help_of_some_command, 0, OPTION_COUNT);
    tcase_add_loop_test(tcase, a_command_shows_its_own_options_and_no_others, 0, COMMAND_COUNT);
    tcase_add_loop_test(tcase, no_line_is_longer_than_a_wide_terminal, 0, COMMAND_COUNT);
    tcase_add_loop_test(tcase, a_label_is_never_run_into_its_explanation, 0, COMMAND_COUNT);
    tcase_add_test(tcase, the_program_lists_every_command);
    tcase_add_test(tcase, the_help_of_archive_reads_like_this);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
