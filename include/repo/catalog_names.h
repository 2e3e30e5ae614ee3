/*
 * repo/catalog_names.h - the catalog of a backup in memory: the name of a relation that WAL tells by numbers.
 *
 * Memory    24 bytes a relation, and its names: some 60 to 100 bytes together. The text is in order, so nothing is
 *           sorted, and a relation is found by binary search.
 */
#pragma once
#include "base/err.h"
#include "repo/backup_catalog.h"
#include "repo/layout.h"
#include "repo/repo.h"

struct catalog_names;

/*
 * Read the catalog of a backup: one request. ERR_ABSENT: it has none; ERR_DENIED: no identity fits. catalog_names_freep
 * is for CLEANUP.
 */
enum err_code catalog_names_read(struct repo *r, const struct layout *l, const char *backup_id,
                                 struct catalog_names **out, struct err *e);
void catalog_names_free(struct catalog_names *c);
void catalog_names_freep(struct catalog_names **c);

/*
 * A database by its OID. *unread (NULL allowed): why its relations, or those behind some point, are not known; NULL
 * when they are. False: there was none. Strings are borrowed for the life of c.
 */
bool catalog_names_database(const struct catalog_names *c, uint32_t oid, struct catalog_database *out,
                            const char **unread);

/*
 * A relation as WAL names it. Those that all databases share have database 0 there too. False: not in the catalog.
 * Strings are borrowed for the life of c.
 */
bool catalog_names_relation(const struct catalog_names *c, uint32_t tablespace, uint32_t database,
                            uint32_t relfilenode, struct catalog_relation *out);
