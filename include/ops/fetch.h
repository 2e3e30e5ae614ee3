/*
 * ops/fetch.h - restore_command: one file out of the first repository that has a good copy.
 *
 * With a plan's path and end, `absent` is answered only where it is the truth for that plan: a segment the plan
 * needs and that is not there is ERR_REFUSED (the server must not fall back to the parent's segment and replay past
 * the fork, nor end recovery early), and a parent's segment at or past its fork is absent, whether stored or not.
 */
#pragma once
#include "base/err.h"
#include "repo/cluster.h"
#include <stdint.h>

struct fetch_options {
    const char *line;  /* 16 hex digits; NULL = from global/pg_control in the working directory             */
    const char *path;  /* timeline path, "1:0/5000148,2" (timeline_parse_path); NULL = no plan              */
    const char *until; /* name of the last segment the plan needs; only with path; NULL = none              */
    uint64_t ahead_bytes;           /* what may lie ready ahead of a recovery; 0 = nothing                 */
    void (*start_ahead)(void *arg); /* start a helper (ops/fetch_ahead.h) on its own; NULL = there is none */
    void *start_arg;
};

/*
 * A segment that lies ready in the recovery's window (repo/prefetch.h) is handed over without a repository: c may be
 * prepared only (cluster_prepare), and is connected when it has to be.
 *
 * Fetch file `name` (%f) to dest (%p), verified, by temporary name and rename. ERR_ABSENT only when every repository
 * answered so itself and the line exists there; otherwise the most telling of the failures.
 */
enum err_code ops_fetch(struct cluster *c, const struct fetch_options *o, const char *name, const char *dest,
                        struct err *e);
