/*
 * cli/print_windows.c - see cli/print_windows.h.
 *
 * A line for each piece: first the times, which people ask for, then the rest. A hole has no times of its own: it lasts
 * from the last moment of the window before it to the first of the next.
 */
#include "cli/print_windows.h"

#include "base/timestamp.h"
#include "cli/output.h"

#include <inttypes.h>

#define CAUSE_MAX 256

static const char *const cause_names[] = {[HOLE_GAP] = "segments-missing",
                                          [HOLE_BEFORE] = "before-first-backup",
                                          [HOLE_NO_BACKUP] = "no-backup-behind-gap",
                                          [HOLE_NEVER] = "no-backup",
                                          [HOLE_NO_HISTORY] = "history-missing"};

/* The newest moment of a window: its last transaction, or the end of the backup when none follows. */
static int64_t newest(const struct window *w)
{
    return w->has_last ? w->last_us : w->backup->stop_us;
}

static const struct window *window_beside(const struct windows_timeline *t, size_t i, int step)
{
    if ((step < 0 && i == 0) || (step > 0 && i + 1 == t->count))
        return NULL;
    return t->pieces[step < 0 ? i - 1 : i + 1].is_hole ? NULL : &t->pieces[step < 0 ? i - 1 : i + 1].window;
}

static const struct window *last_window(const struct windows_timeline *t)
{
    for (size_t i = t->count; i > 0; i--)
        if (!t->pieces[i - 1].is_hole)
            return &t->pieces[i - 1].window;
    return NULL;
}

/* ---- causes ---- */

/* Of how many places of a hole segments are missing, and how many; *first is the first place, NULL where none is. */
static uint64_t missing_segments(const struct hole *h, size_t *count, const struct window_gap **first)
{
    uint64_t sum = 0;

    *count = 0;
    *first = NULL;
    for (size_t i = 0; i < h->gap_count; i++) {
        const struct window_gap *gap = &h->gaps[i];

        if (gap->last < gap->first)
            continue;
        sum += gap->last - gap->first + 1;
        if ((*count)++ == 0)
            *first = gap;
    }
    return sum;
}

static const struct window_gap *first_damage(const struct hole *h)
{
    for (size_t i = 0; i < h->gap_count; i++)
        if (h->gaps[i].damaged_at != 0)
            return &h->gaps[i];
    return NULL;
}

/* "segment A missing", "2 segments missing, A to B", "9 segments missing in 3 places, the first A to B". */
static void missing_format(const struct hole *h, uint32_t segment_bytes, char *out, size_t size)
{
    const struct window_gap *gap;
    size_t count;
    uint64_t missing = missing_segments(h, &count, &gap);
    char first[WALFILE_NAME_MAX], last[WALFILE_NAME_MAX] = "", places[48] = ",";
    const char *to;

    out[0] = '\0';
    if (gap == NULL)
        return;
    to = gap->last > gap->first ? " to " : "";
    walseg_name(gap->first_tli, gap->first, segment_bytes, first);
    if (gap->last > gap->first)
        walseg_name(gap->last_tli, gap->last, segment_bytes, last);
    if (count > 1)
        (void) snprintf(places, sizeof(places), " in %zu places, the first", count);
    if (missing == 1)
        (void) snprintf(out, size, "segment %s missing", first);
    else
        (void) snprintf(out, size, "%" PRIu64 " segments missing%s %s%s%s", missing, places, first, to, last);
}

static void damage_format(lsn at, uint32_t tli, uint64_t number, uint32_t segment_bytes, char *out,
                          size_t size)
{
    char name[WALFILE_NAME_MAX], position[LSN_TEXT_MAX];

    walseg_name(tli, number, segment_bytes, name);
    lsn_format(at, position);
    (void) snprintf(out, size, "WAL damaged at LSN %s in segment %s", position, name);
}

/* What breaks the WAL in a hole: damage, missing segments, or both. */
static void break_format(const struct hole *h, uint32_t segment_bytes, char *out, size_t size)
{
    const struct window_gap *damage = first_damage(h);
    char damaged[CAUSE_MAX / 2] = "", missing[CAUSE_MAX / 2];

    missing_format(h, segment_bytes, missing, sizeof(missing));
    if (damage != NULL)
        damage_format(damage->damaged_at, damage->damaged_tli, damage->first - 1, segment_bytes, damaged,
                      sizeof(damaged));
    (void) snprintf(out, size, "%s%s%s", damaged, damaged[0] != '\0' && missing[0] != '\0' ? "; " : "",
                    missing);
}

static void cause_format(const struct hole *h, uint32_t tli, uint32_t segment_bytes, char out[CAUSE_MAX])
{
    char broken[CAUSE_MAX - 32];

    if (h->cause == HOLE_GAP) {
        break_format(h, segment_bytes, out, CAUSE_MAX);
    } else if (h->cause == HOLE_NO_BACKUP) {
        break_format(h, segment_bytes, broken, sizeof(broken));
        (void) snprintf(out, CAUSE_MAX, "%s, no backup behind it", broken);
    } else if (h->cause == HOLE_NO_HISTORY) {
        (void) snprintf(out, CAUSE_MAX, "history file %08" PRIX32 ".history missing", tli);
    } else {
        (void) snprintf(out, CAUSE_MAX, "%s",
                        h->cause == HOLE_BEFORE ? "WAL before the first backup"
                                                : "no backup whose WAL is whole");
    }
}

static void useless_format(const struct useless_backup *u, uint32_t segment_bytes, char out[CAUSE_MAX])
{
    char name[WALFILE_NAME_MAX];

    if (u->is_other_size) {
        (void) snprintf(out, CAUSE_MAX, "its segments have %" PRIu32 " bytes, not %" PRIu32,
                        u->backup->segment_bytes, segment_bytes);
        return;
    }
    if (u->damaged_at != 0) {
        damage_format(u->damaged_at, u->missing_tli, u->missing, segment_bytes, out, CAUSE_MAX);
        return;
    }
    walseg_name(u->missing_tli, u->missing, segment_bytes, name);
    (void) snprintf(out, CAUSE_MAX, "segment %s of its own WAL missing", name);
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

static void print_head(const struct windows_timeline *t, int indent, int64_t now_us, FILE *out)
{
    const struct window *w = last_window(t);
    char position[LSN_TEXT_MAX], age[OUTPUT_TEXT_MAX];

    fprintf(out, "%*s%s on timeline %" PRIu32, indent, "",
            w != NULL ? "Restorable" : "Nothing can be restored", t->tli);
    if (t->parent != 0) {
        lsn_format(t->begin, position);
        fprintf(out, ", which left timeline %" PRIu32 " at %s", t->parent, position);
    }
    if (w != NULL) {
        output_span(now_us > newest(w) ? now_us - newest(w) : 0, age); /* the server's clock may be ahead */
        fprintf(out, "; newest moment %s%s old", w->is_at_least ? "at most " : "", age);
    } else if (t->count == 0 && !t->has_wal) {
        fprintf(out, ": no WAL of its own");
    }
    fprintf(out, "\n");
}

static void print_window(const struct windows_timeline *t, const struct window *w, FILE *out)
{
    char from[TIMESTAMP_TEXT_MAX], to[TIMESTAMP_TEXT_MAX], begin[LSN_TEXT_MAX], end[LSN_TEXT_MAX];

    timestamp_format(w->backup->stop_us, from);
    timestamp_format(newest(w), to);
    lsn_format(w->backup->stop_lsn, begin);
    lsn_format(w->end, end);
    if (w->has_last)
        fprintf(out, "%-29s to %-29s%s", from, to, w->is_at_least ? " or later" : "");
    else
        fprintf(out, "%-29s %-32s", from,
                w->is_at_least ? "or later: not looked up" : "only: no transaction follows");
    fprintf(out, "  LSN %s to %s, from backup %s", begin, end, w->backup->id);
    if (w->backup->timeline != t->tli)
        fprintf(out, " on timeline %" PRIu32, w->backup->timeline);
    fprintf(out, "\n");
}

static void print_hole(const struct windows_timeline *t, size_t i, uint32_t segment_bytes, FILE *out)
{
    const struct hole *h = &t->pieces[i].hole;
    const struct window *before = window_beside(t, i, -1), *behind = window_beside(t, i, 1);
    char from[TIMESTAMP_TEXT_MAX], to[TIMESTAMP_TEXT_MAX], begin[LSN_TEXT_MAX], end[LSN_TEXT_MAX];
    char cause[CAUSE_MAX];

    timestamp_format(before != NULL ? newest(before) : 0, from);
    timestamp_format(behind != NULL ? behind->backup->stop_us : 0, to);
    lsn_format(h->from, begin);
    lsn_format(h->to, end);
    cause_format(h, t->tli, segment_bytes, cause);
    fprintf(out, "%-29s %s %-29s  HOLE, LSN %s to %s: %s\n", before != NULL ? from : "",
            behind != NULL ? "to" : (before != NULL ? "on" : "  "), behind != NULL ? to : "", begin, end,
            cause);
}

static void print_timeline(const struct windows_timeline *t, uint32_t segment_bytes, int indent,
                           int64_t now_us, FILE *out)
{
    char cause[CAUSE_MAX];

    print_head(t, indent, now_us, out);
    for (size_t i = 0; i < t->count; i++) {
        fprintf(out, "%*s", indent + 2, "");
        if (t->pieces[i].is_hole)
            print_hole(t, i, segment_bytes, out);
        else
            print_window(t, &t->pieces[i].window, out);
    }
    for (size_t i = 0; i < t->useless_count; i++) {
        useless_format(&t->useless[i], segment_bytes, cause);
        fprintf(out, "%*sbackup %s can't be restored: %s\n", indent + 2, "", t->useless[i].backup->id, cause);
    }
}

void print_windows(const struct windows *w, int indent, int64_t now_us, FILE *out)
{
    for (size_t i = 0; i < w->count; i++)
        print_timeline(&w->list[i], w->segment_bytes, indent, now_us, out);
    if (w->is_unseen)
        fprintf(out, "%*sNot of all WAL is it known whether it was damaged when it was archived\n", indent,
                "");
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static json_t *window_to_json(const struct window *w, int64_t now_us)
{
    json_t *o =
        json_pack("{s:s, s:I}", "backup", w->backup->id, "backup_timeline", (json_int_t) w->backup->timeline);

    json_set_bytes(o, "backups", w->backups);
    json_set_moment(o, "from", w->backup->stop_us);
    json_set_lsn(o, "from_lsn", w->backup->stop_lsn);
    if (w->has_last)
        json_set_moment(o, "last_transaction", w->last_us);
    json_set_lsn(o, "to_lsn", w->end);
    (void) json_object_set_new(o, "is_at_least", json_boolean(w->is_at_least));
    (void) json_object_set_new(o, "age_us", json_integer(now_us - newest(w)));
    return o;
}

static json_t *gaps_to_json(const struct hole *h, uint32_t segment_bytes)
{
    json_t *list = json_array();

    for (size_t i = 0; i < h->gap_count; i++) {
        const struct window_gap *gap = &h->gaps[i];
        char first[WALFILE_NAME_MAX], last[WALFILE_NAME_MAX];

        if (gap->last < gap->first)
            continue;
        walseg_name(gap->first_tli, gap->first, segment_bytes, first);
        walseg_name(gap->last_tli, gap->last, segment_bytes, last);
        (void) json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "first", first, "last", last,
                                                     "segments", (json_int_t) (gap->last - gap->first + 1)));
    }
    return list;
}

static json_t *damage_to_json(const struct hole *h, uint32_t segment_bytes)
{
    json_t *list = json_array();

    for (size_t i = 0; i < h->gap_count; i++) {
        const struct window_gap *gap = &h->gaps[i];
        char name[WALFILE_NAME_MAX];
        json_t *o;

        if (gap->damaged_at == 0)
            continue;
        walseg_name(gap->damaged_tli, gap->first - 1, segment_bytes, name);
        o = json_pack("{s:s}", "segment", name);
        json_set_lsn(o, "lsn", gap->damaged_at);
        (void) json_array_append_new(list, o);
    }
    return list;
}

static const char *kind_of(const struct hole *h)
{
    return h->cause == HOLE_GAP && h->gaps[0].damaged_at != 0 ? "wal-damaged" : cause_names[h->cause];
}

static json_t *hole_to_json(const struct windows_timeline *t, size_t i, uint32_t segment_bytes)
{
    const struct hole *h = &t->pieces[i].hole;
    const struct window *before = window_beside(t, i, -1), *behind = window_beside(t, i, 1);
    char cause[CAUSE_MAX];
    json_t *o;

    cause_format(h, t->tli, segment_bytes, cause);
    o = json_pack("{s:s, s:s, s:o, s:o}", "kind", kind_of(h), "cause", cause, "missing",
                  gaps_to_json(h, segment_bytes), "damaged", damage_to_json(h, segment_bytes));
    if (before != NULL)
        json_set_moment(o, "from", newest(before));
    json_set_lsn(o, "from_lsn", h->from);
    if (behind != NULL)
        json_set_moment(o, "to", behind->backup->stop_us);
    json_set_lsn(o, "to_lsn", h->to);
    return o;
}

static json_t *useless_to_json(const struct windows_timeline *t, uint32_t segment_bytes)
{
    json_t *list = json_array();

    for (size_t i = 0; i < t->useless_count; i++) {
        const struct useless_backup *u = &t->useless[i];
        const char *kind = u->is_other_size     ? "other-segment-size"
                           : u->damaged_at != 0 ? "wal-damaged"
                                                : "segments-missing";
        char cause[CAUSE_MAX];

        useless_format(u, segment_bytes, cause);
        (void) json_array_append_new(
            list, json_pack("{s:s, s:s, s:s}", "id", u->backup->id, "kind", kind, "cause", cause));
    }
    return list;
}

static json_t *timeline_to_json(const struct windows_timeline *t, uint32_t segment_bytes, int64_t now_us)
{
    json_t *windows = json_array(), *holes = json_array();
    json_t *o;

    for (size_t i = 0; i < t->count; i++)
        (void) json_array_append_new(t->pieces[i].is_hole ? holes : windows,
                                     t->pieces[i].is_hole ? hole_to_json(t, i, segment_bytes)
                                                          : window_to_json(&t->pieces[i].window, now_us));
    o = json_pack("{s:I, s:o, s:o, s:o}", "timeline", (json_int_t) t->tli, "windows", windows, "holes", holes,
                  "useless_backups", useless_to_json(t, segment_bytes));
    if (t->parent != 0) {
        (void) json_object_set_new(o, "parent", json_integer(t->parent));
        json_set_lsn(o, "begin_lsn", t->begin);
    }
    return o;
}

json_t *windows_to_json(const struct windows *w, int64_t now_us)
{
    json_t *list = json_array();

    for (size_t i = 0; i < w->count; i++)
        (void) json_array_append_new(list, timeline_to_json(&w->list[i], w->segment_bytes, now_us));
    return list;
}
