/*
 * pg/basebackup.c - see pg/basebackup.h.
 *
 * What comes of the server, and how it is framed, is on the page of basebackup_data.h. Here it gets its order and its
 * meaning: positions, tablespaces, archives, manifest. No byte is taken on trust: data before anything began, an
 * archive that is missing or comes twice and a missing manifest are errors.
 */
#include "pg/basebackup.h"

#include "pg/basebackup_data.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum state {
    STATE_BETWEEN,  /* before the first archive, or behind one; `ahead` is what comes */
    STATE_ARCHIVE,  /* inside one                                                     */
    STATE_MANIFEST, /* the manifest is next                                           */
    STATE_COPIED,   /* all data read                                                  */
    STATE_FINISHED,
    STATE_FAILED
};

struct basebackup {
    struct basebackup_data data;
    enum state state;
    struct basebackup_start start;
    bool *has_come; /* by tablespace */
    bool has_ahead;
    struct piece ahead; /* read, but it belongs to the next call */
};

/* ---- results before and behind the data ---- */

static enum err_code fail(struct basebackup *bb, struct err *e)
{
    bb->state = STATE_FAILED;
    return e->code;
}

static enum err_code next_result(struct basebackup *bb, ExecStatusType wanted, PGresult **out, struct err *e)
{
    return basebackup_data_result(&bb->data, wanted, out, e) == ERR_OK ? ERR_OK : fail(bb, e);
}

static enum err_code parse_number(const char *text, uint64_t max, uint64_t *out, struct err *e)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long long number = digits > 0 && digits < 20 ? strtoull(text, NULL, 10) : 0;

    if (digits == 0 || digits >= 20 || text[digits] != '\0' || number > max)
        return err_set(e, ERR_CORRUPT, "server sent \"%s\" where a number belongs", text);
    *out = number;
    return ERR_OK;
}

/* Start and stop are told the same way: one row, LSN and timeline. */
static enum err_code read_position(struct basebackup *bb, lsn *position, uint32_t *tli, struct err *e)
{
    PGresult *r;
    uint64_t number;
    lsn at;
    enum err_code code;

    if (next_result(bb, PGRES_TUPLES_OK, &r, e) != ERR_OK)
        return e->code;
    if (libpq.ntuples(r) != 1 || libpq.nfields(r) < 2)
        code = err_set(e, ERR_CORRUPT, "server sent no position in a base backup");
    else if ((code = lsn_parse(libpq.getvalue(r, 0, 0), &at, e)) == ERR_OK &&
             (code = parse_number(libpq.getvalue(r, 0, 1), UINT32_MAX, &number, e)) == ERR_OK) {
        *position = at;
        *tli = (uint32_t) number;
    }
    libpq.clear(r);
    return code == ERR_OK ? ERR_OK : fail(bb, e);
}

static enum err_code take_tablespace(const PGresult *r, int row, struct basebackup_tablespace *t,
                                     struct err *e)
{
    bool is_data_directory = libpq.getisnull(r, row, 1) != 0;
    uint64_t oid;

    if (is_data_directory != (row == libpq.ntuples(r) - 1))
        return err_set(e, ERR_CORRUPT, "server does not list the data directory last");
    if (!libpq.getisnull(r, row, 2) &&
        parse_number(libpq.getvalue(r, row, 2), INT64_MAX, &t->estimate_kb, e) != ERR_OK)
        return e->code;
    if (is_data_directory)
        return ERR_OK;
    if (parse_number(libpq.getvalue(r, row, 0), UINT32_MAX, &oid, e) != ERR_OK)
        return e->code;
    t->oid = (uint32_t) oid;
    t->path = strdup(libpq.getvalue(r, row, 1));
    return t->path != NULL ? ERR_OK : err_nomem(e, "a tablespace");
}

static enum err_code take_tablespaces(struct basebackup *bb, const PGresult *r, struct err *e)
{
    int rows = libpq.ntuples(r);

    if (rows < 1 || libpq.nfields(r) < 3)
        return err_set(e, ERR_CORRUPT, "server sent no list of tablespaces");
    bb->start.tablespaces = calloc((size_t) rows, sizeof(*bb->start.tablespaces));
    bb->has_come = calloc((size_t) rows, sizeof(*bb->has_come));
    if (bb->start.tablespaces == NULL || bb->has_come == NULL)
        return err_nomem(e, "tablespaces");
    bb->start.tablespace_count = (size_t) rows;
    for (int row = 0; row < rows; row++)
        if (take_tablespace(r, row, &bb->start.tablespaces[row], e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

static enum err_code read_tablespaces(struct basebackup *bb, struct err *e)
{
    PGresult *r;
    enum err_code code;

    if (next_result(bb, PGRES_TUPLES_OK, &r, e) != ERR_OK)
        return e->code;
    code = take_tablespaces(bb, r, e);
    libpq.clear(r);
    return code == ERR_OK ? ERR_OK : fail(bb, e);
}

/* ---- pieces of the data ---- */

static enum err_code next_piece(struct basebackup *bb, struct piece *p, struct err *e)
{
    if (!bb->has_ahead)
        return basebackup_data_next(&bb->data, p, e) == ERR_OK ? ERR_OK : fail(bb, e);
    *p = bb->ahead;
    bb->has_ahead = false;
    return ERR_OK;
}

/* The bytes that belong to what began last; *len 0 at its end, and what follows is kept for the next call. */
static enum err_code next_bytes(struct basebackup *bb, const void **bytes, size_t *len, struct err *e)
{
    struct piece p;

    if (next_piece(bb, &p, e) != ERR_OK)
        return e->code;
    *bytes = p.bytes;
    *len = p.kind == PIECE_DATA ? p.len : 0;
    if (p.kind != PIECE_DATA) {
        bb->ahead = p;
        bb->has_ahead = true;
    }
    return ERR_OK;
}

/* ---- the page ---- */

enum err_code basebackup_begin(struct replproto *c, const struct basebackup_options *o,
                               struct basebackup **out, struct err *e)
{
    CLEANUP(basebackup_freep) struct basebackup *bb = calloc(1, sizeof(*bb));
    CLEANUP(buf_clear) struct buf command = BUF_INIT(8192);

    if (bb == NULL)
        return err_nomem(e, "a base backup");
    if (basebackup_command(o, libpq.serverVersion(replproto_pgconn(c)), &command, e) != ERR_OK ||
        basebackup_data_send(&bb->data, c, buf_cstr(&command), e) != ERR_OK ||
        read_position(bb, &bb->start.position, &bb->start.tli, e) != ERR_OK ||
        read_tablespaces(bb, e) != ERR_OK || basebackup_data_open(&bb->data, &bb->start, e) != ERR_OK)
        return e->code;
    *out = bb;
    bb = NULL;
    return ERR_OK;
}

void basebackup_free(struct basebackup *bb)
{
    if (bb == NULL)
        return;
    for (size_t i = 0; i < bb->start.tablespace_count; i++)
        free(bb->start.tablespaces[i].path);
    free(bb->start.tablespaces);
    free(bb->has_come);
    basebackup_data_clear(&bb->data);
    free(bb);
}

void basebackup_freep(struct basebackup **bb)
{
    basebackup_free(*bb);
    *bb = NULL;
}

const struct basebackup_start *basebackup_start(const struct basebackup *bb)
{
    return &bb->start;
}

static enum err_code check_all_came(const struct basebackup *bb, struct err *e)
{
    for (size_t i = 0; i < bb->start.tablespace_count; i++)
        if (!bb->has_come[i])
            return err_set(e, ERR_CORRUPT, "server sent no archive of tablespace \"%s\"",
                           bb->start.tablespaces[i].path != NULL ? bb->start.tablespaces[i].path
                                                                 : "(data directory)");
    return ERR_OK;
}

/* No archive is next: all have come, and the manifest does. */
static enum err_code end_archives(struct basebackup *bb, const struct piece *p, struct err *e)
{
    if (check_all_came(bb, e) != ERR_OK)
        return fail(bb, e);
    if (p->kind != PIECE_MANIFEST) {
        err_set(e, ERR_CORRUPT, "server sent no manifest");
        return fail(bb, e);
    }
    bb->state = STATE_MANIFEST;
    return ERR_OK;
}

enum err_code basebackup_next_archive(struct basebackup *bb, const struct basebackup_tablespace **archive,
                                      bool *more, struct err *e)
{
    struct piece p;

    assert(bb->state == STATE_BETWEEN);
    if (next_piece(bb, &p, e) != ERR_OK)
        return e->code;
    if (p.kind == PIECE_MANIFEST || p.kind == PIECE_END) {
        if (end_archives(bb, &p, e) != ERR_OK)
            return e->code;
        *more = false;
        return ERR_OK;
    }
    if (p.kind == PIECE_DATA || bb->has_come[p.tablespace]) {
        err_set(e, ERR_CORRUPT,
                p.kind == PIECE_DATA ? "server sent data outside an archive in a base backup"
                                     : "server sent a tablespace twice in a base backup");
        return fail(bb, e);
    }
    bb->has_come[p.tablespace] = true;
    bb->state = STATE_ARCHIVE;
    *archive = &bb->start.tablespaces[p.tablespace];
    *more = true;
    return ERR_OK;
}

enum err_code basebackup_pull(void *arg, const void **bytes, size_t *len, struct err *e)
{
    struct basebackup *bb = arg;

    assert(bb->state == STATE_ARCHIVE);
    if (next_bytes(bb, bytes, len, e) != ERR_OK)
        return e->code;
    if (*len == 0)
        bb->state = STATE_BETWEEN;
    return ERR_OK;
}

enum err_code basebackup_manifest(struct basebackup *bb, struct buf *out, struct err *e)
{
    assert(bb->state == STATE_MANIFEST);
    for (;;) {
        const void *bytes = NULL;
        size_t len = 0;

        if (next_bytes(bb, &bytes, &len, e) != ERR_OK)
            return err_while(e, "reading the backup manifest");
        if (len == 0)
            break;
        if (buf_append(out, bytes, len, e) != ERR_OK) {
            err_while(e, "reading the backup manifest");
            return fail(bb, e);
        }
    }
    if (bb->ahead.kind != PIECE_END) {
        err_set(e, ERR_CORRUPT, "server goes on behind the manifest of a base backup");
        return fail(bb, e);
    }
    bb->state = STATE_COPIED;
    return ERR_OK;
}

enum err_code basebackup_finish(struct basebackup *bb, struct basebackup_end *out, struct err *e)
{
    struct basebackup_end end;
    PGresult *r;

    assert(bb->state == STATE_COPIED);
    if (read_position(bb, &end.position, &end.tli, e) != ERR_OK ||
        next_result(bb, PGRES_COMMAND_OK, &r, e) != ERR_OK)
        return e->code;
    libpq.clear(r);
    if (basebackup_data_end(&bb->data, e) != ERR_OK) /* nothing may follow success */
        return fail(bb, e);
    if (end.position < bb->start.position) {
        err_set(e, ERR_CORRUPT, "server says that the base backup ended before it began");
        return fail(bb, e);
    }
    bb->state = STATE_FINISHED;
    *out = end;
    return ERR_OK;
}
