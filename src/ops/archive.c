/*
 * ops/archive.c - see ops/archive.h.
 *
 * The file is opened once: header, size, digest and content are of one file, whatever the path names later.
 * A file of up to MEMORY_MAX bytes is read once and kept, so hashing and sealing see the very same bytes. A larger one
 * (segments of up to 1 GiB) is read twice in pieces; the second reading is hashed again, so that a file that changed in
 * between is refused before its object exists. The pass that hashes also reads the WAL records, for the descriptor.
 */
#include "ops/archive.h"

#include "base/log.h"
#include "ops/wal_damage.h"
#include "ops/wal_digest.h"
#include "pg/control.h"
#include "pg/walpage.h"
#include "repo/line.h"
#include "repo/object.h"
#include "repo/wal_facts.h"
#include "repo/wal_notes.h"
#include "repo/wal_run.h"
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

#define MEMORY_MAX    ((size_t) 64 << 20)
#define TEXT_FILE_MAX ((off_t) 1 << 20) /* a history or backup history file */

/* The file to push, and what was found out about it. */
struct subject {
    const char *path;
    const char *name;
    struct walfile file;
    int fd;
    uint64_t size;
    bool in_memory;
    struct buf bytes;
    uint8_t sha256[SHA256_BYTES];
    uint64_t system_identifier;
    unsigned major;
    struct walpage page; /* of a segment or .partial */
    struct wal_facts facts;
};

static bool is_wal(const struct subject *s)
{
    return s->file.kind == WALFILE_SEGMENT || s->file.kind == WALFILE_PARTIAL;
}

static void subject_clear(struct subject *s)
{
    buf_clear(&s->bytes);
    if (s->fd >= 0)
        (void) close(s->fd);
    s->fd = -1;
}

static enum err_code open_file(struct subject *s, struct err *e)
{
    struct stat st;

    s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        return err_sys(e, ERR_IO, errno, "could not open file \"%s\"", s->path);
    if (fstat(s->fd, &st) != 0)
        return err_sys(e, ERR_IO, errno, "could not stat file \"%s\"", s->path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_USAGE, "\"%s\" is not a regular file", s->path);
    if (st.st_size == 0)
        return err_set(e, ERR_CORRUPT, "file \"%s\" is empty", s->path);
    if (!is_wal(s) && st.st_size > TEXT_FILE_MAX)
        return err_set(e, ERR_CORRUPT, "file \"%s\" is too large for what its name says", s->path);
    s->size = (uint64_t) st.st_size;
    return ERR_OK;
}

static enum err_code check_page(struct subject *s, struct err *e)
{
    uint8_t head[WALPAGE_LONG_HEADER];
    ssize_t got = pread(s->fd, head, sizeof(head), 0);

    if (got < 0)
        return err_sys(e, ERR_IO, errno, "could not read file \"%s\"", s->path);
    if (walpage_parse(head, (size_t) got, &s->page, e) != ERR_OK ||
        walpage_check_name(&s->page, &s->file, e) != ERR_OK)
        return err_while(e, "file \"%s\" is not fit to be archived", s->path);
    if (s->size != s->page.segment_bytes)
        return err_set(e, ERR_CORRUPT,
                       "file \"%s\" has %" PRIu64 " bytes, but its header says a segment has %" PRIu32,
                       s->path, s->size, s->page.segment_bytes);
    s->system_identifier = s->page.system_identifier;
    s->major = s->page.major;
    return ERR_OK;
}

/* The data directory that "pg_wal/NAME" lies in: the path without its last two components. */
static void data_directory(const char *path, char *out, size_t size)
{
    const char *end = path + strlen(path);

    for (int cut = 0; cut < 2 && end > path; cut++)
        for (end--; end > path && *end != '/'; end--)
            ;
    if (end == path)
        (void) snprintf(out, size, "%s", *path == '/' ? "/" : ".");
    else
        (void) snprintf(out, size, "%.*s", (int) (end - path), path);
}

/* "archive_status/NAME.ready" or ".done" beside the file, or the directory itself. What can't be looked at counts as there. */
static bool has_status(const struct subject *s, const char *suffix)
{
    char path[PATH_MAX];
    const int dir_len = (int) (s->name - s->path);

    if (suffix == NULL)
        (void) snprintf(path, sizeof(path), "%.*sarchive_status", dir_len, s->path);
    else
        (void) snprintf(path, sizeof(path), "%.*sarchive_status/%s%s", dir_len, s->path, s->name, suffix);
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/*
 * In pg_wal a segment without a status is one that the server still writes, or has made ready to write: stored now, it
 * would for ever be in the way of the whole one. The server makes NAME.ready before it calls its archiver, and renames
 * it to NAME.done: so .ready is looked for first. Copies elsewhere, as pg_receivewal's, have no archive_status beside
 * them. Source: PostgreSQL src/backend/access/transam/xlogarchive.c, 13 to 18.
 */
static enum err_code check_status(const struct subject *s, struct err *e)
{
    if (s->file.kind != WALFILE_SEGMENT || !has_status(s, NULL) || has_status(s, ".ready") ||
        has_status(s, ".done"))
        return ERR_OK;
    err_set(e, ERR_REFUSED,
            "PostgreSQL has not asked for segment \"%s\" to be archived: it may not be complete", s->path);
    return err_hint(
        e, "%s",
        "Leave it to the server, which calls archive_command when it is. Only of a server that will never "
        "run again, archive a copy in another directory.");
}

/* Segments carry their cluster's identity, and must be those of the cluster whose directory they lie in, if any. */
static enum err_code check_control(struct subject *s, struct err *e)
{
    char pgdata[4096];
    struct control control;
    struct err why = ERR_NONE;

    data_directory(s->path, pgdata, sizeof(pgdata));
    if (control_read(pgdata, &control, &why) != ERR_OK) {
        if (is_wal(s))
            return ERR_OK;
        *e = why;
        return err_while(e, "the cluster that \"%s\" belongs to is not known", s->name);
    }
    if (is_wal(s) && control.system_identifier != s->system_identifier)
        return err_set(e, ERR_REFUSED,
                       "file \"%s\" is of system identifier %" PRIu64
                       ", but the cluster it lies in is %" PRIu64,
                       s->path, s->system_identifier, control.system_identifier);
    s->system_identifier = control.system_identifier;
    if (!is_wal(s))
        s->major = control.major;
    return ERR_OK;
}

/* The one pass over all bytes: into memory where they fit, through the hash, and for WAL through the records. */
static enum err_code push_first(struct subject *s, struct sink *to, struct err *e)
{
    if (s->size > MEMORY_MAX)
        return file_push(s->fd, s->path, to, e);
    s->in_memory = true;
    if (buf_read_fd(&s->bytes, s->fd, s->path, e) != ERR_OK)
        return e->code;
    if (s->bytes.len != s->size)
        return err_set(e, ERR_IO, "file \"%s\" changed while it was read", s->path);
    return sink_write(to, s->bytes.data, s->bytes.len, e);
}

static enum err_code examine_text(struct subject *s, struct err *e)
{
    CLEANUP(sink_freep) struct sink *hash = NULL;

    if (sha256_sink_new(NULL, &hash, e) != ERR_OK || push_first(s, hash, e) != ERR_OK ||
        sink_finish(hash, e) != ERR_OK)
        return e->code;
    return sha256_sink_digest(hash, s->sha256, e);
}

/* PostgreSQL demands that it is taken, and what of it is good is worth having. */
static void warn_of_damage(const struct subject *s, lsn at)
{
    char text[LSN_TEXT_MAX];

    lsn_format(at, text);
    log_warning("valid WAL ends at LSN %s, inside segment \"%s\", storing it as it is", text, s->name);
    log_hint("No recovery gets past that LSN. Look for the cause, and take a new backup: it does not need "
             "this segment.");
}

/* What a scan of the whole has found. Behind a good end lies filler; what lies behind damage may be missed. */
static void conclude(struct subject *s, const struct walscan *scan, const struct sink *digest)
{
    lsn damage = wal_damage_at(scan, &s->file, &s->page, s->path);

    wal_notes_conclude(&s->facts, scan);
    s->facts.is_damaged = damage != 0;
    if (s->facts.is_damaged)
        warn_of_damage(s, damage);
    else
        s->facts.has_valid = wal_digest_valid(digest, s->facts.valid_sha256);
}

static enum err_code examine_wal(struct subject *s, struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    CLEANUP(sink_freep) struct sink *digest = NULL;
    struct wal_notes notes;

    wal_facts_of_page(&s->page, s->file.tli, &s->facts);
    wal_notes_init(&notes, &s->facts);
    if (walscan_new(s->page.segment_bytes, s->page.address, wal_notes_take, &notes, &scan, e) != ERR_OK ||
        wal_digest_sink_new(scan, s->page.address, &digest, e) != ERR_OK ||
        push_first(s, digest, e) != ERR_OK || sink_finish(digest, e) != ERR_OK ||
        wal_digest_whole(digest, s->sha256, e) != ERR_OK)
        return e->code;
    conclude(s, scan, digest);
    return ERR_OK;
}

/* The second reading of a large file: the digest must still be the first one's. */
static enum err_code push_again(struct subject *s, struct sink *to, struct err *e)
{
    CLEANUP(sink_freep) struct sink *hash = NULL;
    uint8_t digest[SHA256_BYTES];
    CLEANUP(buf_clear) struct buf piece = BUF_INIT((size_t) 1 << 20);
    uint64_t at = 0;

    if (sha256_sink_new(NULL, &hash, e) != ERR_OK || buf_reserve(&piece, piece.max, e) != ERR_OK)
        return e->code;
    while (at < s->size) {
        ssize_t got = pread(s->fd, piece.data, piece.max, (off_t) at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_sys(e, ERR_IO, got < 0 ? errno : EIO, "could not read file \"%s\"", s->path);
        if (sink_write(hash, piece.data, (size_t) got, e) != ERR_OK ||
            sink_write(to, piece.data, (size_t) got, e) != ERR_OK)
            return e->code;
        at += (uint64_t) got;
    }
    if (sink_finish(hash, e) != ERR_OK || sha256_sink_digest(hash, digest, e) != ERR_OK)
        return e->code;
    if (memcmp(digest, s->sha256, SHA256_BYTES) != 0)
        return err_set(e, ERR_IO, "file \"%s\" changed while it was read", s->path);
    return ERR_OK;
}

static enum err_code push_file(void *arg, struct sink *to, struct err *e)
{
    struct subject *s = arg;

    return s->in_memory ? sink_write(to, s->bytes.data, s->bytes.len, e) : push_again(s, to, e);
}

static enum err_code describe(const struct subject *s, const struct wal_facts *facts, const struct repo *r,
                              struct descriptor *d, struct err *e)
{
    char pgdata[4096], whole[PATH_MAX];

    if (object_describe_new(r, layout_kind(s->file.kind), s->name, d, e) != ERR_OK)
        return e->code;
    data_directory(s->path, pgdata, sizeof(pgdata));
    object_origin(realpath(pgdata, whole), d->origin, sizeof(d->origin));
    d->sized = true;
    d->size = s->size;
    memcpy(d->sha256, s->sha256, SHA256_BYTES);
    return is_wal(s) ? wal_facts_write(facts, d, e) : ERR_OK;
}

static void tell(const struct subject *s, const struct repo *r, enum object_outcome outcome)
{
    char end[LSN_TEXT_MAX];

    lsn_format(s->facts.end_lsn, end);
    if (outcome == OBJECT_SAME_MEANING)
        log_info("\"%s\" was stored already in repository \"%s\", with the same WAL up to its end at LSN %s "
                 "and other filler behind it",
                 s->name, r->name, end);
    else
        log_debug("\"%s\" %s in repository \"%s\"", s->name,
                  outcome == OBJECT_STORED ? "stored" : "was stored already, with the same content,",
                  r->name);
}

static enum err_code put(struct subject *s, const struct wal_facts *facts, struct repo *r,
                         const struct layout *l, enum object_outcome *outcome, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    char key[STORE_KEY_MAX + 1];

    layout_wal_file(l, &s->file, key);
    if (describe(s, facts, r, &d, e) != ERR_OK || object_put(r, key, &d, push_file, s, outcome, e) != ERR_OK)
        return e->code;
    tell(s, r, *outcome);
    return ERR_OK;
}

/* A segment knows, and lengthens, the run of those before it in this repository. */
static enum err_code put_segment(const struct cluster *c, struct subject *s, struct repo *r,
                                 const struct layout *l, struct err *e)
{
    struct wal_facts facts = s->facts;
    struct wal_run_state before;
    enum object_outcome outcome;

    wal_run_recall(c->spool, r, l, &facts, &before);
    if (put(s, &facts, r, l, &outcome, e) != ERR_OK)
        return e->code;
    wal_run_acknowledged(c->spool, r, l, &facts, outcome, &before);
    return ERR_OK;
}

static enum err_code push_to(struct cluster *c, struct subject *s, struct repo *r, struct err *e)
{
    struct layout layout;
    enum object_outcome outcome;

    if (layout_init(&layout, c->name, s->system_identifier, e) != ERR_OK ||
        line_admit(r, &layout, s->major, c->spool, e) != ERR_OK)
        return e->code;
    return s->file.kind == WALFILE_SEGMENT ? put_segment(c, s, r, &layout, e)
                                           : put(s, &s->facts, r, &layout, &outcome, e);
}

/* Every repository is tried: one that is away must not keep the others from having the file. */
static enum err_code push_to_all(struct cluster *c, struct subject *s, struct err *e)
{
    struct err first = ERR_NONE;

    for (size_t i = 0; i < c->repo_count; i++) {
        struct err why = ERR_NONE;

        if (push_to(c, s, c->repos[i], &why) == ERR_OK)
            continue;
        err_while(&why, "could not archive \"%s\" to repository \"%s\"", s->name, c->repos[i]->name);
        if (first.code != ERR_OK)
            log_warning("%s", why.text);
        else
            first = why;
    }
    if (first.code != ERR_OK)
        *e = first;
    return first.code;
}

enum err_code ops_archive(struct cluster *c, const char *path, struct err *e)
{
    CLEANUP(subject_clear)
    struct subject s = {
        .path = path, .name = layout_base_name(path), .fd = -1, .bytes = BUF_INIT(MEMORY_MAX)};

    if (walfile_parse(s.name, &s.file, e) != ERR_OK || open_file(&s, e) != ERR_OK ||
        check_status(&s, e) != ERR_OK || (is_wal(&s) && check_page(&s, e) != ERR_OK) ||
        check_control(&s, e) != ERR_OK || (is_wal(&s) ? examine_wal(&s, e) : examine_text(&s, e)) != ERR_OK)
        return e->code;
    return push_to_all(c, &s, e);
}
