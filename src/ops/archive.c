/*
 * ops/archive.c - see ops/archive.h.
 *
 * The file is compressed once, as the first repository wants it; one that wants it otherwise has it read again.
 */
#include "ops/archive.h"

#include "base/log.h"
#include "ops/archive_file.h"
#include "repo/line.h"
#include "repo/object.h"
#include "repo/wal_chain.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static enum err_code describe(const struct archive_file *f, const struct wal_facts *facts,
                              const struct repo *r, struct descriptor *d, struct err *e)
{
    char pgdata[4096], whole[PATH_MAX];

    if (object_describe_new(r, layout_kind(f->file.kind), f->name, d, e) != ERR_OK)
        return e->code;
    archive_file_pgdata(f, pgdata, sizeof(pgdata));
    object_origin(realpath(pgdata, whole), d->origin, sizeof(d->origin));
    d->sized = true;
    d->size = f->size;
    memcpy(d->sha256, f->sha256, SHA256_BYTES);
    return archive_file_is_wal(f) ? wal_facts_write(facts, d, e) : ERR_OK;
}

static void tell(const struct archive_file *f, const struct repo *r, enum object_outcome outcome)
{
    char end[LSN_TEXT_MAX];

    lsn_format(f->facts.end_lsn, end);
    if (outcome == OBJECT_SAME_MEANING)
        log_info("\"%s\" was stored already in repository \"%s\", with the same WAL up to its end at LSN %s "
                 "and other filler behind it",
                 f->name, r->name, end);
    else
        log_debug("\"%s\" %s in repository \"%s\"", f->name,
                  outcome == OBJECT_STORED ? "stored" : "was stored already, with the same content,",
                  r->name);
}

/* As it was compressed where the repository wants it so, and else from the file. */
static enum err_code store(struct archive_file *f, struct repo *r, const char *key, struct descriptor *d,
                           enum object_outcome *outcome, struct err *e)
{
    if (f->is_packed && f->content.codec == r->codec && f->content.level == r->level)
        return object_put_packed(r, key, d, &f->content, outcome, e);
    return object_put(r, key, d, archive_file_push, f, outcome, e);
}

static enum err_code put(struct archive_file *f, const struct wal_facts *facts, struct repo *r,
                         const struct layout *l, enum object_outcome *outcome, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    char key[STORE_KEY_MAX + 1];

    layout_wal_file(l, &f->file, key);
    if (describe(f, facts, r, &d, e) != ERR_OK || store(f, r, key, &d, outcome, e) != ERR_OK)
        return e->code;
    tell(f, r, *outcome);
    return ERR_OK;
}

/* A segment knows, and lengthens, the run of those before it in this repository. */
static enum err_code put_segment(const struct cluster *c, struct archive_file *f, struct repo *r,
                                 const struct layout *l, struct err *e)
{
    CLEANUP(wal_chain_freep) struct wal_chain *chain = NULL;
    struct wal_facts facts = f->facts;
    enum object_outcome outcome;

    if (wal_chain_new(c->spool, r, l, &chain, e) != ERR_OK)
        return e->code;
    wal_chain_next(chain, &facts);
    if (put(f, &facts, r, l, &outcome, e) != ERR_OK)
        return e->code;
    wal_chain_acknowledged(chain, &facts, outcome);
    return ERR_OK;
}

static enum err_code push_to(struct cluster *c, struct archive_file *f, struct repo *r, struct err *e)
{
    struct layout layout;
    enum object_outcome outcome;

    if (layout_init(&layout, c->name, f->system_identifier, e) != ERR_OK ||
        line_admit(r, &layout, f->major, c->spool, e) != ERR_OK)
        return e->code;
    return f->file.kind == WALFILE_SEGMENT ? put_segment(c, f, r, &layout, e)
                                           : put(f, &f->facts, r, &layout, &outcome, e);
}

/* Every repository is tried: one that is away must not keep the others from having the file. */
static enum err_code push_to_all(struct cluster *c, struct archive_file *f, struct err *e)
{
    struct err first = ERR_NONE;

    for (size_t i = 0; i < c->repo_count; i++) {
        struct err why = ERR_NONE;

        if (push_to(c, f, c->repos[i], &why) == ERR_OK)
            continue;
        err_while(&why, "could not archive \"%s\" to repository \"%s\"", f->name, c->repos[i]->name);
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
    CLEANUP(archive_file_clear) struct archive_file f = ARCHIVE_FILE_NONE;

    if (archive_file_open(&f, path, e) != ERR_OK ||
        archive_file_read(&f, c->repos[0]->codec, c->repos[0]->level, e) != ERR_OK)
        return e->code;
    return push_to_all(c, &f, e);
}
