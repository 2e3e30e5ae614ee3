/*
 * repo/pack_read.h - chunks out of a pack, each opened and verified as it arrives.
 *
 * Memory    one frame sealed and one plain, however large the pack is.
 */
#pragma once
#include "base/err.h"
#include "repo/layout.h"
#include "repo/pack_ranges.h"
#include "repo/repo.h"
#include <stddef.h>
#include <stdint.h>

/* Called with a chunk's verified plain bytes (SHA-256 compared with the index). Order: by offset in the pack. */
typedef enum err_code pack_deliver(const struct pack_want *want, const uint8_t *bytes, size_t len, void *arg,
                                   struct err *e);

/*
 * Read the wanted chunks of one pack: a single request when all of it is wanted, otherwise one for each range that
 * repo/pack_ranges.h makes of them, and one more for the descriptor where no range begins at the front. A download that
 * breaks goes on where it stood, as the store does it. wants is sorted here. ERR_CORRUPT names the object; what
 * `deliver` fails with is given back as it is.
 * Safe from several threads, for a pack each.
 */
enum err_code pack_read(struct repo *r, const struct layout *l, const char *backup_id, uint32_t number,
                        struct pack_want *wants, size_t count, pack_deliver *deliver, void *arg,
                        struct err *e);
