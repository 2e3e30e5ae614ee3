/*
 * cli/log_options.c - see cli/log_options.h.
 */
#include "cli/log_options.h"

#include "base/timestamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum err_code read_bound(const struct settings *s, enum option_id id, struct log_bound *out,
                                struct err *e)
{
    const char *text = s->at[id].text;
    struct err not_lsn = ERR_NONE;

    if (!s->at[id].is_given)
        return ERR_OK;
    if (lsn_parse(text, &out->position, &not_lsn) == ERR_OK) {
        out->kind = LOG_LSN;
        return ERR_OK;
    }
    if (strchr(text, '/') != NULL) /* no time has one */
        return err_set(e, ERR_USAGE, "option --%s: invalid LSN \"%s\"", option_at(id)->name, text);
    out->kind = LOG_TIME;
    if (timestamp_parse(text, s->at[OPTION_TIMEZONE].text, &out->time_us, e) == ERR_OK)
        return ERR_OK;
    e->code = ERR_USAGE;
    return err_while(e, "option --%s", option_at(id)->name);
}

/* Decimal, or with 0x in front hexadecimal, as file names have timelines. */
static bool read_number(const char *text, bool hex_allowed, uint32_t *out)
{
    bool is_hex = hex_allowed && strncmp(text, "0x", 2) == 0;
    const char *digits = is_hex ? text + 2 : text;
    unsigned long long number;

    if (digits[0] == '\0' || digits[strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789")] != '\0')
        return false;
    errno = 0;
    number = strtoull(digits, NULL, is_hex ? 16 : 10);
    if (errno != 0 || number == 0 || number > UINT32_MAX)
        return false;
    *out = (uint32_t) number;
    return true;
}

static enum err_code read_timeline(const struct settings *s, uint32_t *out, struct err *e)
{
    const struct setting *given = &s->at[OPTION_TIMELINE];

    if (!given->is_given || strcmp(given->text, "latest") == 0)
        return ERR_OK;
    /* "00000010" may be 10 or, copied from a file's name, 16: not to be guessed. */
    if ((given->text[0] != '0' || given->text[1] == 'x') && read_number(given->text, true, out))
        return ERR_OK;
    err_set(e, ERR_USAGE, "option --timeline: invalid timeline \"%s\"", given->text);
    return err_hint(
        e, "%s",
        "Write latest, or its number: decimal, or hexadecimal with 0x in front as file names have it.");
}

static enum err_code read_xid(const struct settings *s, uint32_t *out, struct err *e)
{
    const struct setting *given = &s->at[OPTION_XID];

    if (!given->is_given || read_number(given->text, false, out))
        return ERR_OK;
    err_set(e, ERR_USAGE, "option --xid: invalid transaction ID \"%s\"", given->text);
    return err_hint(e, "%s", "Write it as a decimal number, without its epoch, up to 4294967295.");
}

/* Where one is a time and the other an LSN, only the archive knows. */
static enum err_code check_order(const struct log_bound *since, const struct log_bound *until, struct err *e)
{
    if (since->kind != until->kind || (since->kind == LOG_TIME && since->time_us <= until->time_us) ||
        (since->kind == LOG_LSN && since->position <= until->position) || since->kind == LOG_OPEN)
        return ERR_OK;
    return err_set(e, ERR_USAGE, "option --since lies behind --until");
}

/* A summary counts all there is: what picks single events is not with it. */
static enum err_code check_summary(const struct settings *s, struct err *e)
{
    static const enum option_id others[] = {OPTION_DROPS, OPTION_RESTORE_POINTS, OPTION_ALL, OPTION_XID};

    if (!s->at[OPTION_SUMMARY].is_given)
        return s->at[OPTION_EVERY].is_given
                   ? err_set(e, ERR_USAGE, "option --every is given without --summary")
                   : ERR_OK;
    if (s->at[OPTION_EVERY].is_given && s->at[OPTION_EVERY].number % 1000 != 0)
        return err_set(e, ERR_USAGE, "option --every: not a whole number of seconds");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (s->at[others[i]].is_given)
            return err_set(e, ERR_USAGE, "options --summary and --%s can't be given together",
                           option_at(others[i])->name);
    return ERR_OK;
}

enum err_code log_options_from_settings(const struct settings *s, struct log_options *out, struct err *e)
{
    struct log_options o = {
        .repo = s->at[OPTION_REPO].text,
        .drops = s->at[OPTION_DROPS].is_given,
        .restore_points = s->at[OPTION_RESTORE_POINTS].is_given,
        .all = s->at[OPTION_ALL].is_given,
        .summary = s->at[OPTION_SUMMARY].is_given,
        .every_us = s->at[OPTION_EVERY].is_given ? s->at[OPTION_EVERY].number * 1000 : 0,
    };

    if (check_summary(s, e) != ERR_OK || read_bound(s, OPTION_SINCE, &o.since, e) != ERR_OK ||
        read_bound(s, OPTION_LOG_UNTIL, &o.until, e) != ERR_OK ||
        check_order(&o.since, &o.until, e) != ERR_OK || read_timeline(s, &o.timeline, e) != ERR_OK ||
        read_xid(s, &o.xid, e) != ERR_OK)
        return e->code;
    *out = o;
    return ERR_OK;
}
