/*
 * ops/fetch_window.c - see ops/fetch_window.h.
 *
 * A helper is started once a segment was handed over that others follow, where
 *   - a recovery is under way (recovery.signal or standby.signal), or the segment follows on the one before, and
 *   - the one before is not a minute ago: a standby that has come to the end of the archive, or waits on purpose, gains
 *     nothing by a window, and each helper costs a listing.
 */
#include "ops/fetch_window.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define REPOS_MOST 64

/* What counts as a good copy is part of what a window is for. */
static bool accepts_unencrypted(const struct cluster *c)
{
    for (size_t i = 0; i < c->repo_count; i++)
        if (c->pending != NULL ? c->pending->repos[i].accept_unencrypted : c->repos[i]->accept_unencrypted)
            return true;
    return false;
}

bool fetch_window_find(const struct cluster *c, const struct fetch_request *q, const struct fetch_options *o,
                       const char *directory, struct prefetch *out)
{
    const char *places[REPOS_MOST];
    struct prefetch_key key = {.data_directory = directory,
                               .line = q->layout.line,
                               .places = places,
                               .place_count = c->repo_count,
                               .accept_unencrypted = accepts_unencrypted(c),
                               .segment_bytes = q->control.segment_bytes};

    *out = PREFETCH_NONE;
    if (q->file.kind != WALFILE_SEGMENT || !q->has_control || o->ahead_bytes < q->control.segment_bytes ||
        c->repo_count > REPOS_MOST || (q->has_until && fetch_is_behind(&q->file, &q->until)))
        return false;
    for (size_t i = 0; i < c->repo_count; i++)
        places[i] = cluster_place(c, i);
    return prefetch_open(c->spool, &key, out);
}

void fetch_window_open(struct fetch_window *w, const struct cluster *c, const struct fetch_request *q,
                       const struct fetch_options *o, int64_t asked_us)
{
    *w = (struct fetch_window){.asked_us = asked_us};
    w->is_used = fetch_window_find(c, q, o, ".", &w->window);
    w->is_last = q->has_until && !fetch_is_behind(&q->until, &q->file);
    (void) prefetch_read_note(&w->window, &w->note);
}

void fetch_window_close(struct fetch_window *w)
{
    prefetch_close(&w->window);
}

bool fetch_window_take(struct fetch_window *w, const struct fetch_request *q, const char *dest, size_t *from)
{
    if (prefetch_take(&w->window, &q->file, dest, from))
        return true;
    return prefetch_await(&w->window, &q->file) && prefetch_take(&w->window, &q->file, dest, from);
}

bool fetch_window_asks(struct fetch_window *w, const struct fetch_request *q, const char *dest, size_t *from)
{
    struct prefetch_note note = w->note;

    if (!w->is_used || (!note.has_given && !note.has_asked))
        return false;
    note.has_asked = true;
    note.asked = q->file;
    return prefetch_write_note(&w->window, &note) && fetch_window_take(w, q, dest, from);
}

static bool follows(const struct fetch_window *w, const struct fetch_request *q)
{
    const uint32_t bytes = q->control.segment_bytes;
    struct err ignored = ERR_NONE;
    uint64_t before, now;

    return w->note.has_given && walseg_of_file(&w->note.given, bytes, &before, &ignored) == ERR_OK &&
           walseg_of_file(&q->file, bytes, &now, &ignored) == ERR_OK && before + 1 == now;
}

static bool is_pausing(const struct fetch_window *w)
{
    return w->note.has_given && w->asked_us - w->note.given_us >= FETCH_WINDOW_IDLE_US;
}

bool fetch_window_given(struct fetch_window *w, const struct fetch_request *q)
{
    const int64_t now_us = clock_mono_us(&clock_system);
    const struct prefetch_note note = {.has_given = true,
                                       .given = q->file,
                                       .has_asked = true,
                                       .asked = q->file,
                                       .given_us = now_us,
                                       .waited_us = now_us - w->asked_us};

    if (!w->is_used || (w->window.fd < 0 && (w->is_last || !prefetch_make(&w->window))))
        return false;
    return prefetch_write_note(&w->window, &note) && !w->is_last &&
           (fetch_window_has_signal(".") || follows(w, q)) && !is_pausing(w) &&
           !prefetch_has_helper(&w->window) && !prefetch_is_off(&w->window);
}

bool fetch_window_has_signal(const char *directory)
{
    char path[PREFETCH_PATH_MAX];

    (void) snprintf(path, sizeof(path), "%s/recovery.signal", directory);
    if (access(path, F_OK) == 0)
        return true;
    (void) snprintf(path, sizeof(path), "%s/standby.signal", directory);
    return access(path, F_OK) == 0;
}
