/*
 * pg/basebackup_data.c - see pg/basebackup_data.h.
 *
 * No byte is taken on trust: an unknown message, an archive of a tablespace nobody told of and a COPY too many or too
 * few are errors.
 */
#include "pg/basebackup_data.h"

#include "pg/basebackup_command.h"

#include <assert.h>
#include <string.h>

enum err_code basebackup_data_send(struct basebackup_data *d, struct replproto *c, const char *command,
                                   struct err *e)
{
    *d = (struct basebackup_data){.connection = c, .pg = replproto_pgconn(c)};
    d->is_marked = libpq.serverVersion(d->pg) >= BASEBACKUP_MARKED_SINCE;
    return libpq.sendQuery(d->pg, command) == 1 ? ERR_OK : replproto_error(c, NULL, "start a base backup", e);
}

void basebackup_data_clear(struct basebackup_data *d)
{
    libpq.clear(d->pending);
    libpq.freemem(d->message);
}

/* ---- results ---- */

/* Behind its error the server says that it is ready; one that is left before that logs a FATAL of its own. */
static void hear_ready(struct basebackup_data *d)
{
    bool is_copy = false;
    PGresult *r;

    while (!is_copy && libpq.status(d->pg) == CONNECTION_OK && (r = libpq.getResult(d->pg)) != NULL) {
        is_copy = libpq.resultStatus(r) == PGRES_COPY_OUT; /* it would be told again and again */
        libpq.clear(r);
    }
}

/* A failure, the server's or the connection's. r is given back. */
static enum err_code refuse_result(struct basebackup_data *d, PGresult *r, struct err *e)
{
    bool is_servers = r != NULL;

    if (r == NULL && libpq.status(d->pg) == CONNECTION_OK)
        err_set(e, ERR_CORRUPT, "server ended the base backup too early");
    else
        replproto_error(d->connection, r, "take a base backup", e);
    libpq.clear(r);
    if (is_servers)
        hear_ready(d);
    return e->code;
}

enum err_code basebackup_data_result(struct basebackup_data *d, ExecStatusType wanted, PGresult **out,
                                     struct err *e)
{
    PGresult *r = d->pending != NULL ? d->pending : libpq.getResult(d->pg);
    ExecStatusType status = libpq.resultStatus(r);

    d->pending = NULL;
    if (r == NULL || status == PGRES_FATAL_ERROR)
        return refuse_result(d, r, e);
    if (status == wanted) {
        *out = r;
        return ERR_OK;
    }
    err_set(e, ERR_CORRUPT, "server sent %s instead of %s in a base backup", libpq.resStatus(status),
            libpq.resStatus(wanted));
    libpq.clear(r);
    return e->code;
}

enum err_code basebackup_data_end(struct basebackup_data *d, struct err *e)
{
    PGresult *r = libpq.getResult(d->pg);

    if (r == NULL)
        return ERR_OK;
    libpq.clear(r);
    return err_set(e, ERR_CORRUPT, "server goes on behind the end of a base backup");
}

/* ---- data ---- */

static enum err_code begin_copy(struct basebackup_data *d, struct err *e)
{
    PGresult *r;

    if (basebackup_data_result(d, PGRES_COPY_OUT, &r, e) != ERR_OK)
        return e->code;
    libpq.clear(r);
    d->in_copy = true;
    return ERR_OK;
}

/*
 * One message of the COPY; *len -1: the COPY has ended. To libpq an error ends a COPY just like its proper end does,
 * so the result behind it is looked at before the end is believed.
 */
static enum err_code next_message(struct basebackup_data *d, int *len, struct err *e)
{
    PGresult *r;

    libpq.freemem(d->message);
    d->message = NULL;
    *len = libpq.getCopyData(d->pg, &d->message, 0);
    if (*len >= 0)
        return ERR_OK;
    d->in_copy = false;
    r = libpq.getResult(d->pg);
    if (*len != -1 || r == NULL || libpq.resultStatus(r) == PGRES_FATAL_ERROR)
        return refuse_result(d, r, e);
    d->pending = r;
    return ERR_OK;
}

/* 13, 14: which COPY this is says what it carries. */
static enum err_code next_plain_piece(struct basebackup_data *d, struct piece *p, struct err *e)
{
    size_t copies = d->start->tablespace_count + 1; /* and the manifest */
    int len;

    if (d->in_copy) {
        if (next_message(d, &len, e) != ERR_OK)
            return e->code;
        if (len >= 0) {
            *p = (struct piece){.kind = PIECE_DATA, .bytes = d->message, .len = (size_t) len};
            return ERR_OK;
        }
    }
    if (d->begun == copies) {
        *p = (struct piece){.kind = PIECE_END};
        return ERR_OK;
    }
    if (begin_copy(d, e) != ERR_OK)
        return e->code;
    *p = (struct piece){.kind = d->begun < d->start->tablespace_count ? PIECE_ARCHIVE : PIECE_MANIFEST,
                        .tablespace = d->begun};
    d->begun++;
    return ERR_OK;
}

/* 'n' file name NUL location NUL: which of the tablespaces is that? */
static enum err_code find_archive(const struct basebackup_data *d, const char *text, size_t len,
                                  size_t *index, struct err *e)
{
    const char *name_end = memchr(text, '\0', len);
    const char *path = name_end != NULL ? name_end + 1 : NULL;
    const char *path_end = path != NULL ? memchr(path, '\0', len - (size_t) (path - text)) : NULL;

    if (path_end == NULL || path_end + 1 != text + len)
        return err_set(e, ERR_CORRUPT, "server sent a malformed archive header in a base backup");
    for (size_t i = 0; i < d->start->tablespace_count; i++) {
        const char *known = d->start->tablespaces[i].path;

        if (strcmp(path, known != NULL ? known : "") == 0) {
            *index = i;
            return ERR_OK;
        }
    }
    return err_set(e, ERR_CORRUPT, "server sent archive \"%s\" of an unknown tablespace \"%s\"", text, path);
}

/* A progress report becomes a piece of no bytes. */
static enum err_code read_marked(const struct basebackup_data *d, size_t len, struct piece *p, struct err *e)
{
    const char *body = d->message + 1;

    assert(len > 0); /* libpq passes over empty messages */
    *p = (struct piece){.kind = PIECE_DATA, .bytes = body, .len = len - 1};
    switch (d->message[0]) {
    case 'n':
        p->kind = PIECE_ARCHIVE;
        return find_archive(d, body, len - 1, &p->tablespace, e);
    case 'm':
        p->kind = PIECE_MANIFEST;
        return len == 1 ? ERR_OK
                        : err_set(e, ERR_CORRUPT, "server sent a malformed manifest header in a base backup");
    case 'd':
        return ERR_OK;
    case 'p':
        p->len = 0;
        return len == 9 ? ERR_OK
                        : err_set(e, ERR_CORRUPT, "server sent a malformed progress report in a base backup");
    default:
        return err_set(e, ERR_CORRUPT, "server sent a message of unknown type 0x%02x in a base backup",
                       (unsigned) (unsigned char) d->message[0]);
    }
}

/* 15 on. */
static enum err_code next_marked_piece(struct basebackup_data *d, struct piece *p, struct err *e)
{
    int len;

    if (!d->in_copy) { /* its end was seen already */
        *p = (struct piece){.kind = PIECE_END};
        return ERR_OK;
    }
    if (next_message(d, &len, e) != ERR_OK)
        return e->code;
    if (len < 0) {
        *p = (struct piece){.kind = PIECE_END};
        return ERR_OK;
    }
    return read_marked(d, (size_t) len, p, e);
}

enum err_code basebackup_data_open(struct basebackup_data *d, const struct basebackup_start *start,
                                   struct err *e)
{
    d->start = start;
    return d->is_marked ? begin_copy(d, e) : ERR_OK;
}

enum err_code basebackup_data_next(struct basebackup_data *d, struct piece *p, struct err *e)
{
    enum err_code code;

    do
        code = d->is_marked ? next_marked_piece(d, p, e) : next_plain_piece(d, p, e);
    while (code == ERR_OK && p->kind == PIECE_DATA && p->len == 0);
    return code;
}
