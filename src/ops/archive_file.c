/*
 * ops/archive_file.c - see ops/archive_file.h.
 */
#include "ops/archive_file.h"

#include "base/log.h"
#include "ops/wal_damage.h"
#include "ops/wal_digest.h"
#include "pg/control.h"
#include "repo/layout.h"
#include "repo/wal_notes.h"
#include "stream/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_FILE_MAX ((off_t) 1 << 20) /* a history or backup history file */

bool archive_file_is_wal(const struct archive_file *f)
{
    return f->file.kind == WALFILE_SEGMENT || f->file.kind == WALFILE_PARTIAL;
}

void archive_file_clear(struct archive_file *f)
{
    packed_clear(&f->content);
    if (f->fd >= 0)
        (void) close(f->fd);
    f->fd = -1;
}

static enum err_code open_file(struct archive_file *f, struct err *e)
{
    f->fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO must not be waited for */
    if (f->fd < 0)
        return err_sys(e, ERR_IO, errno, "could not open file \"%s\"", f->path);
    if (fstat(f->fd, &f->stat) != 0)
        return err_sys(e, ERR_IO, errno, "could not stat file \"%s\"", f->path);
    if (!S_ISREG(f->stat.st_mode))
        return err_set(e, ERR_USAGE, "\"%s\" is not a regular file", f->path);
    if (f->stat.st_size == 0)
        return err_set(e, ERR_CORRUPT, "file \"%s\" is empty", f->path);
    if (!archive_file_is_wal(f) && f->stat.st_size > TEXT_FILE_MAX)
        return err_set(e, ERR_CORRUPT, "file \"%s\" is too large for what its name says", f->path);
    f->size = (uint64_t) f->stat.st_size;
    return ERR_OK;
}

static enum err_code check_page(struct archive_file *f, struct err *e)
{
    uint8_t head[WALPAGE_LONG_HEADER];
    ssize_t got = pread(f->fd, head, sizeof(head), 0);

    if (got < 0)
        return err_sys(e, ERR_IO, errno, "could not read file \"%s\"", f->path);
    if (walpage_parse(head, (size_t) got, &f->page, e) != ERR_OK ||
        walpage_check_name(&f->page, &f->file, e) != ERR_OK)
        return err_while(e, "file \"%s\" is not fit to be archived", f->path);
    if (f->size != f->page.segment_bytes)
        return err_set(e, ERR_CORRUPT,
                       "file \"%s\" has %" PRIu64 " bytes, but its header says a segment has %" PRIu32,
                       f->path, f->size, f->page.segment_bytes);
    f->system_identifier = f->page.system_identifier;
    f->major = f->page.major;
    return ERR_OK;
}

/* The path without its last `cut` components. */
static void path_before(const struct archive_file *f, int cut, char *out, size_t size)
{
    const char *end = f->path + strlen(f->path);

    for (; cut > 0 && end > f->path; cut--)
        for (end--; end > f->path && *end != '/'; end--)
            ;
    if (end == f->path)
        (void) snprintf(out, size, "%s", *f->path == '/' ? "/" : ".");
    else
        (void) snprintf(out, size, "%.*s", (int) (end - f->path), f->path);
}

void archive_file_directory(const struct archive_file *f, char *out, size_t size)
{
    path_before(f, 1, out, size);
}

void archive_file_pgdata(const struct archive_file *f, char *out, size_t size)
{
    path_before(f, 2, out, size);
}

/*
 * "archive_status/NAME.ready" or ".done" beside the file, or the directory itself. What can't be looked at counts as
 * there.
 */
static bool has_status(const struct archive_file *f, const char *suffix)
{
    char path[PATH_MAX];
    const int dir_len = (int) (f->name - f->path);

    if (suffix == NULL)
        (void) snprintf(path, sizeof(path), "%.*sarchive_status", dir_len, f->path);
    else
        (void) snprintf(path, sizeof(path), "%.*sarchive_status/%s%s", dir_len, f->path, f->name, suffix);
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool archive_file_has_status(const struct archive_file *f)
{
    return has_status(f, NULL);
}

/*
 * In pg_wal a segment without a status is one that the server still writes, or has made ready to write: stored now, it
 * would for ever be in the way of the whole one. The server makes NAME.ready before it calls its archiver, and renames
 * it to NAME.done: so .ready is looked for first. Copies elsewhere, as pg_receivewal's, have no archive_status beside
 * them. Source: PostgreSQL src/backend/access/transam/xlogarchive.c, 13 to 18.
 */
static enum err_code check_status(const struct archive_file *f, struct err *e)
{
    if (f->file.kind != WALFILE_SEGMENT || !has_status(f, NULL) || has_status(f, ".ready") ||
        has_status(f, ".done"))
        return ERR_OK;
    err_set(e, ERR_REFUSED,
            "PostgreSQL has not asked for segment \"%s\" to be archived: it may not be complete", f->path);
    return err_hint(
        e, "%s",
        "Leave it to the server, which calls archive_command when it is. Only of a server that will never "
        "run again, archive a copy in another directory.");
}

/* Segments carry their cluster's identity, and must be those of the cluster whose directory they lie in, if any. */
static enum err_code check_control(struct archive_file *f, struct err *e)
{
    char pgdata[4096];
    struct control control;
    struct err why = ERR_NONE;

    archive_file_pgdata(f, pgdata, sizeof(pgdata));
    if (control_read(pgdata, &control, &why) != ERR_OK) {
        if (archive_file_is_wal(f))
            return ERR_OK;
        *e = why;
        return err_while(e, "the cluster that \"%s\" belongs to is not known", f->name);
    }
    if (archive_file_is_wal(f) && control.system_identifier != f->system_identifier)
        return err_set(e, ERR_REFUSED,
                       "file \"%s\" is of system identifier %" PRIu64
                       ", but the cluster it lies in is %" PRIu64,
                       f->path, f->system_identifier, control.system_identifier);
    f->system_identifier = control.system_identifier;
    if (!archive_file_is_wal(f))
        f->major = control.major;
    return ERR_OK;
}

enum err_code archive_file_open(struct archive_file *f, const char *path, struct err *e)
{
    *f = ARCHIVE_FILE_NONE;
    f->path = path;
    f->name = layout_base_name(path);
    if (walfile_parse(f->name, &f->file, e) != ERR_OK || open_file(f, e) != ERR_OK ||
        check_status(f, e) != ERR_OK || (archive_file_is_wal(f) && check_page(f, e) != ERR_OK))
        return e->code;
    return check_control(f, e);
}

struct gate_sink {
    struct sink base;
    const struct archive_file *file;
};

static enum err_code gate_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    const struct archive_file *f = ((const struct gate_sink *) s)->file;

    f->gate->pass(f->gate->arg, f->content.kept_bytes + len);
    return sink_write(s->next, bytes, len, e);
}

static enum err_code gate_finish(struct sink *s, struct err *e)
{
    return sink_finish(s->next, e);
}

static void gate_free(struct sink *s)
{
    free(s);
}

static const struct sink_ops gate_ops = {gate_write, gate_finish, gate_free};

static enum err_code gate_new(const struct archive_file *f, struct sink *next, struct sink **out,
                              struct err *e)
{
    struct gate_sink *made = malloc(sizeof(*made));

    if (made == NULL) {
        sink_free(next);
        return err_nomem(e, "a gate");
    }
    *made = (struct gate_sink){.base = {&gate_ops, next}, .file = f};
    *out = &made->base;
    return ERR_OK;
}

/*
 * The chain of a pass, which owns its observer: in front of that the compressor, where the file is not too large to
 * keep, and the gate, where somebody wants to know how much that is.
 */
static enum err_code chain_new(struct archive_file *f, enum codec codec, int level, struct sink *observer,
                               struct sink **chain, struct err *e)
{
    struct sink *packing;

    f->is_packed = f->size <= ARCHIVE_FILE_PACKED;
    if (!f->is_packed) {
        *chain = observer;
        return ERR_OK;
    }
    if (packed_sink_new(&f->content, codec, level, observer, &packing, e) != ERR_OK)
        return e->code;
    if (f->gate != NULL)
        return gate_new(f, packing, chain, e);
    *chain = packing;
    return ERR_OK;
}

static enum err_code pass(const struct archive_file *f, struct sink *chain, struct err *e)
{
    if (file_push(f->fd, f->path, chain, e) != ERR_OK || sink_finish(chain, e) != ERR_OK)
        return e->code;
    if (f->is_packed && f->content.plain_bytes != f->size)
        return err_set(e, ERR_IO, "file \"%s\" changed while it was read", f->path);
    return ERR_OK;
}

static enum err_code read_text(struct archive_file *f, enum codec codec, int level, struct err *e)
{
    CLEANUP(sink_freep) struct sink *chain = NULL;
    struct sink *hash;

    if (sha256_sink_new(NULL, &hash, e) != ERR_OK || chain_new(f, codec, level, hash, &chain, e) != ERR_OK ||
        pass(f, chain, e) != ERR_OK)
        return e->code;
    return sha256_sink_digest(hash, f->sha256, e);
}

/* PostgreSQL demands that it is taken, and what of it is good is worth having. */
static void warn_of_damage(const struct archive_file *f, lsn at)
{
    char text[LSN_TEXT_MAX];

    lsn_format(at, text);
    log_warning("valid WAL ends at LSN %s, inside segment \"%s\", storing it as it is", text, f->name);
    log_hint("No recovery gets past that LSN. Look for the cause, and take a new backup: it does not need "
             "this segment.");
}

/* What a scan of the whole has found. Behind a good end lies filler; what lies behind damage may be missed. */
static void conclude(struct archive_file *f, const struct walscan *scan, const struct sink *digest)
{
    lsn damage = wal_damage_at(scan, &f->file, &f->page, f->path);

    wal_notes_conclude(&f->facts, scan);
    f->facts.is_damaged = damage != 0;
    if (f->facts.is_damaged)
        warn_of_damage(f, damage);
    else
        f->facts.has_valid = wal_digest_valid(digest, f->facts.valid_sha256);
}

static enum err_code read_wal(struct archive_file *f, enum codec codec, int level, struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    CLEANUP(sink_freep) struct sink *chain = NULL;
    struct sink *digest;
    struct wal_notes notes;

    wal_facts_of_page(&f->page, f->file.tli, &f->facts);
    wal_notes_init(&notes, &f->facts);
    if (walscan_new(f->page.segment_bytes, f->page.address, wal_notes_take, &notes, &scan, e) != ERR_OK ||
        wal_digest_sink_new(scan, f->page.address, &digest, e) != ERR_OK ||
        chain_new(f, codec, level, digest, &chain, e) != ERR_OK || pass(f, chain, e) != ERR_OK ||
        wal_digest_whole(digest, f->sha256, e) != ERR_OK)
        return e->code;
    conclude(f, scan, digest);
    return ERR_OK;
}

enum err_code archive_file_read(struct archive_file *f, enum codec codec, int level, struct err *e)
{
    return archive_file_is_wal(f) ? read_wal(f, codec, level, e) : read_text(f, codec, level, e);
}

/* The digest must still be the first reading's. */
enum err_code archive_file_push(void *archive_file, struct sink *to, struct err *e)
{
    struct archive_file *f = archive_file;
    CLEANUP(sink_freep) struct sink *hash = NULL;
    uint8_t digest[SHA256_BYTES];
    CLEANUP(buf_clear) struct buf piece = BUF_INIT((size_t) 1 << 20);
    uint64_t at = 0;

    if (sha256_sink_new(NULL, &hash, e) != ERR_OK || buf_reserve(&piece, piece.max, e) != ERR_OK)
        return e->code;
    while (at < f->size) {
        ssize_t got = pread(f->fd, piece.data, piece.max, (off_t) at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_sys(e, ERR_IO, got < 0 ? errno : EIO, "could not read file \"%s\"", f->path);
        if (sink_write(hash, piece.data, (size_t) got, e) != ERR_OK ||
            sink_write(to, piece.data, (size_t) got, e) != ERR_OK)
            return e->code;
        at += (uint64_t) got;
    }
    if (sink_finish(hash, e) != ERR_OK || sha256_sink_digest(hash, digest, e) != ERR_OK)
        return e->code;
    if (memcmp(digest, f->sha256, SHA256_BYTES) != 0)
        return err_set(e, ERR_IO, "file \"%s\" changed while it was read", f->path);
    return ERR_OK;
}
