/*
 * cli/setting.c - see cli/setting.h.
 *
 * Every type has one small reader that fills a setting from a text or says what the text should have been
 * ("expected …"); the message around it, with name, value and origin, is made in one place. A value that may be a
 * secret is not shown.
 *
 * Units     sizes      none or B, then k kB KiB, M MB MiB, G GB GiB: powers of 1024, as PostgreSQL reckons
 *           durations  ms, s, min, h, d; a bare number is refused, but 0
 * White space is allowed between number and unit.
 */
#include "cli/setting.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPECTED_MAX 256

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},          {"B", 1},         {"k", 1 << 10},   {"K", 1 << 10},  {"kB", 1 << 10},
    {"KB", 1 << 10},  {"KiB", 1 << 10}, {"M", 1 << 20},   {"MB", 1 << 20}, {"MiB", 1 << 20},
    {"G", 1LL << 30}, {"GB", 1 << 30},  {"GiB", 1 << 30},
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"min", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000},
};

#define UNIT_COUNT(units) (sizeof(units) / sizeof((units)[0]))

void origin_format(const struct origin *o, char out[ORIGIN_TEXT_MAX])
{
    switch (o->kind) {
    case ORIGIN_FILE:
        (void) snprintf(out, ORIGIN_TEXT_MAX, "file \"%s\", line %u", o->name, o->line);
        break;
    case ORIGIN_ENVIRONMENT:
        (void) snprintf(out, ORIGIN_TEXT_MAX, "environment variable %s", o->name);
        break;
    case ORIGIN_ARGUMENT:
        (void) snprintf(out, ORIGIN_TEXT_MAX, "option --%s", o->name);
        break;
    case ORIGIN_DEFAULT:
        (void) snprintf(out, ORIGIN_TEXT_MAX, "default");
        break;
    }
}

/* The largest unit that leaves a whole number; both tables ascend. */
static void number_format(int64_t number, const struct unit *units, size_t count, char *out)
{
    const struct unit *best = &units[0];

    for (size_t i = 0; i < count && number != 0; i++)
        if (number % units[i].factor == 0)
            best = &units[i];
    (void) snprintf(out, SETTING_NUMBER_MAX, "%lld%s", (long long) (number / best->factor),
                    number == 0 ? "" : best->name);
}

void size_format(int64_t bytes, char out[SETTING_NUMBER_MAX])
{
    number_format(bytes, size_units, UNIT_COUNT(size_units), out);
}

void duration_format(int64_t ms, char out[SETTING_NUMBER_MAX])
{
    number_format(ms, duration_units, UNIT_COUNT(duration_units), out);
}

/* Decimal digits with an optional minus, up to where they end. False: no digit, or more than an int64 holds. */
static bool read_number(const char *text, int64_t *number, const char **rest)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    char *end;

    if (digits[0] < '0' || digits[0] > '9')
        return false;
    errno = 0;
    *number = strtoll(text, &end, 10);
    *rest = end;
    return errno == 0;
}

static bool read_with_unit(const char *text, const struct unit *units, size_t count, int64_t *number)
{
    const char *rest;

    if (!read_number(text, number, &rest))
        return false;
    if (*rest == '\0' && *number == 0)
        return true;
    rest += strspn(rest, " \t");
    for (size_t i = 0; i < count; i++)
        if (strcmp(rest, units[i].name) == 0)
            return !__builtin_mul_overflow(*number, units[i].factor, number);
    return false;
}

static void describe_range(const struct option *o, char *expected)
{
    char min[SETTING_NUMBER_MAX], max[SETTING_NUMBER_MAX];

    if (o->type == OPTION_TYPE_SIZE) {
        size_format(o->min, min);
        size_format(o->max, max);
    } else if (o->type == OPTION_TYPE_DURATION) {
        duration_format(o->min, min);
        duration_format(o->max, max);
    } else {
        (void) snprintf(min, sizeof(min), "%lld", (long long) o->min);
        (void) snprintf(max, sizeof(max), "%lld", (long long) o->max);
    }
    (void) snprintf(expected, EXPECTED_MAX, "It must be between %s and %s%s.", min, max,
                    o->or_zero ? ", or 0" : "");
}

static bool read_quantity(const struct option *o, const char *text, int64_t *number, char *expected)
{
    const char *rest;
    bool ok;

    if (o->type == OPTION_TYPE_SIZE) {
        (void) snprintf(expected, EXPECTED_MAX, "%s",
                        "Write a size as a whole number with B, KiB, MiB or GiB.");
        ok = read_with_unit(text, size_units, UNIT_COUNT(size_units), number);
    } else if (o->type == OPTION_TYPE_DURATION) {
        (void) snprintf(expected, EXPECTED_MAX, "%s",
                        "Write a duration as a whole number with ms, s, min, h or d.");
        ok = read_with_unit(text, duration_units, UNIT_COUNT(duration_units), number);
    } else {
        (void) snprintf(expected, EXPECTED_MAX, "%s", "Write a whole number.");
        ok = read_number(text, number, &rest) && *rest == '\0';
    }
    if (!ok)
        return false;
    describe_range(o, expected);
    return (*number >= o->min && *number <= o->max) || (o->or_zero && *number == 0);
}

static bool read_bool(const char *text, int64_t *number, char *expected)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

    (void) snprintf(expected, EXPECTED_MAX, "%s", "Write yes or no.");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(text, words[i]) == 0) {
            *number = (int64_t) (i % 2);
            return true;
        }
    return false;
}

static bool read_choice(const char *choices, const char *text, int64_t *number, char *expected)
{
    size_t len = strlen(text);
    int64_t position = 0;

    (void) snprintf(expected, EXPECTED_MAX, "It must be one of %s.", choices);
    for (const char *at = choices;; at++, position++) {
        size_t choice_len = strcspn(at, "|");

        if (choice_len == len && memcmp(at, text, len) == 0) {
            *number = position;
            return true;
        }
        at += choice_len;
        if (*at == '\0')
            return false;
    }
}

static enum err_code add_item(struct setting *s, const char *text, size_t len, struct err *e)
{
    char **grown = reallocarray(s->items, s->item_count + 1, sizeof(*grown));

    if (grown == NULL)
        return err_nomem(e, "a list of settings");
    s->items = grown;
    grown[s->item_count] = strndup(text, len);
    if (grown[s->item_count] == NULL)
        return err_nomem(e, "a list of settings");
    s->item_count++;
    return ERR_OK;
}

/* Items between commas, without the white space around them; an empty one is ERR_USAGE without text. */
static enum err_code read_list(struct setting *s, const char *text, struct err *e)
{
    for (const char *at = text;; at++) {
        const char *end = at + strcspn(at, ",");
        const char *last = end;

        at += strspn(at, " \t");
        while (last > at && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        if (last <= at)
            return ERR_USAGE;
        if (add_item(s, at, (size_t) (last - at), e) != ERR_OK)
            return e->code;
        at = end;
        if (*at == '\0')
            return ERR_OK;
    }
}

static enum err_code absolute_path(const char *text, char **out, struct err *e)
{
    char here[PATH_MAX];

    if (getcwd(here, sizeof(here)) == NULL)
        return err_sys(e, ERR_IO, errno, "could not find out the working directory");
    if (asprintf(out, "%s/%s", strcmp(here, "/") == 0 ? "" : here, text) < 0) {
        *out = NULL;
        return err_nomem(e, "a path");
    }
    return ERR_OK;
}

static enum err_code keep_text(struct setting *s, const char *text, struct err *e)
{
    s->text = strdup(text);
    return s->text == NULL ? err_nomem(e, "a setting") : ERR_OK;
}

/* ERR_USAGE without text: expected says why. */
static enum err_code read_path(struct setting *s, const char *text, const struct origin *origin,
                               char *expected, struct err *e)
{
    if (text[0] == '\0') {
        (void) snprintf(expected, EXPECTED_MAX, "%s", "A path can't be empty.");
        return ERR_USAGE;
    }
    if (text[0] == '/')
        return keep_text(s, text, e);
    if (origin->kind == ORIGIN_ARGUMENT)
        return absolute_path(text, &s->text, e);
    (void) snprintf(
        expected, EXPECTED_MAX, "%s",
        "The path must be absolute: the server runs pitr in its data directory, you run it elsewhere.");
    return ERR_USAGE;
}

/* ERR_USAGE without text: the value is not of the type, expected says what is. */
static enum err_code read_value(const struct option *o, const char *text, const struct origin *origin,
                                struct setting *s, char *expected, struct err *e)
{
    bool ok = true;

    switch (o->type) {
    case OPTION_TYPE_FLAG:
        s->number++;
        return ERR_OK;
    case OPTION_TYPE_PATH:
        return read_path(s, text, origin, expected, e);
    case OPTION_TYPE_REPEATED:
        return add_item(s, text, strlen(text), e);
    case OPTION_TYPE_LIST:
        (void) snprintf(expected, EXPECTED_MAX, "%s", "Write names separated by commas.");
        return read_list(s, text, e);
    case OPTION_TYPE_STRING:
        break;
    case OPTION_TYPE_BOOL:
        ok = read_bool(text, &s->number, expected);
        break;
    case OPTION_TYPE_INT:
    case OPTION_TYPE_SIZE:
    case OPTION_TYPE_DURATION:
        ok = read_quantity(o, text, &s->number, expected);
        break;
    case OPTION_TYPE_ENUM:
        ok = read_choice(o->choices, text, &s->number, expected);
        break;
    }
    return ok ? keep_text(s, text, e) : ERR_USAGE;
}

static void setting_clear(struct setting *s)
{
    free(s->text);
    for (size_t i = 0; i < s->item_count; i++)
        free(s->items[i]);
    free(s->items);
    *s = (struct setting){.is_given = false};
}

static bool may_repeat(const struct option *o)
{
    return o->type == OPTION_TYPE_FLAG || o->type == OPTION_TYPE_REPEATED;
}

enum err_code settings_give(struct settings *s, enum option_id id, const char *text,
                            const struct origin *origin, struct err *e)
{
    const struct option *o = option_at(id);
    struct setting *to = &s->at[id];
    char expected[EXPECTED_MAX] = "";
    char where[ORIGIN_TEXT_MAX], before[ORIGIN_TEXT_MAX];
    enum err_code code;

    origin_format(origin, where);
    if (to->is_given && !may_repeat(o)) {
        origin_format(&to->origin, before);
        if (origin->kind == ORIGIN_ARGUMENT)
            return err_set(e, ERR_USAGE, "%s is given twice", where);
        return err_set(e, ERR_USAGE, "%s: \"%s\" is set twice, first in %s", where, o->name, before);
    }
    code = read_value(o, text, origin, to, expected, e);
    if (code == ERR_USAGE) {
        setting_clear(to);
        err_set(e, ERR_USAGE, "%s: invalid value for \"%s\": \"%s\"", where, o->name,
                o->is_secret ? "…" : text);
        return err_hint(e, "%s", expected);
    }
    if (code != ERR_OK)
        return code;
    to->is_given = true;
    to->origin = *origin;
    return ERR_OK;
}

enum err_code settings_defaults(struct settings *s, struct err *e)
{
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const char *fallback = option_at((enum option_id) id)->fallback;

        if (fallback != NULL && settings_give(s, (enum option_id) id, fallback,
                                              &(struct origin){.kind = ORIGIN_DEFAULT}, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

enum err_code settings_environment(struct settings *s, settings_lookup *lookup, struct err *e)
{
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const char *variable = option_at((enum option_id) id)->environment;
        const char *text = variable == NULL ? NULL : lookup(variable);
        struct origin origin = {.kind = ORIGIN_ENVIRONMENT, .name = variable};

        if (text != NULL && *text != '\0' &&
            settings_give(s, (enum option_id) id, text, &origin, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

void settings_clear(struct settings *s)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        setting_clear(&s->at[i]);
}

const struct setting *settings_pick(const struct settings_layers *l, enum option_id id)
{
    static const struct setting not_given = {.is_given = false};

    for (size_t i = 0; i < SETTINGS_LAYERS_MAX; i++)
        if (l->layer[i] != NULL && l->layer[i]->at[id].is_given)
            return &l->layer[i]->at[id];
    return &not_given;
}

const char *settings_text(const struct settings_layers *l, enum option_id id)
{
    return settings_pick(l, id)->text;
}

int64_t settings_number(const struct settings_layers *l, enum option_id id)
{
    return settings_pick(l, id)->number;
}
