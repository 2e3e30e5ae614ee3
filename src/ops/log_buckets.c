/*
 * ops/log_buckets.c - see ops/log_buckets.h.
 *
 * Clocks step back, so buckets come at both ends.
 */
#include "ops/log_buckets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES  61 /* an hour may touch that many minutes */
#define SECOND INT64_C(1000000)

int64_t log_buckets_floor(int64_t us, int64_t every_us)
{
    int64_t rest = us % every_us;

    return us - (rest < 0 ? rest + every_us : rest);
}

int64_t log_buckets_choose(int64_t span_us)
{
    static const int64_t steps[] = {60 * SECOND, 600 * SECOND, 3600 * SECOND, 86400 * SECOND};
    size_t i = 0;

    while (i + 1 < sizeof(steps) / sizeof(steps[0]) && span_us > steps[i] * LINES)
        i++;
    return steps[i];
}

/* Make room for `front` more buckets in front and `back` more behind. */
static enum err_code widen(struct log_buckets *b, size_t front, size_t back, struct err *e)
{
    const size_t count = b->count + front + back;

    if (count > b->room) {
        size_t room = count > b->room * 2 ? count : b->room * 2;
        struct log_bucket *list = reallocarray(b->list, room, sizeof(*list));

        if (list == NULL)
            return err_nomem(e, "a summary");
        b->list = list;
        b->room = room;
    }
    memmove(b->list + front, b->list, b->count * sizeof(*b->list));
    memset(b->list, 0, front * sizeof(*b->list));
    memset(b->list + front + b->count, 0, back * sizeof(*b->list));
    b->count = count;
    b->begin_us -= (int64_t) front * b->every_us;
    return ERR_OK;
}

enum err_code log_buckets_at(struct log_buckets *b, int64_t us, struct log_bucket **out, struct err *e)
{
    const int64_t at = log_buckets_floor(us, b->every_us);
    int64_t index;

    if (b->count == 0)
        b->begin_us = at;
    index = (at - b->begin_us) / b->every_us;
    if (index >= LOG_BUCKETS_MAX || index <= (int64_t) b->count - LOG_BUCKETS_MAX) {
        err_set(e, ERR_REFUSED, "the summary would have more than %d lines", LOG_BUCKETS_MAX);
        return err_hint(e, "%s", "Take a longer --every, or a shorter range.");
    }
    if (index < 0 && widen(b, (size_t) -index, 0, e) != ERR_OK)
        return e->code;
    index = index < 0 ? 0 : index;
    if ((size_t) index >= b->count && widen(b, 0, (size_t) index + 1 - b->count, e) != ERR_OK)
        return e->code;
    *out = &b->list[index];
    return ERR_OK;
}

void log_buckets_clear(struct log_buckets *b)
{
    free(b->list);
    *b = (struct log_buckets){.every_us = b->every_us};
}
