/*
 * ops/plan_compare.c - see ops/plan_compare.h.
 *
 * The other repository is asked how far it goes itself: its lines and newest backup, its timelines, and the last
 * segment behind the plan's end; of the segments between nothing is known yet. Where that is further, a plan is made
 * there too, and taken when it does end further.
 */
#include "ops/plan_compare.h"

#include "ops/plan_reach.h"
#include "ops/plan_repo.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The end of what a repository holds. Lines and timelines come before LSNs. */
struct end {
    char line[LINE_TEXT_MAX];
    uint32_t tli;
    lsn lsn;
};

static uint32_t last_timeline(const struct plan *p)
{
    return p->path.entries[p->path.count - 1].tli;
}

static struct end end_of(const struct planned *p)
{
    struct end end = {.tli = last_timeline(&p->plan), .lsn = p->plan.end_of_archive};

    memcpy(end.line, p->layout.line, sizeof(end.line));
    return end;
}

/* Also where the wished time is reached in one of them only. */
static bool goes_further(const struct planned *a, const struct planned *b)
{
    const struct end of_a = end_of(a), of_b = end_of(b);
    const int lines = strcmp(of_a.line, of_b.line);

    if (lines != 0)
        return lines > 0;
    if (a->plan.moment.reached != b->plan.moment.reached)
        return a->plan.moment.reached;
    return of_a.tli != of_b.tli ? of_a.tli > of_b.tli : of_a.lsn > of_b.lsn;
}

#define END_TEXT_MAX 96

static void end_format(const struct end *end, const struct planned *beside, char out[END_TEXT_MAX])
{
    const bool is_other_line = strcmp(end->line, beside->layout.line) != 0;
    char position[LSN_TEXT_MAX];

    lsn_format(end->lsn, position);
    if (end->lsn == 0)
        (void) snprintf(out, END_TEXT_MAX, "on line %s", end->line);
    else
        (void) snprintf(out, END_TEXT_MAX, "to LSN %s on timeline %" PRIu32 "%s%s", position, end->tli,
                        is_other_line ? " of line " : "", is_other_line ? end->line : "");
}

static void note(struct plan_notes *n, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct plan_notes *n, const char *fmt, ...)
{
    va_list args;

    if (n->count == PLAN_WARNINGS_MAX)
        return;
    va_start(args, fmt);
    (void) vsnprintf(n->text[n->count++], sizeof(n->text[0]), fmt, args);
    va_end(args);
}

/* In front, since transactions may be lost by it. */
void plan_notes_add(struct plan *p, const struct plan_notes *n)
{
    const size_t room = PLAN_WARNINGS_MAX - n->count;
    const size_t kept = p->warning_count < room ? p->warning_count : room;

    memmove(p->warnings[n->count], p->warnings[0], kept * sizeof(p->warnings[0]));
    memcpy(p->warnings[0], n->text[0], n->count * sizeof(p->warnings[0]));
    p->warning_count = n->count + kept;
}

/*
 * The highest timeline of another repository that recovery can follow, when it is higher than the plan's and the plan
 * could not have taken it: not known in its repository, or without a backup on its path there. NULL = none.
 */
static const struct wal_timeline *higher(const struct planned *p, const struct wal_timelines *there,
                                         const struct backup_list *backups)
{
    for (size_t i = there->count; i > 0 && there->list[i - 1].tli > last_timeline(&p->plan); i--) {
        const struct wal_timeline *t = &there->list[i - 1];
        const struct wal_timeline *here = wal_timelines_at(&p->timelines, t->tli);

        if (wal_timeline_can_be_followed(t) &&
            (here == NULL || !wal_timeline_can_be_followed(here) ||
             (backups->count > 0 && plan_is_on_path(&t->path, &backups->list[backups->count - 1]))))
            return t;
    }
    return NULL;
}

/* On the plan's line: the end there, when it lies behind the plan's; else *further stays false. */
static enum err_code ask_line(struct repo *r, const struct planned *p, const struct backup_list *backups,
                              bool *further, struct end *end, struct err *e)
{
    const struct wal_place place = {.repo = r, .layout = &p->layout, .segment_bytes = p->plan.segment_bytes};
    const uint64_t last = walseg_number(p->plan.end_of_archive - 1, place.segment_bytes);
    CLEANUP(wal_timelines_clear) struct wal_timelines there = {.list = NULL};
    const struct timeline_path *path = &p->plan.path;
    const struct wal_timeline *top = NULL;
    uint64_t found;

    if (p->plan.target.timeline == TIMELINE_LATEST) {
        if (wal_timelines_read(r, &p->layout, &there, e) != ERR_OK)
            return e->code;
        top = higher(p, &there, backups);
        path = top != NULL ? &top->path : path;
    }
    if (plan_reach_end(&place, path, top != NULL ? p->plan.first_segment : last + 1, &found, e) != ERR_OK)
        return e->code;
    *further = top != NULL || found > last;
    end->tli = path->entries[path->count - 1].tli;
    end->lsn = walseg_start(found + 1, place.segment_bytes);
    return ERR_OK;
}

static enum err_code ask_repo(struct cluster *c, struct repo *r, const struct planned *p, bool *further,
                              struct end *end, struct err *e)
{
    CLEANUP(planned_clear) struct planned there = {.repo = NULL};
    struct layout newest;
    enum err_code code;
    int lines;

    *end = end_of(p);
    *further = false;
    code = plan_repo_choose_line(c, r, p->plan.target.backup_id, &there, &newest, e);
    if (code != ERR_OK)
        return there.lines.count == 0 && code == ERR_REFUSED ? ERR_OK : code;
    lines = strcmp(newest.line, p->layout.line);
    if (lines <= 0 || there.backups.count == 0) {
        if (lines != 0)
            backup_list_clear(&there.backups);
        return ask_line(r, p, &there.backups, further, end, e);
    }
    memcpy(end->line, newest.line, sizeof(end->line));
    end->lsn = 0;
    *further = true;
    return ERR_OK;
}

/* Plan on that repository instead, when such a plan ends further. */
static enum err_code plan_instead(struct cluster *c, struct repo *r, const struct target *t,
                                  struct planned *p, bool *taken, struct err *e)
{
    CLEANUP(planned_clear) struct planned other = {.repo = NULL};
    struct planned first;

    if (plan_repo(c, r, t, &other, e) != ERR_OK)
        return e->code;
    *taken = goes_further(&other, p);
    if (*taken) {
        first = *p;
        *p = other;
        other = first;
    }
    return ERR_OK;
}

static void note_taken(const struct repo *first, const struct end *before, const struct planned *p,
                       struct plan_notes *n)
{
    const struct end now = end_of(p);
    char ends[END_TEXT_MAX], goes[END_TEXT_MAX];

    end_format(before, p, ends);
    end_format(&now, p, goes);
    note(n, "repository \"%s\" goes %s only: this plan is on \"%s\", which goes %s", first->name, ends,
         p->repo->name, goes);
}

static void note_unasked(const struct repo *r, const struct err *why, struct plan_notes *n)
{
    note(n, "repository \"%s\" may go further than this plan, and could not be asked: %s", r->name,
         why->text);
}

void plan_compare(struct cluster *c, struct repo *r, const struct target *t, const struct err *failed,
                  struct planned *p, struct plan_notes *n)
{
    const struct repo *first = p->repo;
    const struct end before = end_of(p);
    char goes[END_TEXT_MAX];
    struct err why = ERR_NONE;
    bool further, taken = false;
    struct end end;

    if (failed->code != ERR_OK && failed->code != ERR_REFUSED) {
        note_unasked(r, failed, n);
        return;
    }
    if (ask_repo(c, r, p, &further, &end, &why) == ERR_OK && !further)
        return;
    if (why.code == ERR_OK && failed->code == ERR_OK)
        (void) plan_instead(c, r, t, p, &taken, &why);
    end_format(&end, p, goes);
    if (taken)
        note_taken(first, &before, p, n);
    else if (why.code == ERR_OK || why.code == ERR_REFUSED)
        note(n,
             "repository \"%s\" goes further than this plan, %s, but no plan on it alone does: "
             "\"--repo %s\" tells why",
             r->name, goes, r->name);
    else
        note_unasked(r, &why, n);
}
