/*
 * ops/archive_push.c - see ops/archive_push.h.
 *
 * The file is compressed once, as the first repository wants it; one that wants it otherwise has it read again.
 */
#include "ops/archive_push.h"

#include "base/log.h"
#include "repo/line.h"
#include "repo/object.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum err_code archive_push_open(struct archive_push *p, struct cluster *c, const struct archive_file *f,
                                struct err *e)
{
    *p = (struct archive_push){.cluster = c, .major = f->major};
    if (layout_init(&p->layout, c->name, f->system_identifier, e) != ERR_OK)
        return e->code;
    p->chains = calloc(c->repo_count, sizeof(struct wal_chain *));
    if (p->chains == NULL)
        return err_nomem(e, "a list of runs");
    for (size_t i = 0; i < c->repo_count; i++)
        if (wal_chain_new(c->spool, c->repos[i], &p->layout, &p->chains[i], e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

void archive_push_clear(struct archive_push *p)
{
    for (size_t i = 0; p->chains != NULL && i < p->cluster->repo_count; i++)
        wal_chain_free(p->chains[i]);
    free(p->chains);
    *p = ARCHIVE_PUSH_NONE;
}

bool archive_push_fits(const struct archive_push *p, const struct archive_file *f)
{
    char line[LINE_TEXT_MAX];

    line_format(f->system_identifier, line);
    return strcmp(line, p->layout.line) == 0 && f->major == p->major;
}

bool archive_push_is_known(const struct archive_push *p)
{
    for (size_t i = 0; i < p->cluster->repo_count; i++)
        if (!spool_knows_line(p->cluster->spool, repo_place(p->cluster->repos[i]), p->layout.line))
            return false;
    return true;
}

/* ---- runs ---- */

void archive_push_in_order(const struct archive_push *p, const struct archive_file *f, struct wal_facts *told)
{
    for (size_t i = 0; i < p->cluster->repo_count; i++) {
        told[i] = f->facts;
        if (f->file.kind == WALFILE_SEGMENT)
            wal_chain_next(p->chains[i], &told[i]);
    }
}

void archive_push_noted(const struct archive_push *p, const struct wal_facts *facts)
{
    for (size_t i = 0; i < p->cluster->repo_count; i++) {
        struct wal_facts told = *facts;

        wal_chain_next(p->chains[i], &told);
        wal_chain_acknowledged(p->chains[i], &told, OBJECT_ALREADY_THERE);
    }
}

/* ---- storing ---- */

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

static enum err_code put(const struct archive_push *p, struct archive_file *f, const struct wal_facts *told,
                         struct repo *r, enum object_outcome *outcome, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    char key[STORE_KEY_MAX + 1];

    layout_wal_file(&p->layout, &f->file, key);
    if (line_admit(r, &p->layout, p->major, p->cluster->spool, e) != ERR_OK ||
        describe(f, told, r, &d, e) != ERR_OK || store(f, r, key, &d, outcome, e) != ERR_OK)
        return e->code;
    tell(f, r, *outcome);
    return ERR_OK;
}

static enum err_code push_to(const struct archive_push *p, size_t i, struct archive_file *f,
                             const struct wal_facts *told, struct err *e)
{
    struct repo *r = p->cluster->repos[i];
    enum object_outcome outcome;

    f->content.is_spent = i + 1 == p->cluster->repo_count;
    if (put(p, f, told, r, &outcome, e) != ERR_OK) {
        if (f->file.kind == WALFILE_SEGMENT)
            wal_chain_failed(p->chains[i], told);
        return err_while(e, "could not archive \"%s\" to repository \"%s\"", f->name, r->name);
    }
    if (f->file.kind == WALFILE_SEGMENT)
        wal_chain_acknowledged(p->chains[i], told, outcome);
    return ERR_OK;
}

enum err_code archive_push_store(const struct archive_push *p, struct archive_file *f,
                                 const struct wal_facts *told, bool is_ahead, struct err *e)
{
    struct err first = ERR_NONE;

    for (size_t i = 0; i < p->cluster->repo_count; i++) {
        struct err why = ERR_NONE;

        if (push_to(p, i, f, &told[i], &why) == ERR_OK)
            continue;
        if (first.code == ERR_OK)
            first = why;
        else if (is_ahead)
            log_debug("%s", why.text);
        else
            log_warning("%s", why.text);
    }
    if (first.code != ERR_OK)
        *e = first;
    return first.code;
}

static void freep(struct wal_facts **facts)
{
    free(*facts);
}

enum err_code archive_push_one(const struct archive_push *p, struct archive_file *f, struct err *e)
{
    const struct repo *first = p->cluster->repos[0];
    CLEANUP(freep) struct wal_facts *told = calloc(p->cluster->repo_count, sizeof(*told));

    if (told == NULL)
        return err_nomem(e, "what is known of a segment");
    if (archive_file_read(f, first->codec, first->level, e) != ERR_OK)
        return e->code;
    archive_push_in_order(p, f, told);
    return archive_push_store(p, f, told, false, e);
}
