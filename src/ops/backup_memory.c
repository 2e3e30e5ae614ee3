/*
 * ops/backup_memory.c - see ops/backup_memory.h.
 *
 * The workers are kept busy by one batch each and one each in wait, with one being filled. More uploads than CPUs are
 * of use where the store is far away, so four of them are tried even with one job.
 */
#include "ops/backup_memory.h"

#include "ops/backup_batch.h"

#define UPLOADS_WISHED 4

static size_t at_least(size_t n, size_t least)
{
    return n > least ? n : least;
}

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

struct backup_memory backup_memory_divide(uint64_t bytes, size_t jobs, uint32_t chunk_bytes,
                                          uint32_t pack_bytes)
{
    size_t all = (size_t) (bytes != 0 ? bytes : BACKUP_MEMORY_DEFAULT);
    size_t batch = backup_batch_bytes(chunk_bytes);
    size_t batches = at_least(at_most(2 * jobs + 2, all / 4 / batch), 2);
    size_t rest = all - at_most(batches * batch, all / 2);
    size_t pack = at_most(pack_bytes, rest / 2);
    size_t packs = at_most(rest / pack, at_least(jobs, UPLOADS_WISHED) + 1);

    return (struct backup_memory){
        .batches_max = batches, .packs_max = packs, .uploads = packs - 1, .pack_bytes = pack};
}
