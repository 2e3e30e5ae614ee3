/*
 * cli/tablespace_options.h - the --tablespace options as pairs of directories.
 */
#pragma once
#include "base/err.h"
#include "cli/setting.h"
#include "ops/restore.h"

struct tablespace_mappings {
    struct tablespace_mapping *list; /* strings owned */
    size_t count;
};

/*
 * Each item is OLD=NEW, two absolute paths, where "\=" is an equals sign of a path, as for pg_basebackup. ERR_USAGE
 * otherwise.
 */
enum err_code tablespaces_from_setting(const struct setting *s, struct tablespace_mappings *out,
                                       struct err *e);
/* For CLEANUP(tablespaces_clear); an empty one is fine. */
void tablespaces_clear(struct tablespace_mappings *m);
