/*
 * pg/basebackup_command.c - see pg/basebackup_command.h.
 */
#include "pg/basebackup_command.h"

#include "pg/label.h"

#include <ctype.h>
#include <string.h>

static enum err_code check_options(const struct basebackup_options *o, const char *label, struct err *e)
{
    for (const char *c = label; *c != '\0'; c++)
        if (iscntrl((unsigned char) *c))
            return err_set(e, ERR_USAGE, "the backup's label must be one line without control characters");
    if (label[0] == '\0' || strlen(label) > LABEL_NAME_MAX - 1)
        return err_set(e, ERR_USAGE, "the backup's label must have 1 to %d bytes", LABEL_NAME_MAX - 1);
    if (o->max_rate_kb != 0 &&
        (o->max_rate_kb < BASEBACKUP_MIN_RATE_KB || o->max_rate_kb > BASEBACKUP_MAX_RATE_KB))
        return err_set(e, ERR_USAGE, "the rate limit must be between %d and %d kB/s", BASEBACKUP_MIN_RATE_KB,
                       BASEBACKUP_MAX_RATE_KB);
    return ERR_OK;
}

/* The grammar's only escape: a quote is doubled. */
static enum err_code put_literal(struct buf *out, const char *text, struct err *e)
{
    if (buf_puts(out, "'", e) != ERR_OK)
        return e->code;
    for (const char *c = text; *c != '\0'; c++)
        if (buf_append(out, *c == '\'' ? "''" : c, *c == '\'' ? 2 : 1, e) != ERR_OK)
            return e->code;
    return buf_puts(out, "'", e);
}

static enum err_code put_keywords(const struct basebackup_options *o, const char *label, struct buf *out,
                                  struct err *e)
{
    if (buf_puts(out, "BASE_BACKUP LABEL ", e) != ERR_OK || put_literal(out, label, e) != ERR_OK ||
        buf_puts(out, " PROGRESS", e) != ERR_OK)
        return e->code;
    if (o->fast_checkpoint && buf_puts(out, " FAST", e) != ERR_OK)
        return e->code;
    if (buf_puts(out, " NOWAIT", e) != ERR_OK)
        return e->code;
    if (o->max_rate_kb != 0 && buf_printf(out, e, " MAX_RATE %u", o->max_rate_kb) != ERR_OK)
        return e->code;
    return buf_puts(out, " MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'", e);
}

static enum err_code put_parentheses(const struct basebackup_options *o, const char *label, struct buf *out,
                                     struct err *e)
{
    if (buf_puts(out, "BASE_BACKUP (LABEL ", e) != ERR_OK || put_literal(out, label, e) != ERR_OK)
        return e->code;
    if (buf_printf(out, e, ", PROGRESS true, CHECKPOINT '%s', WAIT false",
                   o->fast_checkpoint ? "fast" : "spread") != ERR_OK)
        return e->code;
    if (o->max_rate_kb != 0 && buf_printf(out, e, ", MAX_RATE %u", o->max_rate_kb) != ERR_OK)
        return e->code;
    return buf_puts(out, ", VERIFY_CHECKSUMS true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C')", e);
}

enum err_code basebackup_command(const struct basebackup_options *o, int server_version, struct buf *out,
                                 struct err *e)
{
    const char *label = o->label != NULL ? o->label : "pitr";

    if (check_options(o, label, e) != ERR_OK)
        return e->code;
    return server_version >= BASEBACKUP_MARKED_SINCE ? put_parentheses(o, label, out, e)
                                                     : put_keywords(o, label, out, e);
}
