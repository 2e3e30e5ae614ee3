/*
 * cli/print_log.c - see cli/print_log.h. This file is the text, and what both have in common; the objects are
 * print_log_json.c's.
 *
 * A line is time, LSN, transaction, what. What is advised, and what there is to say besides, stands below it, indented.
 */
#include "cli/print_log.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "cli/print_log_json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NAMES_SHOWN 8

static enum err_code check_out(struct log_print *p, struct err *e)
{
    if (!ferror(p->out))
        return ERR_OK;
    p->is_closed = errno == EPIPE;
    return err_sys(e, ERR_IO, errno, "could not write to standard output");
}

/* ---- what an event did, in words ---- */

/* Of a file in place of another: was it of an index? Nobody knows where no relation but indexes has a name. */
static const char *truncate_text(const struct log_entry *entry)
{
    const struct log_named *named = entry->named;
    bool may_rewrite = entry->did == WALDROPS_TRUNCATE_OR_REWRITE;

    if (entry->is_index_only)
        return "REINDEX";
    for (uint32_t i = 0; i < named->relation_count; i++)
        if (named->relations[i].kind != 0 && named->relations[i].kind != 'i')
            return may_rewrite ? "TRUNCATE or rewrite" : "TRUNCATE";
    return may_rewrite ? "TRUNCATE, rewrite or REINDEX" : "TRUNCATE or REINDEX";
}

static const char *did_text(const struct log_entry *entry)
{
    static const char *const texts[] = {
        [WALDROPS_DROP] = "DROP",
        [WALDROPS_REWRITE] = "rewrite",
        [WALDROPS_UNCLEAR] = "DROP?",
    };

    if (entry->did == WALDROPS_TRUNCATE || entry->did == WALDROPS_TRUNCATE_OR_REWRITE)
        return truncate_text(entry);
    return texts[entry->did];
}

static void print_relation(const struct log_named *named, const struct log_relation *r, FILE *out)
{
    if (r->kind == 0) {
        fprintf(out, "file %" PRIu32 "/%" PRIu32 "/%" PRIu32, r->file.tablespace, r->file.database,
                r->file.relfilenode);
        if (named->backup != NULL)
            fprintf(out, " (unknown: made or rewritten after backup %s)", named->backup);
        return;
    }
    fprintf(out, "%s", r->name);
    if (r->table[0] != '\0')
        fprintf(out, " (part of %s)", r->table);
}

/* Indexes and TOAST of a table that is named go without saying. */
static void print_relations(const struct log_entry *entry, FILE *out)
{
    const struct log_named *named = entry->named;
    uint32_t shown = 0, others = entry->event->relation_count - named->relation_count;

    for (uint32_t i = 0; i < named->relation_count; i++) {
        const struct log_relation *r = &named->relations[i];

        if (r->is_implied)
            continue;
        if (shown == NAMES_SHOWN) {
            others++;
            continue;
        }
        fprintf(out, shown == 0 ? " " : ", ");
        print_relation(named, r, out);
        shown++;
    }
    if (others > 0)
        fprintf(out, ", and %" PRIu32 " more", others);
}

static void print_end(const struct log_entry *entry, FILE *out)
{
    const struct walevent *v = entry->event;

    fprintf(out, "%s%s",
            v->type == WALEVENT_COMMIT ? "commit"
            : v->is_prepared           ? "rollback"
                                       : "abort",
            v->is_prepared ? " prepared" : "");
    if (v->subxact_count > 0)
        fprintf(out, ", %" PRIu32 " subtransaction%s", v->subxact_count, v->subxact_count == 1 ? "" : "s");
    if (entry->named->database[0] != '\0')
        fprintf(out, ", in %s", entry->named->database);
    else if (v->database != 0)
        fprintf(out, ", in database %" PRIu32, v->database);
    if (entry->did != WALDROPS_NONE) {
        fprintf(out, ": %s", did_text(entry));
        print_relations(entry, out);
    }
}

static void print_database(const char *what, const struct log_entry *entry, FILE *out)
{
    if (entry->named->database[0] != '\0')
        fprintf(out, "%s %s", what, entry->named->database);
    else
        fprintf(out, "%s with OID %" PRIu32, what, entry->event->database);
}

static void print_what(const struct log_entry *entry, FILE *out)
{
    const struct walevent *v = entry->event;
    char position[LSN_TEXT_MAX];

    switch (v->type) {
    case WALEVENT_COMMIT:
    case WALEVENT_ABORT:
        print_end(entry, out);
        return;
    case WALEVENT_PREPARE:
        fprintf(out, "prepare");
        return;
    case WALEVENT_RESTORE_POINT:
        fprintf(out, "restore point \"");
        for (const char *c = v->name; *c != '\0'; c++)
            fputc((unsigned char) *c < 0x20 || *c == 0x7f ? '?' : *c, out);
        fputc('"', out);
        return;
    case WALEVENT_BACKUP_END:
        fprintf(out, "end of a backup");
        return;
    case WALEVENT_END_OF_RECOVERY:
        fprintf(out, "end of recovery");
        return;
    case WALEVENT_CREATE_DATABASE:
        print_database("CREATE DATABASE", entry, out);
        return;
    case WALEVENT_DROP_DATABASE:
        print_database(entry->is_remnant ? "remnant removed of database" : "DROP DATABASE", entry, out);
        return;
    case WALEVENT_DROP_TABLESPACE:
        fprintf(out, "DROP TABLESPACE with OID %" PRIu32, v->tablespace);
        return;
    case WALEVENT_SWITCH:
        fprintf(out, "switch to the next segment");
        return;
    default: /* CHECKPOINT: all others are no entries */
        lsn_format(v->redo, position);
        fprintf(out, "checkpoint, redo at %s%s", position, v->is_shutdown ? ", shutdown" : "");
    }
}

/* ---- lines ---- */

static void print_front(int64_t us, bool is_own, lsn at, uint32_t xid, FILE *out)
{
    char time[TIMESTAMP_TEXT_MAX] = "-", position[LSN_TEXT_MAX], number[16] = "-";

    if (us != 0)
        timestamp_format(us, time);
    lsn_format(at, position);
    if (xid != 0)
        (void) snprintf(number, sizeof(number), "%" PRIu32, xid);
    fprintf(out, "%s%-30s %-12s %-10s ", is_own || us == 0 ? " " : "~", time, position, number);
}

/* The restore that ends just before: with what this log itself had to be told. */
static void print_undo(const struct log_print *p, lsn at)
{
    char position[LSN_TEXT_MAX];

    lsn_format(at, position);
    fprintf(p->out, "    to have it back: pitr restore --pgdata DIR --target-lsn %s --exclusive", position);
    if (p->timeline != 0)
        fprintf(p->out, " --target-timeline %" PRIu32, p->timeline);
    if (p->options->repo != NULL)
        fprintf(p->out, " --repo %s", p->options->repo);
    fputc('\n', p->out);
}

/* Before its COMMIT PREPARED a transaction is prepared still: what it dropped is locked. */
static void print_prepared(FILE *out)
{
    fprintf(out, "    and there: ROLLBACK PREPARED, with the gid that pg_prepared_xacts shows for the xid\n");
}

static enum err_code text_entry(void *arg, const struct log_entry *entry, struct err *e)
{
    struct log_print *p = arg;

    print_front(entry->time_us, entry->has_own_time, entry->event->start, entry->event->xid, p->out);
    print_what(entry, p->out);
    fputc('\n', p->out);
    if (entry->can_undo)
        print_undo(p, entry->undo);
    if (entry->can_undo && entry->event->is_prepared)
        print_prepared(p->out);
    return check_out(p, e);
}

static enum err_code text_timeline(void *arg, uint32_t timeline, lsn begin, struct err *e)
{
    struct log_print *p = arg;

    print_front(0, true, begin, 0, p->out);
    fprintf(p->out, "timeline %" PRIu32 " begins\n", timeline);
    return check_out(p, e);
}

static enum err_code text_hole(void *arg, const struct log_hole *hole, struct err *e)
{
    struct log_print *p = arg;

    if (hole->damage != NULL)
        fprintf(p->out, "segment %s is damaged: %s\n", hole->first, hole->damage);
    else if (hole->segments == 1)
        fprintf(p->out, "segment %s is missing\n", hole->first);
    else
        fprintf(p->out, "segments %s to %s are missing (%" PRIu64 ")\n", hole->first, hole->last,
                hole->segments);
    return check_out(p, e);
}

/* ---- what both have in common ---- */

static void tell_bound(const char *word, const struct log_bound *b)
{
    char text[TIMESTAMP_TEXT_MAX];

    if (b->kind == LOG_TIME)
        timestamp_format(b->time_us, text);
    else
        lsn_format(b->position, text);
    if (b->kind != LOG_OPEN)
        log_detail("%s %s", word, text);
}

static enum err_code begin(void *arg, const struct log_source *s, const struct log_range *r, struct err *e)
{
    struct log_print *p = arg;

    (void) e;
    if (s->timelines.count > 1)
        p->timeline = s->path.entries[s->path.count - 1].tli;
    log_info("the log of timeline %" PRIu32 ", from repository \"%s\"%s",
             s->path.entries[s->path.count - 1].tli, s->repo->name,
             r->is_default && r->since.kind == LOG_TIME ? ": the last hour; --since shows more" : "");
    tell_bound("since", &r->since);
    tell_bound("until", &r->until);
    return ERR_OK;
}

static enum err_code pause(void *arg, struct err *e)
{
    struct log_print *p = arg;

    errno = 0;
    (void) fflush(p->out);
    return check_out(p, e);
}

static enum err_code json_entry(void *arg, const struct log_entry *entry, struct err *e)
{
    struct log_print *p = arg;

    if (log_json_line(log_entry_to_json(entry), p->out, e) != ERR_OK)
        return e->code;
    return check_out(p, e);
}

static enum err_code json_timeline(void *arg, uint32_t timeline, lsn at, struct err *e)
{
    struct log_print *p = arg;

    if (log_json_line(log_timeline_to_json(timeline, at), p->out, e) != ERR_OK)
        return e->code;
    return check_out(p, e);
}

static enum err_code json_hole(void *arg, const struct log_hole *hole, struct err *e)
{
    struct log_print *p = arg;

    if (log_json_line(log_hole_to_json(hole), p->out, e) != ERR_OK)
        return e->code;
    return check_out(p, e);
}

struct log_visitor log_print_visitor(struct log_print *p)
{
    return (struct log_visitor){
        .begin = begin,
        .entry = p->is_json ? json_entry : text_entry,
        .timeline = p->is_json ? json_timeline : text_timeline,
        .hole = p->is_json ? json_hole : text_hole,
        .pause = pause,
        .arg = p,
    };
}
