/*
 * repo/wal_chain.c - see repo/wal_chain.h.
 *
 * `tip` is the run up to the last segment that was given, acknowledged or not, and `known` the same up to the first
 * that is not acknowledged. Between them lie links, in the given order: each of them the run with its own segment at
 * the end.
 *
 *   the segment            the tip becomes                known, when all up to the segment are acknowledged
 *   begins at next         longer by it                   as its link has it
 *   lies in [from, next)   as it was: pushed again, by    there already: as it was
 *                          another try or archiver        stored: it alone, for what was acknowledged is gone; nothing
 *                                                         given behind it is counted any more
 *   anywhere else          it alone                       it alone
 *   is older than the run  it alone: the clock went back  it alone
 *
 * A segment whose records were not read ends the run: what the next one would tell of commits would not be true. So
 * does one whose WAL is damaged: who follows runs backwards meets it as the last of its run, where its descriptor is
 * read. Behind such a one known stays as it was.
 *
 * What is known counts for a segment only where both are of one run, so runs are numbered; and not from a segment on
 * that is being pushed again, until the answer says that it was still there.
 *
 * Limit: what was removed from the repository later, by whomever, was acknowledged all the same.
 */
#include "repo/wal_chain.h"

#include "base/grow.h"
#include "base/log.h"
#include "repo/wal_run.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A run, and which of this process. */
struct numbered {
    struct wal_run_state run;
    unsigned number;
};

struct link {
    lsn at; /* where the segment begins */
    uint32_t timeline;
    struct numbered with; /* the run that ends with it; of timeline 0 when no run goes on behind it */
    bool is_again;
    bool is_acknowledged;
    enum object_outcome outcome;
};

struct wal_chain {
    const struct spool *spool;
    struct repo *repo;
    const struct layout *layout;
    pthread_mutex_t lock; /* of all below */
    struct numbered tip;
    struct numbered known;
    bool is_elsewhere; /* the tip's last segment was not stored by this process */
    bool is_broken;    /* nothing given from now on is counted */
    unsigned runs;
    struct link *links; /* not counted yet, in order; owned */
    size_t count;
    size_t room;
};

enum err_code wal_chain_new(const struct spool *s, struct repo *r, const struct layout *l,
                            struct wal_chain **out, struct err *e)
{
    struct wal_chain *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return err_nomem(e, "the run of segments");
    c->spool = s;
    c->repo = r;
    c->layout = l;
    (void) pthread_mutex_init(&c->lock, NULL);
    (void) wal_run_read(s, repo_place(r), l->line, &c->known.run);
    c->tip = c->known;
    c->is_elsewhere = true;
    *out = c;
    return ERR_OK;
}

void wal_chain_free(struct wal_chain *c)
{
    if (c == NULL)
        return;
    (void) pthread_mutex_destroy(&c->lock);
    free(c->links);
    free(c);
}

void wal_chain_freep(struct wal_chain **c)
{
    wal_chain_free(*c);
    *c = NULL;
}

/* ---- what a segment tells of the run before it ---- */

static bool is_same_wal(const struct wal_run_state *run, const struct wal_facts *f)
{
    return run->timeline == f->timeline && run->segment_bytes == f->segment_bytes;
}

static bool is_next(const struct wal_run_state *run, const struct wal_facts *f)
{
    return is_same_wal(run, f) && run->next == f->first_lsn;
}

static bool is_again(const struct wal_run_state *run, const struct wal_facts *f)
{
    return is_same_wal(run, f) && run->from <= f->first_lsn && f->first_lsn < run->next;
}

/* Does the repository still show the segment before? */
static bool sees_one_before(const struct wal_chain *c, const struct wal_facts *f)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    uint64_t number = walseg_number(f->first_lsn, f->segment_bytes);
    struct walfile before = walseg_file(f->timeline, number - 1, f->segment_bytes);
    char key[STORE_KEY_MAX + 1];
    struct err ignored = ERR_NONE;

    layout_wal_file(c->layout, &before, key);
    return object_descriptor(c->repo, key, &d, &ignored) == ERR_OK;
}

/* Is all that the segment holds older than what was there before? */
static bool was_set_back(const struct wal_run_state *run, const struct wal_facts *f)
{
    return run->has_max && f->commits + f->aborts > 0 && f->max_us < run->max_us - WAL_RUN_STEP_US;
}

static bool goes_on(const struct wal_chain *c, const struct wal_facts *f)
{
    return is_next(&c->tip.run, f) && !was_set_back(&c->tip.run, f) &&
           !(c->repo->store->is_local && c->is_elsewhere && !sees_one_before(c, f));
}

/* The record that the segment before ended inside, as far as this segment goes on with it. */
static struct walcut crossing_of(const struct wal_run_state *run, const struct wal_facts *f)
{
    struct walcut whole = {0};

    if (run->begun.len == 0 || f->crossing.rest.len == 0)
        return whole;
    whole = run->begun;
    walcut_add(&whole, f->crossing.rest.bytes, f->crossing.rest.len);
    return whole;
}

/* Where it ends here, and is a commit or abort, its time is known now. */
static void join_crossing(const struct wal_run_state *run, struct wal_facts *f)
{
    const struct walcut whole = crossing_of(run, f);

    f->has_crossing = whole.len > 0 && !f->crossing.is_rest && walcut_time(&whole, f->major, &f->crossing_us);
    if (f->has_crossing && (!f->run_has_max || f->run_max_us < f->crossing_us)) {
        f->run_has_max = true;
        f->run_max_us = f->crossing_us;
    }
}

static void join_run(const struct wal_run_state *run, struct wal_facts *f)
{
    f->run_from = run->from;
    if (run->has_max && (!f->run_has_max || f->run_max_us < run->max_us))
        f->run_max_us = run->max_us;
    f->run_has_max = f->run_has_max || run->has_max;
    if (f->run_commit == 0)
        f->run_commit = run->commit;
    if (f->run_loss == 0)
        f->run_loss = run->loss;
    if (f->run_point == 0)
        f->run_point = run->point;
    join_crossing(run, f);
}

/* Up to where is the tip's run acknowledged, and not in doubt? */
static lsn acknowledged_to(const struct wal_chain *c)
{
    lsn to = c->known.number == c->tip.number ? c->known.run.next : c->tip.run.from;

    for (size_t i = 0; i < c->count; i++)
        if (c->links[i].is_again && c->links[i].at < to)
            to = c->links[i].at;
    return to > c->tip.run.from ? to : c->tip.run.from;
}

/* ---- links ---- */

/* The run with this segment at its end; before: what it goes on with, or of timeline 0. */
static struct wal_run_state run_with(const struct wal_run_state *before, const struct wal_facts *f)
{
    const bool goes_through = f->crossing.is_rest && before->timeline != 0;

    if (!f->has_records || f->is_damaged)
        return (struct wal_run_state){.timeline = 0};
    return (struct wal_run_state){.timeline = f->timeline,
                                  .segment_bytes = f->segment_bytes,
                                  .from = f->run_from,
                                  .next = f->first_lsn + f->segment_bytes,
                                  .has_max = f->run_has_max,
                                  .max_us = f->run_max_us,
                                  .commit = f->run_commit,
                                  .loss = f->run_loss,
                                  .point = f->run_point,
                                  .begun = goes_through ? crossing_of(before, f) : f->crossing.begun};
}

static void add(struct wal_chain *c, const struct wal_facts *f, const struct numbered *with, bool again)
{
    struct err why = ERR_NONE;

    if (c->is_broken)
        return;
    if (grow(&c->links, c->count, &c->room, sizeof(*c->links), "a run of segments", &why) != ERR_OK) {
        log_debug("%s, ignoring", why.text);
        c->is_broken = true;
        return;
    }
    c->links[c->count++] =
        (struct link){.at = f->first_lsn, .timeline = f->timeline, .with = *with, .is_again = again};
}

/* The tip becomes what this segment makes of it. */
static void give(struct wal_chain *c, struct wal_facts *f)
{
    const bool again = is_again(&c->tip.run, f), on = !again && goes_on(c, f);
    struct wal_run_state before = {.timeline = 0};
    struct numbered with = {.number = c->tip.number};

    if (on) {
        before = c->tip.run;
        join_run(&before, f);
        f->run_to = acknowledged_to(c);
    } else {
        with.number = ++c->runs;
    }
    with.run = run_with(&before, f);
    add(c, f, &with, again);
    if (!again) {
        c->tip = with;
        c->is_elsewhere = false;
    }
}

void wal_chain_next(struct wal_chain *c, struct wal_facts *f)
{
    wal_facts_begin_run(f);
    (void) pthread_mutex_lock(&c->lock);
    give(c, f);
    (void) pthread_mutex_unlock(&c->lock);
}

/* The index of the segment's first link without an answer; count when there is none. */
static size_t find(const struct wal_chain *c, const struct wal_facts *f)
{
    size_t i = 0;

    while (i < c->count && (c->links[i].is_acknowledged || c->links[i].at != f->first_lsn ||
                            c->links[i].timeline != f->timeline))
        i++;
    return i;
}

/* The first link is acknowledged: is more known now than before? */
static bool count_first(struct wal_chain *c)
{
    const struct link first = c->links[0];

    memmove(c->links, c->links + 1, --c->count * sizeof(*c->links));
    if (first.is_again && first.outcome != OBJECT_STORED)
        return false;
    if (first.is_again) {
        c->count = 0;
        c->is_broken = true;
    }
    if (first.with.run.timeline == 0)
        return false;
    c->known = first.with;
    return true;
}

static void acknowledge(struct wal_chain *c, struct link *link, enum object_outcome outcome)
{
    bool is_news = false;

    link->is_acknowledged = true;
    link->outcome = outcome;
    if (outcome != OBJECT_STORED && link->with.number == c->tip.number &&
        link->with.run.next == c->tip.run.next)
        c->is_elsewhere = true;
    while (c->count > 0 && c->links[0].is_acknowledged)
        is_news = count_first(c) || is_news;
    if (is_news)
        wal_run_write(c->spool, repo_place(c->repo), c->layout->line, &c->known.run);
}

void wal_chain_acknowledged(struct wal_chain *c, const struct wal_facts *f, enum object_outcome outcome)
{
    size_t i;

    (void) pthread_mutex_lock(&c->lock);
    i = find(c, f);
    if (i < c->count)
        acknowledge(c, &c->links[i], outcome);
    (void) pthread_mutex_unlock(&c->lock);
}

void wal_chain_failed(struct wal_chain *c, const struct wal_facts *f)
{
    size_t i;

    (void) pthread_mutex_lock(&c->lock);
    i = find(c, f);
    if (i < c->count) {
        c->count = i;
        c->is_broken = true;
    }
    (void) pthread_mutex_unlock(&c->lock);
}
