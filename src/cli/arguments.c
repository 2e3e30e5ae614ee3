/*
 * cli/arguments.c - see cli/arguments.h.
 */
#include "cli/arguments.h"

#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The words not yet looked at. */
struct words {
    char *const *at;
    size_t left;
};

static enum err_code unknown_option(enum command_id command, const char *word, const char *near,
                                    struct err *e)
{
    const char *name = command_at(command)->name;

    err_set(e, ERR_USAGE, "unknown option \"%s\" for \"%s\"", word, name);
    if (near != NULL)
        return err_hint(e, "Did you mean \"--%s\"? Try \"pitr %s --help\".", near, name);
    return err_hint(e, "Try \"pitr %s --help\".", name);
}

/* "--name", "--name=value"; the value may be the next word. */
static enum err_code take_long(enum command_id command, struct words *w, struct settings *to, struct err *e)
{
    const char *word = w->at[0];
    const char *name = word + 2;
    size_t name_len = strcspn(name, "=");
    const char *value = name[name_len] == '=' ? name + name_len + 1 : NULL;
    enum option_id id = option_of_argument(command, name, name_len);
    char dashed[64];
    const struct option *o;

    if (id == OPTION_COUNT) {
        (void) snprintf(dashed, sizeof(dashed), "--%.*s", (int) (name_len > 60 ? 60 : name_len), name);
        return unknown_option(command, dashed, option_near_argument(command, name, name_len), e);
    }
    o = option_at(id);
    if (!option_takes_value(o) && value != NULL)
        return err_set(e, ERR_USAGE, "option --%s takes no value", o->name);
    if (option_takes_value(o) && value == NULL) {
        if (w->left < 2) {
            err_set(e, ERR_USAGE, "option --%s needs a value", o->name);
            return err_hint(e, "Write --%s %s.", o->name, o->metavar);
        }
        w->at++;
        w->left--;
        value = w->at[0];
    }
    return settings_give(to, id, value, &(struct origin){.kind = ORIGIN_ARGUMENT, .name = o->name}, e);
}

/* "-v", "-vv", "-vq": flags only have letters. */
static enum err_code take_letters(enum command_id command, const char *word, struct settings *to,
                                  struct err *e)
{
    struct origin origin = {.kind = ORIGIN_ARGUMENT};

    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        enum option_id id = option_of_letter(command, *letter);

        if (id == OPTION_COUNT)
            return unknown_option(command, word, NULL, e);
        origin.name = option_at(id)->name;
        if (settings_give(to, id, NULL, &origin, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

enum err_code arguments_parse(enum command_id command, char *const *words, size_t count,
                              struct arguments *out, struct err *e)
{
    struct words w = {words, count};
    bool options_ended = false;

    *out = (struct arguments){.operands = calloc(count + 1, sizeof(*out->operands))};
    if (out->operands == NULL)
        return err_nomem(e, "the arguments");
    for (; w.left > 0; w.at++, w.left--) {
        const char *word = w.at[0];
        enum err_code code = ERR_OK;

        if (options_ended || word[0] != '-' || word[1] == '\0')
            out->operands[out->operand_count++] = word;
        else if (strcmp(word, "--") == 0)
            options_ended = true;
        else if (word[1] == '-')
            code = take_long(command, &w, &out->settings, e);
        else
            code = take_letters(command, word, &out->settings, e);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

void arguments_clear(struct arguments *a)
{
    settings_clear(&a->settings);
    free(a->operands);
    *a = (struct arguments){.operands = NULL};
}
