/*
 * pg/waldrops.c - see pg/waldrops.h.
 *
 * Of a commit that lets files go, counted are
 *   made      files that the transaction made and left
 *   gone      files that were there before it
 *   swapped   relations that it made and dropped, but whose file stays: it was swapped into another relation, as VACUUM
 *             FULL, CLUSTER, REFRESH and a rewriting ALTER TABLE do. A new relation's OID is its file's number.
 *   strangers relations that it dropped and had not made. A rewrite has some too: the TOAST table swapped away,
 *             indexes of a column whose type changed.
 * The last two by the dropped statistics, so from 15 on only. What is dropped there always has strangers, and what is
 * emptied has neither.
 *
 * A file may be made before its transaction, or subtransaction, has an xid. Whose it is can't be known then; tables
 * that a rewrite makes carry one, for they are locked first. Without statistics a transaction with subtransactions,
 * running when there was such a file, may have made it.
 *
 * A checkpoint behind a position names the next xid, and so does each list of running transactions, which a server
 * writes every 15 seconds; transactions from that one on made nothing before the position.
 * Creates of subtransactions that a commit does not list (behind the first ones) stay until they are forgotten for age.
 */
#include "pg/waldrops.h"

#include <string.h>

struct tally {
    uint32_t made, gone, swapped, strangers;
    bool has_moved; /* no file was made where one went */
    bool is_known;  /* all that the transaction made is remembered */
};

void waldrops_init(struct waldrops *w, unsigned major, lsn start)
{
    w->major = major;
    w->known = (struct waldrops_horizon){.position = start};
    w->nameless = (struct waldrops_horizon){0};
    w->count = 0;
}

static bool precedes(uint32_t a, uint32_t b)
{
    return (int32_t) (a - b) < 0;
}

static bool is_behind(uint32_t xid, const struct waldrops_horizon *h)
{
    return h->is_known && !precedes(xid, h->xid);
}

/* at: a checkpoint's redo, the place of a list. */
static void meet_next_xid(struct waldrops_horizon *h, lsn at, const struct walevent *v)
{
    if (h->is_known || at < h->position)
        return;
    h->is_known = true;
    h->xid = v->next_xid;
}

/* ---- what open transactions made ---- */

static void forget_older_half(struct waldrops *w)
{
    uint32_t half = w->count / 2;

    for (uint32_t i = 0; i < half; i++)
        if (precedes(w->known.xid, w->creates[i].xid + 1))
            w->known.xid = w->creates[i].xid + 1;
    w->count -= half;
    memmove(w->creates, w->creates + half, w->count * sizeof(w->creates[0]));
}

static void remember(struct waldrops *w, const struct walevent *v)
{
    if (v->fork != WALEVENT_FORK_MAIN && v->fork != WALEVENT_FORK_INIT)
        return;
    if (v->xid == 0) {
        w->nameless = (struct waldrops_horizon){.position = v->start};
        return;
    }
    if (w->count == WALDROPS_CREATES_MAX)
        forget_older_half(w);
    w->creates[w->count++] = (struct waldrops_create){v->xid, v->relation};
}

static bool is_of(const struct walevent *v, uint32_t xid)
{
    if (xid == v->xid)
        return true;
    for (uint32_t i = 0; i < walevent_kept(v->subxact_count); i++)
        if (v->subxacts[i] == xid)
            return true;
    return false;
}

/* The transaction ends: its creates go from w to made. How many. */
static uint32_t take_made(struct waldrops *w, const struct walevent *v, struct walevent_relation *made)
{
    uint32_t taken = 0, kept = 0;

    for (uint32_t i = 0; i < w->count; i++) {
        if (is_of(v, w->creates[i].xid))
            made[taken++] = w->creates[i].relation;
        else
            w->creates[kept++] = w->creates[i];
    }
    w->count = kept;
    return taken;
}

/* ---- what a commit says of them ---- */

static bool is_same(const struct walevent_relation *a, const struct walevent_relation *b)
{
    return a->relfilenode == b->relfilenode && a->database == b->database && a->tablespace == b->tablespace;
}

static bool contains(const struct walevent_relation *list, uint32_t count, const struct walevent_relation *r)
{
    for (uint32_t i = 0; i < count; i++)
        if (is_same(&list[i], r))
            return true;
    return false;
}

static bool lets_go(const struct walevent *v, const struct walevent_relation *r)
{
    return contains(v->relations, walevent_kept(v->relation_count), r);
}

/* Files behind those that are listed count as having been there before. */
static void count_files(const struct walevent *v, const struct walevent_relation *made, uint32_t count,
                        struct tally *t)
{
    uint32_t listed = walevent_kept(v->relation_count);

    t->gone = v->relation_count;
    t->has_moved = true;
    for (uint32_t i = 0; i < listed; i++)
        t->gone -= contains(made, count, &v->relations[i]);
    for (uint32_t i = 0; i < count; i++) {
        if (lets_go(v, &made[i]))
            continue;
        t->made++;
        for (uint32_t k = 0; k < listed && t->has_moved; k++)
            t->has_moved = v->relations[k].tablespace != made[i].tablespace;
    }
    t->has_moved = t->has_moved && t->made > 0;
}

static void count_relations(const struct walevent *v, const struct walevent_relation *made, uint32_t count,
                            struct tally *t)
{
    for (uint32_t i = 0; i < walevent_kept(v->stats_count); i++) {
        uint32_t at = 0;

        if (v->stats[i].kind != WALEVENT_STATS_RELATION)
            continue;
        while (at < count && made[at].relfilenode != v->stats[i].object)
            at++;
        if (at == count)
            t->strangers++;
        else if (!lets_go(v, &made[at]))
            t->swapped++;
    }
}

static enum waldrops_kind judge_without_stats(const struct tally *t)
{
    if (t->made == 0)
        return t->is_known ? WALDROPS_DROP : WALDROPS_UNCLEAR;
    return t->gone > t->made ? WALDROPS_UNCLEAR : WALDROPS_TRUNCATE_OR_REWRITE;
}

static enum waldrops_kind judge(const struct tally *t, bool has_all_stats)
{
    if (t->swapped > 0)
        return t->gone > t->made ? WALDROPS_UNCLEAR : WALDROPS_REWRITE;
    if (t->strangers > 0)
        return t->is_known ? WALDROPS_DROP : WALDROPS_UNCLEAR;
    if (!has_all_stats)
        return WALDROPS_UNCLEAR;
    if (t->has_moved) /* beside files made before the start, one may be empty */
        return t->is_known ? WALDROPS_REWRITE : WALDROPS_UNCLEAR;
    return WALDROPS_TRUNCATE;
}

/* Is all that the transaction made remembered? */
static bool is_known(const struct waldrops *w, const struct walevent *v)
{
    if (!is_behind(v->xid, &w->known) || v->subxact_count > WALEVENT_LIST_MAX)
        return false;
    return w->major >= 15 || v->subxact_count == 0 || w->nameless.position == 0 ||
           is_behind(v->xid, &w->nameless);
}

bool waldrops_is_behind_start(const struct waldrops *w, uint32_t xid)
{
    return is_behind(xid, &w->known);
}

static enum waldrops_kind end(struct waldrops *w, const struct walevent *v)
{
    struct walevent_relation made[WALDROPS_CREATES_MAX];
    uint32_t count = take_made(w, v, made);
    struct tally t = {.is_known = is_known(w, v)};

    if (v->type == WALEVENT_ABORT || v->relation_count == 0)
        return WALDROPS_NONE;
    count_files(v, made, count, &t);
    if (t.gone == 0)
        return WALDROPS_NONE;
    if (w->major < 15)
        return judge_without_stats(&t);
    count_relations(v, made, count, &t);
    return judge(&t, v->stats_count <= WALEVENT_LIST_MAX);
}

enum waldrops_kind waldrops_meet(struct waldrops *w, const struct walevent *v)
{
    switch (v->type) {
    case WALEVENT_COMMIT:
    case WALEVENT_ABORT:
        return end(w, v);
    case WALEVENT_RELATION_CREATE:
        remember(w, v);
        return WALDROPS_NONE;
    case WALEVENT_CHECKPOINT:
        meet_next_xid(&w->known, v->redo, v);
        meet_next_xid(&w->nameless, v->redo, v);
        return WALDROPS_NONE;
    case WALEVENT_RUNNING:
        meet_next_xid(&w->known, v->start, v);
        return WALDROPS_NONE; /* too near to a file without xid: who made it may get one behind this */
    default:
        return WALDROPS_NONE;
    }
}

const char *waldrops_kind_name(enum waldrops_kind kind)
{
    static const char *const names[] = {
        [WALDROPS_NONE] = "none",
        [WALDROPS_DROP] = "drop",
        [WALDROPS_TRUNCATE] = "truncate",
        [WALDROPS_REWRITE] = "rewrite",
        [WALDROPS_TRUNCATE_OR_REWRITE] = "truncate_or_rewrite",
        [WALDROPS_UNCLEAR] = "unclear",
    };

    return names[kind];
}
