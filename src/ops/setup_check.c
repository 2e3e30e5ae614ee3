/*
 * ops/setup_check.c - see ops/setup.h.
 *
 * Nothing is forced: no WAL switch, no backup. That segments arrive is told from the last full one: it must be in
 * the repository, unless the archiver has not come to it yet. That a restore would work is told by planning one to
 * the end of the archive, as a restore itself would.
 * A server that can't be asked leaves the repositories to be looked at by the newest line they have.
 */
#include "base/clock.h"
#include "base/timestamp.h"
#include "ops/plan_line.h"
#include "ops/setup.h"
#include "ops/setup_probe.h"
#include "ops/setup_server.h"
#include "repo/line.h"
#include "repo/object.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPOOL "spool"

struct checking {
    struct cluster *cluster;
    const struct server_facts *server; /* NULL = it could not be asked */
    struct repo *repo;
    char subject[128];
    struct layout layout;
    struct findings *findings;
};

/* ---- spool ---- */

static void check_spool(const struct cluster *c, struct findings *f)
{
    const char *dir = spool_dir(c->spool);
    struct stat st;
    int fd;

    if (dir == NULL) {
        finding_warning(
            f, SPOOL,
            "there is none: every archived file asks the repository for its line first, and backups "
            "store everything again where there is no identity");
        finding_hint(f, "Name a directory of the user that runs pitr, with mode 0700, as spool.");
        return;
    }
    if (lstat(dir, &st) != 0) {
        finding_failed(f, ERR_IO, SPOOL, "could not look at directory \"%s\": %s", dir, strerror(errno));
    } else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
        finding_failed(f, ERR_USAGE, SPOOL, "\"%s\" is not a directory of this user alone", dir);
        finding_hint(f, "The spool must be a directory of the user that runs pitr, with mode 0700.");
    } else if ((fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)) < 0 && errno != EOPNOTSUPP &&
               errno != EISDIR) {
        finding_failed(f, ERR_IO, SPOOL, "could not write in directory \"%s\": %s", dir, strerror(errno));
    } else {
        if (fd >= 0)
            (void) close(fd);
        finding_ok(f, SPOOL, "directory \"%s\" is private and can be written", dir);
    }
}

/* ---- the line ---- */

static bool line_failed(struct checking *k, const struct err *why)
{
    finding_error(k->findings, k->subject, why);
    return false;
}

/* Without the server: the newest line there is. */
static bool take_newest_line(struct checking *k, const struct line_list *there)
{
    uint64_t identifier;
    struct err e = ERR_NONE;

    if (there->count == 0) {
        finding_warning(k->findings, k->subject, "holds nothing of cluster \"%s\" and was not tried further",
                        k->cluster->name);
        return false;
    }
    if (line_parse(there->lines[there->count - 1], &identifier, &e) != ERR_OK ||
        layout_init(&k->layout, k->cluster->name, identifier, &e) != ERR_OK)
        return line_failed(k, &e);
    finding_warning(k->findings, k->subject,
                    "looked at by its newest line, %s: whether it is the server's is not known",
                    k->layout.line);
    return true;
}

static bool refuse_missing_line(struct checking *k, const struct line_list *there)
{
    uint64_t newest = 0;
    struct err ignored = ERR_NONE;

    if (there->count == 0) {
        finding_failed(k->findings, ERR_REFUSED, k->subject, "holds nothing of cluster \"%s\" yet",
                       k->cluster->name);
        finding_hint(k->findings,
                     "\"pitr init\" makes its place and tries it out; the first archived file makes it too.");
        return false;
    }
    (void) line_parse(there->lines[there->count - 1], &newest, &ignored);
    finding_failed(k->findings, ERR_REFUSED, k->subject,
                   "cluster \"%s\" belongs to system identifier %" PRIu64
                   " there, but the server is %" PRIu64,
                   k->cluster->name, newest, k->server->system_identifier);
    finding_hint(
        k->findings,
        "Give this cluster a name of its own. If it is the same one made anew or upgraded, run \"pitr "
        "init\" on it once.");
    return false;
}

static bool accept_line(struct checking *k, const struct line_info *info)
{
    char since[TIMESTAMP_TEXT_MAX];
    uint64_t major = k->server->version / 10000;

    if (info->major != major) {
        finding_failed(k->findings, ERR_CONFLICT, k->subject,
                       "line %s was made for PostgreSQL %u, the server is %" PRIu64, k->layout.line,
                       info->major, major);
        return false;
    }
    timestamp_format(info->created_us, since);
    finding_ok(k->findings, k->subject, "line %s is there since %s and is the server's", k->layout.line,
               since);
    return true;
}

static bool check_line(struct checking *k)
{
    struct line_list there = {.count = 0};
    struct line_info info;
    struct err e = ERR_NONE;
    bool good;

    if (k->server != NULL) {
        if (layout_init(&k->layout, k->cluster->name, k->server->system_identifier, &e) == ERR_OK &&
            line_read(k->repo, &k->layout, &info, &e) == ERR_OK)
            return accept_line(k, &info);
        if (e.code != ERR_ABSENT)
            return line_failed(k, &e);
        e = ERR_NONE;
    }
    if (line_list(k->repo, k->cluster->name, &there, &e) != ERR_OK)
        return line_failed(k, &e);
    good = k->server != NULL ? refuse_missing_line(k, &there) : take_newest_line(k, &there);
    line_list_clear(&there);
    return good;
}

/* ---- the last full segment ---- */

/* Names of segments of one timeline sort as their WAL does. */
static bool is_counted_archived(const struct server_archiver *a, const char *segment)
{
    return strlen(a->last_archived) >= WALSEG_NAME_LEN && strncmp(a->last_archived, segment, 8) == 0 &&
           strncmp(a->last_archived, segment, WALSEG_NAME_LEN) >= 0;
}

static void tell_missing(struct checking *k, const char *segment)
{
    const struct server_archiver *a = &k->server->archiver;

    if (is_counted_archived(a, segment)) {
        finding_failed(k->findings, ERR_REFUSED, k->subject,
                       "segment \"%s\" is not there, but the server counts it as archived", segment);
        finding_hint(k->findings,
                     "archive_command reported success without storing it here: what can be restored ends "
                     "before it. Check archive_command, then take a new backup.");
        return;
    }
    finding_warning(k->findings, k->subject,
                    "segment \"%s\", the last full one, is not there yet; the last archived is \"%s\"",
                    segment, a->last_archived[0] != '\0' ? a->last_archived : "none");
    if (a->knows_waiting && a->waiting > 0)
        finding_hint(k->findings, "%" PRIu64 " file%s waiting on the server.", a->waiting,
                     a->waiting == 1 ? " is" : "s are");
}

static void check_last_segment(struct checking *k)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    char key[STORE_KEY_MAX + 1], segment[WALFILE_NAME_MAX];
    struct walfile file;
    struct err e = ERR_NONE;
    uint64_t number;

    if (k->server == NULL || !server_last_full(k->server, &number))
        return;
    file = walseg_file((uint32_t) k->server->last_tli, number, (uint32_t) k->server->segment_bytes);
    walfile_format(&file, segment);
    layout_wal_file(&k->layout, &file, key);
    switch (object_descriptor(k->repo, key, &d, &e)) {
    case ERR_OK:
        finding_ok(k->findings, k->subject, "segment \"%s\", the server's last full one, is there", segment);
        break;
    case ERR_ABSENT:
        tell_missing(k, segment);
        break;
    default:
        finding_error(k->findings, k->subject, &e);
    }
}

/* ---- backups ---- */

/* The plan of a restore to the end of the newest timeline, and its verdict. */
static void judge_plan(struct checking *k, const struct plan *p)
{
    char end[LSN_TEXT_MAX];

    lsn_format(p->end_of_archive, end);
    finding_ok(k->findings, k->subject,
               "from backup %s everything up to LSN %s of timeline %" PRIu32 " can be restored",
               p->backup->id, end, p->path.entries[p->path.count - 1].tli);
    for (size_t i = 0; i < p->warning_count; i++)
        finding_warning(k->findings, k->subject, "%s", p->warnings[i]);
}

static void check_restore(struct checking *k)
{
    const struct target latest = {.kind = TARGET_LATEST};
    CLEANUP(planned_clear) struct planned p = {.repo = NULL};
    struct err e = ERR_NONE;

    if (ops_plan_line(k->repo, &k->layout, &latest, &p, &e) == ERR_OK)
        judge_plan(k, &p.plan);
    else
        finding_error(k->findings, k->subject, &e);
}

static void tell_damaged(struct checking *k, const struct backup_list *backups)
{
    for (size_t i = 0; i < backups->damaged_count; i++)
        finding_failed(k->findings, ERR_CORRUPT, k->subject, "backup %s is lost to restores: %s",
                       backups->damaged[i].id, backups->damaged[i].why);
}

static void check_backups(struct checking *k)
{
    CLEANUP(backup_list_clear) struct backup_list backups = {.count = 0};
    struct err e = ERR_NONE;
    char ended[TIMESTAMP_TEXT_MAX];
    const struct backup_info *newest;
    int64_t age_us;

    if (backup_list_read(k->repo, &k->layout, &backups, NULL, &e) != ERR_OK) {
        finding_error(k->findings, k->subject, &e);
        return;
    }
    tell_damaged(k, &backups);
    if (backups.count == 0) {
        finding_warning(k->findings, k->subject, "no %s: nothing can be restored",
                        backups.damaged_count > 0 ? "good backup" : "backup yet");
        finding_hint(k->findings, "\"pitr backup\" takes one.");
        return;
    }
    newest = &backups.list[backups.count - 1];
    age_us = clock_now_us(&clock_system) - newest->stop_us;
    timestamp_format(newest->stop_us / 1000000 * 1000000, ended);
    finding_ok(k->findings, k->subject, "newest of %zu backup%s is %s, which ended %s, %" PRId64 " h ago",
               backups.count, backups.count == 1 ? "" : "s", newest->id, ended,
               age_us > 0 ? age_us / 3600000000 : 0);
    check_restore(k);
}

/* ---- all ---- */

static void check_repo(struct cluster *c, struct repo *r, const struct server_facts *s, struct findings *f)
{
    struct checking k = {.cluster = c, .server = s, .repo = r, .findings = f};

    (void) snprintf(k.subject, sizeof(k.subject), "repository \"%s\"", r->name);
    setup_probe_keys(r, f);
    if (!check_line(&k))
        return;
    setup_probe(r, &k.layout, f);
    check_last_segment(&k);
    check_backups(&k);
}

enum err_code ops_check(struct cluster *c, struct findings *out, struct err *e)
{
    struct server_facts s;
    struct err why = ERR_NONE;
    bool answered;

    *out = (struct findings){.list = NULL};
    answered = server_facts_read(c->conninfo, &s, &why) == ERR_OK;
    if (answered) {
        server_judge_identity(&s, out);
        server_judge_archiving(&s, out);
        server_judge_backup(&s, out);
    } else {
        finding_error(out, "server", &why);
    }
    check_spool(c, out);
    for (size_t i = 0; i < c->repo_count; i++)
        check_repo(c, c->repos[i], answered ? &s : NULL, out);
    return out->lost ? err_nomem(e, "findings") : ERR_OK;
}
