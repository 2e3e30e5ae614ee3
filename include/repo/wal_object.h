/*
 * repo/wal_object.h - one stored WAL segment: what its descriptor says, and its records.
 */
#pragma once
#include "base/err.h"
#include "pg/walscan.h"
#include "pg/walseg.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include "repo/wal_cache.h"
#include "repo/wal_facts.h"
#include <stdint.h>

/* Where the WAL of a line lies; borrowed. */
struct wal_place {
    struct repo *repo;
    const struct layout *layout;
    uint32_t segment_bytes;
    struct wal_cache *cache; /* of descriptors read; NULL = each is asked for again */
};

/* The key, and the file name, of a segment. key has STORE_KEY_MAX + 1 bytes. */
void wal_object_key(const struct wal_place *w, uint32_t tli, uint64_t number, char *key,
                    char name[WALFILE_NAME_MAX]);

/*
 * What the descriptor says: one small request, or none where the place has a cache and it was asked before. ERR_ABSENT
 * as the store says it; ERR_CORRUPT also when it is not what the key promises: another line's, timeline's or place's.
 */
enum err_code wal_object_facts(const struct wal_place *w, uint32_t tli, uint64_t number, struct wal_facts *f,
                               struct err *e);

/*
 * Push the segment's bytes through the scan: one request for the whole object. What is not of this place is
 * ERR_CORRUPT.
 */
enum err_code wal_object_scan(const struct wal_place *w, uint32_t tli, uint64_t number, struct walscan *scan,
                              struct err *e);

/*
 * How large a line's segments are, by the descriptor of the first that is stored: two requests. 0 when there is no WAL.
 */
enum err_code wal_object_segment_bytes(struct repo *r, const struct layout *l, uint32_t *out, struct err *e);
