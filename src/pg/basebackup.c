/*
 * pg/basebackup.c - see pg/basebackup.h.
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
 * Both are read as one sequence of pieces (struct piece), so that everything above next_piece is the same code.
 *
 * No byte is taken on trust: an unknown message, an archive too many or too few, data before anything began and a
 * missing manifest are errors.
 */
#include "pg/basebackup.h"

#include "pg/label.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARKED_SINCE 150000 /* the version that brought parentheses and marked messages */

enum piece_kind { PIECE_ARCHIVE, PIECE_MANIFEST, PIECE_DATA, PIECE_END };

struct piece {
    enum piece_kind kind;
    const char *bytes; /* PIECE_DATA: borrowed until the next piece */
    size_t len;
    size_t tablespace; /* PIECE_ARCHIVE: index */
};

enum state {
    STATE_BETWEEN,  /* before the first archive, or behind one; `ahead` is what comes */
    STATE_ARCHIVE,  /* inside one                                                     */
    STATE_MANIFEST, /* the manifest is next                                           */
    STATE_COPIED,   /* all data read                                                  */
    STATE_FINISHED,
    STATE_FAILED
};

struct basebackup {
    struct replproto *connection;
    PGconn *pg;
    bool is_marked;
    enum state state;
    struct basebackup_start start;
    bool *has_come;    /* by tablespace           */
    size_t begun;      /* COPYs of 13, 14 so far  */
    bool in_copy;      /* between a COPY's begin and its end */
    PGresult *pending; /* what came behind a COPY; owned */
    char *message;     /* libpq's, the last one   */
    bool has_ahead;
    struct piece ahead; /* read, but it belongs to the next call */
};

/* ---- the command ---- */

static enum err_code check_options(const struct basebackup_options *o, const char *label, struct err *e)
{
    for (const char *c = label; *c != '\0'; c++)
        if (iscntrl((unsigned char) *c))
            return err_set(e, ERR_USAGE, "the backup's label must be one line without control characters");
    if (label[0] == '\0' || strlen(label) > LABEL_NAME_MAX - 1)
        return err_set(e, ERR_USAGE, "the backup's label must have 1 to %d bytes", LABEL_NAME_MAX - 1);
    if (o->max_rate_kb != 0 &&
        (o->max_rate_kb < BASEBACKUP_MIN_RATE_KB || o->max_rate_kb > BASEBACKUP_MAX_RATE_KB))
        return err_set(e, ERR_USAGE, "the rate limit must be between %d and %d kB/s", BASEBACKUP_MIN_RATE_KB,
                       BASEBACKUP_MAX_RATE_KB);
    return ERR_OK;
}

/* The grammar's only escape: a quote is doubled. */
static enum err_code put_literal(struct buf *out, const char *text, struct err *e)
{
    if (buf_puts(out, "'", e) != ERR_OK)
        return e->code;
    for (const char *c = text; *c != '\0'; c++)
        if (buf_append(out, *c == '\'' ? "''" : c, *c == '\'' ? 2 : 1, e) != ERR_OK)
            return e->code;
    return buf_puts(out, "'", e);
}

static enum err_code put_keywords(const struct basebackup_options *o, const char *label, struct buf *out,
                                  struct err *e)
{
    if (buf_puts(out, "BASE_BACKUP LABEL ", e) != ERR_OK || put_literal(out, label, e) != ERR_OK ||
        buf_puts(out, " PROGRESS", e) != ERR_OK)
        return e->code;
    if (o->fast_checkpoint && buf_puts(out, " FAST", e) != ERR_OK)
        return e->code;
    if (buf_puts(out, " NOWAIT", e) != ERR_OK)
        return e->code;
    if (o->max_rate_kb != 0 && buf_printf(out, e, " MAX_RATE %u", o->max_rate_kb) != ERR_OK)
        return e->code;
    return buf_puts(out, " MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'", e);
}

static enum err_code put_parentheses(const struct basebackup_options *o, const char *label, struct buf *out,
                                     struct err *e)
{
    if (buf_puts(out, "BASE_BACKUP (LABEL ", e) != ERR_OK || put_literal(out, label, e) != ERR_OK)
        return e->code;
    if (buf_printf(out, e, ", PROGRESS true, CHECKPOINT '%s', WAIT false",
                   o->fast_checkpoint ? "fast" : "spread") != ERR_OK)
        return e->code;
    if (o->max_rate_kb != 0 && buf_printf(out, e, ", MAX_RATE %u", o->max_rate_kb) != ERR_OK)
        return e->code;
    return buf_puts(out, ", VERIFY_CHECKSUMS true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C')", e);
}

enum err_code basebackup_command(const struct basebackup_options *o, int server_version, struct buf *out,
                                 struct err *e)
{
    const char *label = o->label != NULL ? o->label : "pitr";

    if (check_options(o, label, e) != ERR_OK)
        return e->code;
    return server_version >= MARKED_SINCE ? put_parentheses(o, label, out, e)
                                          : put_keywords(o, label, out, e);
}

/* ---- results before and behind the data ---- */

static enum err_code fail(struct basebackup *bb, struct err *e)
{
    bb->state = STATE_FAILED;
    return e->code;
}

/* A failure, the server's or the connection's. r is given back. */
static enum err_code refuse_result(struct basebackup *bb, PGresult *r, struct err *e)
{
    if (r == NULL && PQstatus(bb->pg) == CONNECTION_OK)
        err_set(e, ERR_CORRUPT, "server ended the base backup too early");
    else
        replproto_error(bb->connection, r, "take a base backup", e);
    PQclear(r);
    return fail(bb, e);
}

/* The next result, if it is of this kind; every other is an error. */
static enum err_code next_result(struct basebackup *bb, ExecStatusType wanted, PGresult **out, struct err *e)
{
    PGresult *r = bb->pending != NULL ? bb->pending : PQgetResult(bb->pg);
    ExecStatusType status = PQresultStatus(r);

    bb->pending = NULL;
    if (r == NULL || status == PGRES_FATAL_ERROR)
        return refuse_result(bb, r, e);
    if (status == wanted) {
        *out = r;
        return ERR_OK;
    }
    err_set(e, ERR_CORRUPT, "server sent %s instead of %s in a base backup", PQresStatus(status),
            PQresStatus(wanted));
    PQclear(r);
    return fail(bb, e);
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
    if (PQntuples(r) != 1 || PQnfields(r) < 2)
        code = err_set(e, ERR_CORRUPT, "server sent no position in a base backup");
    else if ((code = lsn_parse(PQgetvalue(r, 0, 0), &at, e)) == ERR_OK &&
             (code = parse_number(PQgetvalue(r, 0, 1), UINT32_MAX, &number, e)) == ERR_OK) {
        *position = at;
        *tli = (uint32_t) number;
    }
    PQclear(r);
    return code == ERR_OK ? ERR_OK : fail(bb, e);
}

static enum err_code take_tablespace(const PGresult *r, int row, struct basebackup_tablespace *t,
                                     struct err *e)
{
    bool is_data_directory = PQgetisnull(r, row, 1) != 0;
    uint64_t oid;

    if (is_data_directory != (row == PQntuples(r) - 1))
        return err_set(e, ERR_CORRUPT, "server does not list the data directory last");
    if (!PQgetisnull(r, row, 2) &&
        parse_number(PQgetvalue(r, row, 2), INT64_MAX, &t->estimate_kb, e) != ERR_OK)
        return e->code;
    if (is_data_directory)
        return ERR_OK;
    if (parse_number(PQgetvalue(r, row, 0), UINT32_MAX, &oid, e) != ERR_OK)
        return e->code;
    t->oid = (uint32_t) oid;
    t->path = strdup(PQgetvalue(r, row, 1));
    return t->path != NULL ? ERR_OK : err_nomem(e, "a tablespace");
}

static enum err_code take_tablespaces(struct basebackup *bb, const PGresult *r, struct err *e)
{
    int rows = PQntuples(r);

    if (rows < 1 || PQnfields(r) < 3)
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
    PQclear(r);
    return code == ERR_OK ? ERR_OK : fail(bb, e);
}

/* ---- pieces ---- */

static enum err_code begin_copy(struct basebackup *bb, struct err *e)
{
    PGresult *r;

    if (next_result(bb, PGRES_COPY_OUT, &r, e) != ERR_OK)
        return e->code;
    PQclear(r);
    bb->in_copy = true;
    return ERR_OK;
}

/*
 * One message of the COPY; *len -1: the COPY has ended. To libpq an error ends a COPY just like its proper end does,
 * so the result behind it is looked at before the end is believed.
 */
static enum err_code next_message(struct basebackup *bb, int *len, struct err *e)
{
    PGresult *r;

    PQfreemem(bb->message);
    bb->message = NULL;
    *len = PQgetCopyData(bb->pg, &bb->message, 0);
    if (*len >= 0)
        return ERR_OK;
    bb->in_copy = false;
    r = PQgetResult(bb->pg);
    if (*len != -1 || r == NULL || PQresultStatus(r) == PGRES_FATAL_ERROR)
        return refuse_result(bb, r, e);
    bb->pending = r;
    return ERR_OK;
}

/* 13, 14: which COPY this is says what it carries. */
static enum err_code next_plain_piece(struct basebackup *bb, struct piece *p, struct err *e)
{
    size_t copies = bb->start.tablespace_count + 1; /* and the manifest */
    int len;

    if (bb->in_copy) {
        if (next_message(bb, &len, e) != ERR_OK)
            return e->code;
        if (len >= 0) {
            *p = (struct piece){.kind = PIECE_DATA, .bytes = bb->message, .len = (size_t) len};
            return ERR_OK;
        }
    }
    if (bb->begun == copies) {
        *p = (struct piece){.kind = PIECE_END};
        return ERR_OK;
    }
    if (begin_copy(bb, e) != ERR_OK)
        return e->code;
    *p = (struct piece){.kind = bb->begun < bb->start.tablespace_count ? PIECE_ARCHIVE : PIECE_MANIFEST,
                        .tablespace = bb->begun};
    bb->begun++;
    return ERR_OK;
}

/* 'n' file name NUL location NUL: which of the tablespaces is that? */
static enum err_code find_archive(const struct basebackup *bb, const char *text, size_t len, size_t *index,
                                  struct err *e)
{
    const char *name_end = memchr(text, '\0', len);
    const char *path = name_end != NULL ? name_end + 1 : NULL;
    const char *path_end = path != NULL ? memchr(path, '\0', len - (size_t) (path - text)) : NULL;

    if (path_end == NULL || path_end + 1 != text + len)
        return err_set(e, ERR_CORRUPT, "server sent a malformed archive header in a base backup");
    for (size_t i = 0; i < bb->start.tablespace_count; i++) {
        const char *known = bb->start.tablespaces[i].path;

        if (strcmp(path, known != NULL ? known : "") == 0) {
            *index = i;
            return ERR_OK;
        }
    }
    return err_set(e, ERR_CORRUPT, "server sent archive \"%s\" of an unknown tablespace \"%s\"", text, path);
}

static enum err_code read_marked(const struct basebackup *bb, size_t len, struct piece *p, struct err *e)
{
    const char *body = bb->message + 1;

    assert(len > 0); /* libpq passes over empty messages */
    *p = (struct piece){.kind = PIECE_DATA, .bytes = body, .len = len - 1};
    switch (bb->message[0]) {
    case 'n':
        p->kind = PIECE_ARCHIVE;
        return find_archive(bb, body, len - 1, &p->tablespace, e);
    case 'm':
        p->kind = PIECE_MANIFEST;
        return len == 1 ? ERR_OK
                        : err_set(e, ERR_CORRUPT, "server sent a malformed manifest header in a base backup");
    case 'd':
        return ERR_OK;
    case 'p': /* no bytes of anything */
        p->len = 0;
        return len == 9 ? ERR_OK
                        : err_set(e, ERR_CORRUPT, "server sent a malformed progress report in a base backup");
    default:
        return err_set(e, ERR_CORRUPT, "server sent a message of unknown type 0x%02x in a base backup",
                       (unsigned) (unsigned char) bb->message[0]);
    }
}

/* 15 on. */
static enum err_code next_marked_piece(struct basebackup *bb, struct piece *p, struct err *e)
{
    int len;

    if (!bb->in_copy) { /* its end was seen already */
        *p = (struct piece){.kind = PIECE_END};
        return ERR_OK;
    }
    do {
        if (next_message(bb, &len, e) != ERR_OK)
            return e->code;
        if (len < 0) {
            *p = (struct piece){.kind = PIECE_END};
            return ERR_OK;
        }
        if (read_marked(bb, (size_t) len, p, e) != ERR_OK)
            return e->code;
    } while (p->kind == PIECE_DATA && bb->message[0] == 'p');
    return ERR_OK;
}

static enum err_code next_piece(struct basebackup *bb, struct piece *p, struct err *e)
{
    enum err_code code;

    if (bb->has_ahead) {
        *p = bb->ahead;
        bb->has_ahead = false;
        return ERR_OK;
    }
    do
        code = bb->is_marked ? next_marked_piece(bb, p, e) : next_plain_piece(bb, p, e);
    while (code == ERR_OK && p->kind == PIECE_DATA && p->len == 0);
    return code == ERR_OK ? ERR_OK : fail(bb, e);
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
    bb->connection = c;
    bb->pg = replproto_pgconn(c);
    bb->is_marked = PQserverVersion(bb->pg) >= MARKED_SINCE;
    if (basebackup_command(o, PQserverVersion(bb->pg), &command, e) != ERR_OK)
        return e->code;
    if (PQsendQuery(bb->pg, buf_cstr(&command)) != 1)
        return replproto_error(c, NULL, "start a base backup", e);
    if (read_position(bb, &bb->start.position, &bb->start.tli, e) != ERR_OK ||
        read_tablespaces(bb, e) != ERR_OK)
        return e->code;
    if (bb->is_marked && begin_copy(bb, e) != ERR_OK)
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
    PQclear(bb->pending);
    PQfreemem(bb->message);
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
    PQclear(r);
    r = PQgetResult(bb->pg);
    if (r != NULL) { /* nothing may follow success */
        err_set(e, ERR_CORRUPT, "server goes on behind the end of a base backup");
        PQclear(r);
        return fail(bb, e);
    }
    if (end.position < bb->start.position) {
        err_set(e, ERR_CORRUPT, "server says that the base backup ended before it began");
        return fail(bb, e);
    }
    bb->state = STATE_FINISHED;
    *out = end;
    return ERR_OK;
}
