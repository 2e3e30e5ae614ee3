/*
 * repo/pack_ranges.c - see repo/pack_ranges.h.
 */
#include "repo/pack_ranges.h"

#include <stdlib.h>
#include <string.h>

struct pack_want pack_want(const struct index_chunk *c, uint32_t file, uint64_t at)
{
    struct pack_want w = {.offset = c->offset,
                          .stored = c->stored,
                          .frame = c->frame,
                          .length = c->length,
                          .file = file,
                          .at = at};

    memcpy(w.sha256, c->sha256, sizeof(w.sha256));
    return w;
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const struct pack_want *) a)->offset, y = ((const struct pack_want *) b)->offset;

    return (x > y) - (x < y);
}

void pack_wants_sort(struct pack_want *wants, size_t count)
{
    if (count > 1)
        qsort(wants, count, sizeof(*wants), by_offset);
}

struct pack_range pack_range_first(const struct pack_want *wants, size_t count)
{
    struct pack_range r = {.begin = wants->offset > PACK_GAP_BYTES ? wants->offset : 0};

    for (r.end = wants->offset; r.count < count; r.count++) {
        const struct pack_want *w = &wants[r.count];

        if (w->offset > r.end && w->offset - r.end > PACK_GAP_BYTES)
            break;
        if (w->offset + w->stored > r.end)
            r.end = w->offset + w->stored;
    }
    return r;
}
