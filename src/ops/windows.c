/*
 * ops/windows.c - see ops/windows.h.
 *
 * For each timeline:
 *   1. the stretches of WAL on its path: of each run of segments what the path takes from that timeline, joined where
 *   one goes
 *      on with the other, and cut behind each segment whose WAL is damaged;
 *   2. in each stretch the first backup to end that lies in it whole: there its window begins;
 *   3. windows and what lies between, from the left, without what lies wholly before the timeline's own beginning.
 */
#include "ops/windows.h"

#include "ops/plan.h"

#include <stdlib.h>

/* A stretch of segments without a gap, and what can be restored in it. */
struct stretch {
    uint64_t first;
    uint64_t last;
    lsn damaged_at;                   /* in the last one; 0 = it is whole */
    const struct backup_info *backup; /* the first to end in it; NULL = none */
    size_t backups;
};

struct stretches {
    struct stretch *list;
    size_t count;
};

static void stretches_clear(struct stretches *s)
{
    free(s->list);
    *s = (struct stretches){.count = 0};
}

static void timeline_windows_clear(struct windows_timeline *t)
{
    free(t->pieces);
    free(t->useless);
    free(t->gaps);
}

void windows_clear(struct windows *w)
{
    for (size_t i = 0; i < w->count; i++)
        timeline_windows_clear(&w->list[i]);
    free(w->list);
    *w = (struct windows){.count = 0};
}

/* ---- stretches ---- */

static lsn end_of(const struct stretch *s, uint32_t segment_bytes)
{
    return s->damaged_at != 0 ? s->damaged_at : walseg_start(s->last + 1, segment_bytes);
}

static void stretch_add(struct stretches *s, uint64_t first, uint64_t last)
{
    struct stretch *before = s->count > 0 ? &s->list[s->count - 1] : NULL;

    if (before != NULL && before->last + 1 == first && before->damaged_at == 0)
        before->last = last;
    else
        s->list[s->count++] = (struct stretch){.first = first, .last = last};
}

/* Segments [first, last] of one timeline, cut where WAL breaks off. */
static void add_segments(const struct windows_facts *f, uint32_t tli, uint64_t first, uint64_t last,
                         struct stretches *s)
{
    while (first <= last) {
        const struct wal_break *b = f->breaks != NULL ? wal_breaks_in(f->breaks, tli, first, last) : NULL;

        stretch_add(s, first, b != NULL ? b->number : last);
        if (b == NULL)
            return;
        s->list[s->count - 1].damaged_at = b->end;
        first = b->number + 1;
    }
}

/* What the path takes of the runs of one of its timelines. */
static void add_entry(const struct timeline_entry *entry, const struct windows_facts *f, struct stretches *s)
{
    uint64_t begin = walseg_number(entry->begin, f->segment_bytes);
    uint64_t limit = plan_stretch_limit(entry, f->segment_bytes);

    for (size_t i = 0; i < f->runs->count; i++) {
        const struct wal_run *run = &f->runs->list[i];
        uint64_t first = run->first > begin ? run->first : begin;
        uint64_t last = run->last < limit ? run->last : limit - 1;

        if (run->tli == entry->tli && first < limit)
            add_segments(f, run->tli, first, last, s);
    }
}

/* Of each timeline each run is taken once at most, and cut at each break once. */
static enum err_code find_stretches(const struct timeline_path *path, const struct windows_facts *f,
                                    struct stretches *out, struct err *e)
{
    const size_t breaks = f->breaks != NULL ? f->breaks->count : 0;

    out->list = calloc(f->runs->count + breaks + 1, sizeof(*out->list));
    if (out->list == NULL)
        return err_nomem(e, "a list of stretches of WAL");
    for (size_t i = 0; i < path->count; i++)
        add_entry(&path->entries[i], f, out);
    return ERR_OK;
}

/* ---- backups ---- */

static struct stretch *stretch_at(const struct stretches *s, uint64_t number)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].first <= number && number <= s->list[i].last)
            return &s->list[i];
    return NULL;
}

/* The stretch that holds a backup's own WAL; NULL when that is not whole, and then the first segment that is not. */
static struct stretch *stretch_of_backup(const struct stretches *s, const struct backup_info *b,
                                         struct useless_backup *useless)
{
    struct stretch *found = stretch_at(s, walseg_number(b->start_lsn, b->segment_bytes));

    if (found != NULL && b->stop_lsn <= end_of(found, b->segment_bytes))
        return found;
    useless->missing = walseg_number(b->start_lsn, b->segment_bytes);
    if (found == NULL)
        return NULL;
    useless->damaged_at = found->damaged_at;
    useless->missing = found->damaged_at != 0 ? found->last : found->last + 1;
    return NULL;
}

static void add_backup(struct stretch *s, const struct backup_info *b)
{
    s->backups++;
    if (s->backup == NULL || b->stop_lsn < s->backup->stop_lsn)
        s->backup = b;
}

/* Each backup on the path begins a window, lies in one, or can't be restored: that is told of its own timeline. */
static enum err_code place_backups(const struct timeline_path *path, const struct windows_facts *f,
                                   struct stretches *s, struct windows_timeline *t, struct err *e)
{
    t->useless = calloc(f->backups->count + 1, sizeof(*t->useless));
    if (t->useless == NULL)
        return err_nomem(e, "a list of backups");
    for (size_t i = 0; i < f->backups->count; i++) {
        const struct backup_info *b = &f->backups->list[i];
        struct useless_backup useless = {.backup = b, .is_other_size = b->segment_bytes != f->segment_bytes};
        struct stretch *found;

        if (!plan_is_on_path(path, b))
            continue;
        found = useless.is_other_size ? NULL : stretch_of_backup(s, b, &useless);
        if (found != NULL) {
            add_backup(found, b);
        } else if (b->timeline == t->tli) {
            useless.missing_tli = timeline_of_segment(path, useless.missing, f->segment_bytes);
            t->useless[t->useless_count++] = useless;
        }
    }
    return ERR_OK;
}

/* ---- windows and holes ---- */

/* What ends a stretch. next: the one behind it; NULL = there is none, and no segment is known to be missing. */
static struct window_gap gap_behind(const struct timeline_path *path, uint32_t segment_bytes,
                                    const struct stretch *s, const struct stretch *next)
{
    struct window_gap gap = {.first = s->last + 1, .last = next != NULL ? next->first - 1 : s->last};

    gap.first_tli = timeline_of_segment(path, gap.first, segment_bytes);
    gap.last_tli = timeline_of_segment(path, gap.last, segment_bytes);
    gap.damaged_at = s->damaged_at;
    gap.damaged_tli = timeline_of_segment(path, s->last, segment_bytes);
    return gap;
}

/* One behind each stretch; that of the last counts where it is damaged. */
static enum err_code find_gaps(const struct timeline_path *path, uint32_t segment_bytes,
                               const struct stretches *s, struct windows_timeline *t, struct err *e)
{
    t->gaps = calloc(s->count + 1, sizeof(*t->gaps));
    if (t->gaps == NULL)
        return err_nomem(e, "a list of gaps");
    for (size_t i = 0; i < s->count; i++)
        t->gaps[i] = gap_behind(path, segment_bytes, &s->list[i], i + 1 < s->count ? &s->list[i + 1] : NULL);
    return ERR_OK;
}

static struct window window_of(const struct stretch *s, uint32_t segment_bytes)
{
    return (struct window){.backup = s->backup,
                           .backups = s->backups,
                           .first = walseg_number(s->backup->start_lsn, segment_bytes),
                           .last = s->last,
                           .end = end_of(s, segment_bytes)};
}

/* What lies before the timeline's own beginning is not its own. */
static void add_hole(struct windows_timeline *t, struct hole hole)
{
    if (hole.from < t->begin)
        hole.from = t->begin;
    if (hole.from < hole.to)
        t->pieces[t->count++] = (struct window_piece){.is_hole = true, .hole = hole};
}

static void add_window(struct windows_timeline *t, struct window window)
{
    if (window.end > t->begin)
        t->pieces[t->count++] = (struct window_piece){.window = window};
}

/* The hole in front of the window of stretch i. before: the last stretch with a window in front of it; NULL = none. */
static void add_hole_before(struct windows_timeline *t, const struct stretches *s, size_t i,
                            const struct stretch *before, uint32_t segment_bytes)
{
    const struct stretch *at = &s->list[i];
    struct hole hole = {.to = at->backup->stop_lsn};
    size_t from = 0;

    if (before != NULL) {
        from = (size_t) (before - s->list);
        hole.from = end_of(before, segment_bytes);
    } else {
        if (s->list[0].first >= walseg_number(at->backup->start_lsn, segment_bytes))
            return; /* nothing but the backup's own WAL */
        hole.cause = HOLE_BEFORE;
        hole.from = walseg_start(s->list[0].first, segment_bytes);
    }
    hole.gaps = t->gaps + from;
    hole.gap_count = i - from;
    add_hole(t, hole);
}

/* What lies behind the last window, or everything when there is none. */
static void add_hole_behind(struct windows_timeline *t, const struct stretches *s,
                            const struct stretch *before, uint32_t segment_bytes)
{
    const size_t last = s->count - 1;
    const size_t from = before != NULL ? (size_t) (before - s->list) : 0;
    struct hole hole = {.cause = before != NULL ? HOLE_NO_BACKUP : HOLE_NEVER,
                        .to = walseg_start(s->list[last].last + 1, segment_bytes),
                        .gaps = t->gaps + from,
                        .gap_count = last - from + (s->list[last].damaged_at != 0)};

    if (before != NULL && hole.gap_count == 0)
        return;
    hole.from =
        before != NULL ? end_of(before, segment_bytes) : walseg_start(s->list[0].first, segment_bytes);
    add_hole(t, hole);
}

static enum err_code add_pieces(struct windows_timeline *t, const struct stretches *s, uint32_t segment_bytes,
                                struct err *e)
{
    const struct stretch *before = NULL;

    t->pieces = calloc(2 * s->count + 1, sizeof(*t->pieces));
    if (t->pieces == NULL)
        return err_nomem(e, "a list of windows");
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].backup == NULL)
            continue;
        add_hole_before(t, s, i, before, segment_bytes);
        add_window(t, window_of(&s->list[i], segment_bytes));
        before = &s->list[i];
    }
    if (s->count > 0)
        add_hole_behind(t, s, before, segment_bytes);
    return ERR_OK;
}

/* Without its history nobody knows where a timeline began; its server would not start without it either. */
static enum err_code add_unknown(struct windows_timeline *t, const struct stretches *s,
                                 uint32_t segment_bytes, struct err *e)
{
    t->pieces = calloc(1, sizeof(*t->pieces));
    if (t->pieces == NULL)
        return err_nomem(e, "a list of windows");
    if (s->count > 0)
        add_hole(t, (struct hole){.cause = HOLE_NO_HISTORY,
                                  .from = walseg_start(s->list[0].first, segment_bytes),
                                  .to = walseg_start(s->list[s->count - 1].last + 1, segment_bytes)});
    return ERR_OK;
}

/* ---- timelines ---- */

static enum err_code find_on_timeline(const struct wal_timeline *timeline, const struct windows_facts *f,
                                      struct windows_timeline *t, struct err *e)
{
    CLEANUP(stretches_clear) struct stretches s = {.count = 0};
    const struct timeline_path *path = &timeline->path;
    const bool is_known = wal_timeline_can_be_followed(timeline);

    t->has_wal = timeline->has_segments;
    t->begin = path->entries[path->count - 1].begin;
    t->parent = path->count > 1 ? path->entries[path->count - 2].tli : 0;
    if (find_stretches(path, f, &s, e) != ERR_OK || place_backups(path, f, &s, t, e) != ERR_OK)
        return e->code;
    if (!is_known)
        return add_unknown(t, &s, f->segment_bytes, e);
    if (find_gaps(path, f->segment_bytes, &s, t, e) != ERR_OK)
        return e->code;
    return add_pieces(t, &s, f->segment_bytes, e);
}

static bool has_timeline(const struct windows *w, uint32_t tli)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->list[i].tli == tli)
            return true;
    return false;
}

/* A timeline of which nothing but backups is there. */
static enum err_code find_bare(uint32_t tli, const struct windows_facts *f, struct windows *w, struct err *e)
{
    struct timeline_entry entry = {.tli = tli, .end = TIMELINE_NOT_ENDED};
    const struct wal_timeline bare = {.tli = tli, .path = {&entry, 1}};

    w->list[w->count++].tli = tli;
    return find_on_timeline(&bare, f, &w->list[w->count - 1], e);
}

static int compare_timelines(const void *a, const void *b)
{
    const struct windows_timeline *one = a, *other = b;

    return one->tli < other->tli ? -1 : one->tli > other->tli;
}

/* Each timeline is counted before it is filled, so that what it got is cleared with the rest. */
static enum err_code find_all(const struct windows_facts *f, struct windows *w, struct err *e)
{
    w->segment_bytes = f->segment_bytes;
    w->list = calloc(f->timelines->count + f->backups->count + 1, sizeof(*w->list));
    if (w->list == NULL)
        return err_nomem(e, "a list of timelines");
    for (size_t i = 0; i < f->timelines->count; i++) {
        w->list[w->count++].tli = f->timelines->list[i].tli;
        if (find_on_timeline(&f->timelines->list[i], f, &w->list[w->count - 1], e) != ERR_OK)
            return e->code;
    }
    for (size_t i = 0; i < f->backups->count; i++)
        if (!has_timeline(w, f->backups->list[i].timeline) &&
            find_bare(f->backups->list[i].timeline, f, w, e) != ERR_OK)
            return e->code;
    qsort(w->list, w->count, sizeof(*w->list), compare_timelines);
    return ERR_OK;
}

enum err_code windows_find(const struct windows_facts *f, struct windows *out, struct err *e)
{
    CLEANUP(windows_clear) struct windows w = {.count = 0};

    if (f->segment_bytes != 0 && find_all(f, &w, e) != ERR_OK)
        return e->code;
    *out = w;
    w = (struct windows){.count = 0};
    return ERR_OK;
}
