/*
 * cli/help.c - see cli/help.h.
 *
 * Options stand in a column of LABEL_WIDTH; help text wraps at LINE_WIDTH. Keys of the configuration file that are
 * no option of any command are shown by `init`, the command one sets pitr up with.
 */
#include "cli/help.h"

#include <string.h>

#define LABEL_WIDTH 30
#define LINE_WIDTH  110
#define NOTE_MAX    512

/* The words of a text from column `column` on, wrapped to start at `indent`; ends the line. */
static void print_wrapped(const char *text, size_t column, size_t indent, FILE *out)
{
    for (; column < indent; column++)
        fputc(' ', out);
    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column > indent && column + 1 + word > LINE_WIDTH) {
            fprintf(out, "\n%*s", (int) indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int) word, text);
        column += word;
        text += word + strspn(text + word, " ");
    }
    fputc('\n', out);
}

static void print_row(const char *label, const char *text, FILE *out)
{
    size_t column = strlen(label) + 2;

    fprintf(out, "  %s", label);
    if (column + 2 > LABEL_WIDTH) {
        fputc('\n', out);
        column = 0;
    }
    print_wrapped(text, column, LABEL_WIDTH, out);
}

/* A letter beside its option, choices instead of a metavar that says less. */
static void argument_label(const struct option *o, char *label, size_t size)
{
    char letter[8] = "";
    const char *value = o->choices != NULL ? o->choices : o->metavar;

    if (o->letter != '\0')
        (void) snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    (void) snprintf(label, size, "%s--%s%s%s", letter, o->name, value == NULL ? "" : " ",
                    value == NULL ? "" : value);
}

static void key_label(const struct option *o, char *label, size_t size)
{
    (void) snprintf(label, size, "%s = %s", o->name, o->choices != NULL ? o->choices : o->metavar);
}

/* Help, default, key and variable in one. */
static void option_note(const struct option *o, bool as_key, char note[NOTE_MAX])
{
    const char *fallback = o->fallback != NULL && o->fallback[0] != '\0' ? o->fallback : NULL;
    const char *key = !as_key && o->section == SECTION_CLUSTER ? "key of the configuration" : NULL;

    (void) snprintf(note, NOTE_MAX, "%s%s%s%s%s%s%s%s%s", o->help, fallback ? " (default: " : "",
                    fallback ? fallback : "", fallback ? ")" : "", key || o->environment ? " [" : "",
                    key ? key : "", key && o->environment ? ", " : "", o->environment ? o->environment : "",
                    key || o->environment ? "]" : "");
}

static bool is_common(const struct option *o)
{
    return (o->commands & COMMANDS_ALL) == COMMANDS_ALL ||
           o->commands == (COMMANDS_ALL & ~COMMAND_BIT(COMMAND_KEY));
}

/* Those of the command itself, or those it shares with all. */
static void print_options(const struct command *c, bool common, FILE *out)
{
    char label[128], note[NOTE_MAX];
    bool any = false;

    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = option_at((enum option_id) id);

        if ((o->commands & COMMAND_BIT(c->id)) == 0 || is_common(o) != common)
            continue;
        if (!any)
            fprintf(out, common ? "\nOptions of every command:\n" : "\nOptions:\n");
        any = true;
        argument_label(o, label, sizeof(label));
        option_note(o, false, note);
        print_row(label, note, out);
    }
}

static void print_keys(enum option_section section, const char *title, FILE *out)
{
    char label[128], note[NOTE_MAX];

    fprintf(out, "\n%s\n", title);
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = option_at((enum option_id) id);

        if (o->section != section)
            continue;
        key_label(o, label, sizeof(label));
        option_note(o, true, note);
        print_row(label, note, out);
    }
}

void help_program(FILE *out)
{
    fprintf(
        out,
        "pitr keeps a PostgreSQL cluster recoverable to any moment.\n\nUsage:\n  pitr COMMAND [OPTION]…\n\n"
        "Commands:\n");
    for (unsigned id = 0; id < COMMAND_COUNT; id++)
        print_row(command_at((enum command_id) id)->name, command_at((enum command_id) id)->summary, out);
    fputc('\n', out);
    print_wrapped("\"pitr COMMAND --help\" says more about one; \"pitr init --help\" lists the keys of the "
                  "configuration file. \"pitr --version\" shows the version. Exit status: 0 done, 1 "
                  "definitely not there, 2 usage or configuration, 3 refused, 4 damaged, 5 store not "
                  "reachable, 6 failure of this system. fetch: 0, 1, or 200 for all else.",
                  0, 0, out);
}

void help_command(const struct command *c, FILE *out)
{
    fprintf(out, "pitr %s: %s\n\nUsage:\n  pitr %s %s\n\n", c->name, c->summary, c->name, c->synopsis);
    print_wrapped(c->detail, 0, 0, out);
    print_options(c, false, out);
    print_options(c, true, out);
    if (c->id != COMMAND_INIT)
        return;
    print_keys(
        SECTION_CLUSTER,
        "Keys of [cluster NAME] in the configuration file; the variable in brackets overrides a key:", out);
    print_keys(SECTION_REPO, "Keys of [repo NAME]:", out);
}
