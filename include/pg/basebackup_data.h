/*
 * pg/basebackup_data.h - what a server sends of a running BASE_BACKUP, as one sequence whichever way it frames it.
 *
 * Results    1  rows    start: LSN, timeline
 *            2  rows    tablespaces: oid, location, size in kB; the data directory last, oid and location null
 *            3  COPY    the data, below
 *            4  rows    stop: LSN, timeline
 *            5  command complete; an error may still come in its place
 * Data of 13, 14    one COPY a tablespace in the order of 2, each the bytes of a tar; then one with the manifest
 * Data of 15 on     one COPY; the first byte of a message says what it is:
 *                   'n' file name NUL location NUL   an archive begins (location "" for the data directory)
 *                   'm'                              the manifest begins
 *                   'd' bytes                        of what began last
 *                   'p' int64                        bytes done; passed over, since received bytes are counted
 * For basebackup.c, which gives the sequence its meaning. After a failure no call but _clear may follow.
 * Source    PostgreSQL manual, "Streaming Replication Protocol"; src/backend/backup/basebackup_copy.c.
 */
#pragma once
#include "base/err.h"
#include "pg/basebackup.h"
#include "pg/replproto.h"
#include <stdbool.h>
#include <stddef.h>

enum piece_kind { PIECE_ARCHIVE, PIECE_MANIFEST, PIECE_DATA, PIECE_END };

struct piece {
    enum piece_kind kind;
    const char *bytes; /* PIECE_DATA: at least one; borrowed until the next piece */
    size_t len;
    size_t tablespace; /* PIECE_ARCHIVE: index */
};

struct basebackup_data {
    struct replproto *connection; /* borrowed */
    PGconn *pg;
    bool is_marked;                       /* 15 on                                   */
    const struct basebackup_start *start; /* borrowed; set by basebackup_data_open   */
    size_t begun;                         /* COPYs of 13, 14 so far                  */
    bool in_copy;                         /* between a COPY's begin and its end      */
    PGresult *pending;                    /* what came behind a COPY; owned          */
    char *message;                        /* libpq's, the last one                   */
};

/* Send the command. */
enum err_code basebackup_data_send(struct basebackup_data *d, struct replproto *c, const char *command,
                                   struct err *e);
void basebackup_data_clear(struct basebackup_data *d);

/*
 * The next result, the caller's to libpq.clear. Every other kind is ERR_CORRUPT, as is an end too early; the server's
 * own failure is what replproto_error makes of it.
 */
enum err_code basebackup_data_result(struct basebackup_data *d, ExecStatusType wanted, PGresult **out,
                                     struct err *e);
/* No more results: ERR_CORRUPT when there is one. */
enum err_code basebackup_data_end(struct basebackup_data *d, struct err *e);

/* Come to the data, of these tablespaces. */
enum err_code basebackup_data_open(struct basebackup_data *d, const struct basebackup_start *start,
                                   struct err *e);
/* The next piece of it. Behind PIECE_END come results again. */
enum err_code basebackup_data_next(struct basebackup_data *d, struct piece *p, struct err *e);
