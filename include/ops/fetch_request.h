/*
 * ops/fetch_request.h - one WAL file that a recovery asks for: whose it is, may it be absent, and a good copy of it.
 */
#pragma once
#include "base/err.h"
#include "ops/fetch.h"
#include "pg/control.h"
#include "pg/timeline.h"
#include "pg/walseg.h"
#include "repo/cluster.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stdbool.h>

struct fetch_request {
    struct walfile file;
    const char *name; /* borrowed */
    struct layout layout;
    bool has_control; /* the working directory is a data directory that can be read */
    struct control control;
    struct timeline_path path; /* empty without a plan */
    struct walfile until;
    bool has_until;
    bool is_needed;     /* the plan says that it must be there                                       */
    bool is_through;    /* and that replay goes on behind it, into the next segment                  */
    bool wants_no_harm; /* a copy whose WAL was damaged when it was archived is none, whatever the plan */
};

/* Read name, line and plan; pg_control from the working directory, where it must be there for what was not said. */
enum err_code fetch_request_init(struct fetch_request *q, const char *cluster, const struct fetch_options *o,
                                 const char *name, struct err *e);
void fetch_request_clear(struct fetch_request *q);

/*
 * On a plan's path a segment belongs to the newest timeline that begins at or before its end; asked for on an older
 * one (the server's fallback when the newer lacks it) it is not part of this history, whether stored or not: foreign.
 * Fills in is_needed and is_through.
 */
enum err_code fetch_request_judge(struct fetch_request *q, bool *is_foreign, struct err *e);

/* (log, segment) order is WAL order whatever the segment size. */
bool fetch_is_behind(const struct walfile *a, const struct walfile *b);

/*
 * Get the file from one repository and write it, verified, from fd's beginning on; what was there is gone. It is the
 * one of its name and of this cluster, and whole, only when the answer is ERR_OK. One whose WAL was damaged when it was
 * archived is ERR_CORRUPT where the plan goes on behind it, else a warning. what: fd's name for messages.
 */
enum err_code fetch_request_copy(const struct fetch_request *q, struct repo *r, int fd, const char *what,
                                 uint64_t *bytes, struct err *e);

/* Ask one repository: ERR_OK, or why it gives no good copy. */
typedef enum err_code fetch_ask(void *arg, struct repo *r, struct err *e);

/*
 * The first good copy, each repository being asked once, from the `first` on; *from: the one that gave it. One that is
 * damaged or can't be reached is passed over, with a warning where is_told. ERR_ABSENT only when all say so,
 * ERR_UNREACHABLE only when the others say so, else the first other failure; a full disk of ours ends it at once,
 * whatever came before.
 */
enum err_code fetch_first_good(const struct cluster *c, size_t first, bool is_told, fetch_ask *ask, void *arg,
                               size_t *from, struct err *e);

/* Of reading none of these is an answer: the disk that is written to has no room. */
bool fetch_is_full(const struct err *e);
