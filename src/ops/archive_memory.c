/*
 * ops/archive_memory.c - see ops/archive_memory.h.
 */
#include "ops/archive_memory.h"

#include <assert.h>

/* What would be taken if claim `at` had this many bytes: of those before it, all that they may need. */
static uint64_t sum_with(const struct archive_memory *m, size_t at, uint64_t bytes)
{
    uint64_t sum = bytes;

    for (size_t i = 0; i < m->count; i++)
        if (i != at)
            sum += i < at ? m->claims[i].need : m->claims[i].bytes;
    return sum;
}

static size_t index_of(const struct archive_memory *m, size_t number)
{
    size_t i = 0;

    while (i < m->count && m->claims[i].number != number)
        i++;
    assert(i < m->count);
    return i;
}

uint64_t archive_memory_most(uint64_t least, uint64_t bytes, uint64_t need)
{
    return need + bytes > least ? need + bytes : least;
}

bool archive_memory_has_room(const struct archive_memory *m, uint64_t bytes, uint64_t need)
{
    if (m->count == 0)
        return true;
    return m->count < ARCHIVE_MEMORY_CLAIMS && need <= m->most && sum_with(m, m->count, bytes) <= m->most;
}

void archive_memory_begin(struct archive_memory *m, size_t number, uint64_t bytes, uint64_t need)
{
    assert(m->count < ARCHIVE_MEMORY_CLAIMS);
    m->claims[m->count++] = (struct archive_claim){number, bytes, need > bytes ? need : bytes};
}

bool archive_memory_grow(struct archive_memory *m, size_t number, uint64_t bytes)
{
    size_t at = index_of(m, number);
    struct archive_claim *c = &m->claims[at];

    if (bytes > c->need)
        bytes = c->need;
    if (bytes <= c->bytes)
        return true;
    if (at > 0 && sum_with(m, at, bytes) > m->most)
        return false;
    c->bytes = bytes;
    return true;
}

void archive_memory_settle(struct archive_memory *m, size_t number, uint64_t bytes)
{
    struct archive_claim *c = &m->claims[index_of(m, number)];

    c->bytes = c->need = bytes < c->need ? bytes : c->need;
}

void archive_memory_end(struct archive_memory *m, size_t number)
{
    for (size_t i = index_of(m, number) + 1; i < m->count; i++)
        m->claims[i - 1] = m->claims[i];
    m->count--;
}
