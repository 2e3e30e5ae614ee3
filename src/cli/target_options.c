/*
 * cli/target_options.c - see cli/target_options.h.
 */
#include "cli/target_options.h"

#include "base/timestamp.h"
#include "repo/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES   63 /* MAXFNAMELEN - 1 of PostgreSQL's restore points */
#define XID_FIRST_NORMAL 3  /* below are PostgreSQL's own, which never commit */

static const enum option_id targets[] = {OPTION_TARGET_TIME, OPTION_TARGET_LSN, OPTION_TARGET_XID,
                                         OPTION_TARGET_NAME, OPTION_TARGET_IMMEDIATE};

static bool is_given(const struct settings *s, enum option_id id)
{
    return s->at[id].is_given;
}

/* The one target option that is given; OPTION_COUNT for none. */
static enum err_code find_target(const struct settings *s, enum option_id *out, struct err *e)
{
    *out = OPTION_COUNT;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (!is_given(s, targets[i]))
            continue;
        if (*out != OPTION_COUNT) {
            err_set(e, ERR_USAGE, "options --%s and --%s exclude each other", option_at(*out)->name,
                    option_at(targets[i])->name);
            return err_hint(e, "%s", "A restore has one target: give exactly one, or none for all there is.");
        }
        *out = targets[i];
    }
    return ERR_OK;
}

/* A whole text of digits, in base 10 or, with 0x in front and where allowed, 16. */
static bool read_unsigned(const char *text, bool hex_allowed, uint64_t *out)
{
    bool is_hex = hex_allowed && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = is_hex ? text + 2 : text;
    char *end;

    if (digits[0] == '\0' || digits[strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789")] != '\0')
        return false;
    errno = 0;
    *out = strtoull(digits, &end, is_hex ? 16 : 10);
    return errno == 0;
}

static enum err_code read_time(const struct settings *s, struct target *t, struct err *e)
{
    if (timestamp_parse(s->at[OPTION_TARGET_TIME].text, s->at[OPTION_TIMEZONE].text, &t->time_us, e) ==
        ERR_OK)
        return ERR_OK;
    e->code = ERR_USAGE;
    return err_while(e, "option --target-time");
}

static enum err_code read_lsn(const struct settings *s, struct target *t, struct err *e)
{
    const char *text = s->at[OPTION_TARGET_LSN].text;

    if (lsn_parse(text, &t->lsn, e) == ERR_OK && t->lsn != 0)
        return ERR_OK;
    err_set(e, ERR_USAGE, "option --target-lsn: invalid LSN \"%s\"", text);
    return err_hint(e, "%s", "Write it as PostgreSQL shows it, as in 16/B374D848.");
}

static enum err_code read_xid(const struct settings *s, struct target *t, struct err *e)
{
    const char *text = s->at[OPTION_TARGET_XID].text;
    uint64_t xid;

    if (!read_unsigned(text, false, &xid)) {
        err_set(e, ERR_USAGE, "option --target-xid: invalid transaction ID \"%s\"", text);
        return err_hint(e, "%s", "Write it as a decimal number.");
    }
    if (xid > UINT32_MAX) {
        err_set(e, ERR_USAGE, "option --target-xid: transaction ID %s is larger than 4294967295", text);
        return err_hint(
            e,
            "WAL knows 32-bit transaction IDs only; without its epoch this one is %llu. Say so if you "
            "mean that one.",
            (unsigned long long) (xid & UINT32_MAX));
    }
    if (xid < XID_FIRST_NORMAL) {
        err_set(e, ERR_USAGE, "option --target-xid: transaction ID %s is not one of a user's transaction",
                text);
        return err_hint(e, "The first one PostgreSQL gives is %d.", XID_FIRST_NORMAL);
    }
    t->xid = (uint32_t) xid;
    return ERR_OK;
}

static enum err_code read_name(const struct settings *s, struct target *t, struct err *e)
{
    t->name = s->at[OPTION_TARGET_NAME].text;
    if (t->name[0] == '\0')
        return err_set(e, ERR_USAGE, "option --target-name: the name of a restore point can't be empty");
    if (strlen(t->name) <= NAME_MAX_BYTES)
        return ERR_OK;
    err_set(e, ERR_USAGE, "option --target-name: the name has more than %d bytes", NAME_MAX_BYTES);
    return err_hint(e, "%s", "PostgreSQL cuts the names of restore points there.");
}

static enum err_code read_target(const struct settings *s, enum option_id which, struct target *t,
                                 struct err *e)
{
    switch (which) {
    case OPTION_TARGET_TIME:
        t->kind = TARGET_TIME;
        return read_time(s, t, e);
    case OPTION_TARGET_LSN:
        t->kind = TARGET_LSN;
        return read_lsn(s, t, e);
    case OPTION_TARGET_XID:
        t->kind = TARGET_XID;
        return read_xid(s, t, e);
    case OPTION_TARGET_NAME:
        t->kind = TARGET_NAME;
        return read_name(s, t, e);
    case OPTION_TARGET_IMMEDIATE:
        t->kind = TARGET_IMMEDIATE;
        return ERR_OK;
    default:
        t->kind = TARGET_LATEST;
        return ERR_OK;
    }
}

static enum err_code read_timeline(const struct settings *s, struct target *t, struct err *e)
{
    const char *text = is_given(s, OPTION_TARGET_TIMELINE) ? s->at[OPTION_TARGET_TIMELINE].text
                                                           : option_at(OPTION_TARGET_TIMELINE)->fallback;
    uint64_t number;

    t->timeline = TIMELINE_LATEST;
    if (strcmp(text, "latest") == 0)
        return ERR_OK;
    t->timeline = TIMELINE_CURRENT;
    if (strcmp(text, "current") == 0)
        return ERR_OK;
    t->timeline = TIMELINE_NUMBER;
    /* "00000010" may be 10 or, copied from a file's name, 16: not to be guessed. */
    if (!read_unsigned(text, true, &number) || number == 0 || number > UINT32_MAX ||
        (text[0] == '0' && text[1] != 'x' && text[1] != 'X')) {
        err_set(e, ERR_USAGE, "option --target-timeline: invalid timeline \"%s\"", text);
        return err_hint(e, "%s",
                        "Write latest, current, or its number: decimal, or hexadecimal with 0x in front as "
                        "file names have it.");
    }
    t->timeline_number = (uint32_t) number;
    return ERR_OK;
}

/* Options that say something about a target only some targets have. */
static enum err_code check_company(const struct settings *s, struct target *t, struct err *e)
{
    const struct setting *action = &s->at[OPTION_TARGET_ACTION];

    t->exclusive = is_given(s, OPTION_EXCLUSIVE);
    if (t->exclusive && t->kind != TARGET_TIME && t->kind != TARGET_LSN && t->kind != TARGET_XID) {
        err_set(e, ERR_USAGE, "option --exclusive needs --target-time, --target-lsn or --target-xid");
        return err_hint(e, "%s",
                        "PostgreSQL can end just before a time, an LSN or a transaction, not before anything "
                        "else.");
    }
    t->or_latest = is_given(s, OPTION_OR_LATEST);
    if (t->or_latest && t->kind != TARGET_TIME) {
        err_set(e, ERR_USAGE, "option --or-latest needs --target-time");
        return err_hint(e, "%s", "It allows a time after the last archived commit.");
    }
    t->action = t->kind == TARGET_LATEST ? ACTION_PROMOTE : ACTION_PAUSE;
    if (!action->is_given)
        return ERR_OK;
    t->action = (enum target_action) action->number;
    if (t->kind != TARGET_LATEST || t->action == ACTION_PROMOTE)
        return ERR_OK;
    err_set(e, ERR_USAGE, "option --target-action %s needs a target", action->text);
    return err_hint(e, "%s", "Without a target recovery ends with the WAL, and PostgreSQL then promotes.");
}

static enum err_code read_backup(const struct settings *s, struct target *t, struct err *e)
{
    t->backup_id = s->at[OPTION_BACKUP].text;
    if (t->backup_id == NULL || backup_id_is_valid(t->backup_id))
        return ERR_OK;
    err_set(e, ERR_USAGE, "option --backup: \"%s\" is not the ID of a backup", t->backup_id);
    return err_hint(e, "%s", "\"pitr list\" shows them; one looks like 20261120T021500Z-1a2b.");
}

enum err_code target_from_settings(const struct settings *s, struct target *out, struct err *e)
{
    struct target t = {.kind = TARGET_LATEST};
    enum option_id which;

    if (find_target(s, &which, e) != ERR_OK || read_target(s, which, &t, e) != ERR_OK ||
        read_timeline(s, &t, e) != ERR_OK || check_company(s, &t, e) != ERR_OK ||
        read_backup(s, &t, e) != ERR_OK)
        return e->code;
    *out = t;
    return ERR_OK;
}
