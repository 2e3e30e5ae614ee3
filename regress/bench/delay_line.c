/*
 * delay_line.c - see delay_line.h.
 */
#include "delay_line.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void way_open(struct way *w, struct end *from, struct end *to, struct line *line, int64_t opens_at)
{
    char *ring = w->ring;

    *w = (struct way){.from = from, .to = to, .line = line, .opens_at = opens_at, .ring = ring};
    if (ring == NULL && (w->ring = malloc(WAY_WINDOW)) == NULL)
        abort();
}

/* When bytes that have just been read arrive at the other end. */
static int64_t way_due(struct way *w, size_t bytes)
{
    struct line *l = w->line;

    l->free_at = later(now_ns(), l->free_at) + (int64_t) (l->ns_per_byte * (double) bytes);
    return later(l->free_at, w->opens_at) + l->delay_ns;
}

static size_t way_room(const struct way *w)
{
    return w->mark_count < WAY_MARKS ? WAY_WINDOW - (size_t) (w->taken - w->given) : 0;
}

static bool way_may_read(const struct way *w)
{
    return w->from->readable && !w->ended && !w->over && way_room(w) > 0;
}

static bool line_is_free(const struct way *w)
{
    return w->line->ns_per_byte <= 0 || w->line->free_at - now_ns() < LINE_QUEUE_NS;
}

static void way_end(struct way *w, bool failed)
{
    w->ended = true;
    w->failed = failed;
    w->end_due = way_due(w, 0);
}

/* Read one chunk, if there is one and the line takes it. */
static void way_take(struct way *w)
{
    size_t at, len = WAY_CHUNK;
    ssize_t got;

    if (!way_may_read(w) || !line_is_free(w))
        return;
    if (w->taken == w->given)
        w->taken = w->given = 0;
    at = (size_t) (w->taken % WAY_WINDOW);
    if (len > way_room(w))
        len = way_room(w);
    if (len > WAY_WINDOW - at)
        len = WAY_WINDOW - at;
    got = recv(w->from->fd, w->ring + at, len, 0);
    if (got > 0) {
        w->taken += (uint64_t) got;
        w->marks[(w->first_mark + w->mark_count++) % WAY_MARKS] =
            (struct mark){.due = way_due(w, (size_t) got), .end = w->taken};
    } else if (got == 0) {
        way_end(w, false);
    } else if (errno == EAGAIN) {
        w->from->readable = false;
    } else if (errno != EINTR) {
        way_end(w, true);
    }
}

/* Bytes of the stream before this one may go now. */
static uint64_t way_due_until(struct way *w, int64_t now)
{
    uint64_t end = w->given;

    for (unsigned i = 0; i < w->mark_count; i++) {
        const struct mark *m = &w->marks[(w->first_mark + i) % WAY_MARKS];

        if (m->due > now)
            break;
        end = m->end;
    }
    return end;
}

static void way_forget_marks(struct way *w)
{
    while (w->mark_count > 0 && w->marks[w->first_mark].end <= w->given) {
        w->first_mark = (w->first_mark + 1) % WAY_MARKS;
        w->mark_count--;
    }
}

/* Write all that is due and can be written. */
static void way_give(struct way *w)
{
    int64_t now = now_ns();
    uint64_t until = way_due_until(w, now);

    while (w->given < until && w->to->writable && !w->over) {
        size_t at = (size_t) (w->given % WAY_WINDOW), len = (size_t) (until - w->given);
        ssize_t put;

        if (len > WAY_WINDOW - at)
            len = WAY_WINDOW - at;
        put = send(w->to->fd, w->ring + at, len, MSG_NOSIGNAL);
        if (put >= 0)
            w->given += (uint64_t) put;
        else if (errno == EAGAIN)
            w->to->writable = false;
        else if (errno != EINTR)
            w->over = true;
    }
    way_forget_marks(w);
    if (w->ended && !w->over && w->given == w->taken && w->end_due <= now) {
        w->over = true;
        if (!w->failed)
            shutdown(w->to->fd, SHUT_WR);
    }
}

int64_t way_again_at(const struct way *w)
{
    int64_t at = NEVER;

    if (w->over)
        return NEVER;
    if (way_may_read(w))
        at = line_is_free(w) ? 0 : w->line->free_at - LINE_QUEUE_NS;
    if (w->mark_count > 0 && w->to->writable)
        at = sooner(at, w->marks[w->first_mark].due);
    if (w->ended && w->given == w->taken)
        at = sooner(at, w->end_due);
    return at;
}

void way_move(struct way *w)
{
    way_take(w);
    way_give(w);
}
