/*
 * ops/restore.c - see ops/restore.h.
 *
 * The recipe: settle the places, lay out, fill, check against the manifest, write the recovery settings, sync, and
 * only then give pg_control its name.
 */
#include "ops/restore.h"

#include "base/clock.h"
#include "base/durable.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/timestamp.h"
#include "ops/progress.h"
#include "ops/restore_check.h"
#include "ops/restore_files.h"
#include "ops/restore_fill.h"
#include "ops/restore_sync.h"
#include "ops/restore_tree.h"
#include "pg/recoveryconf.h"
#include "repo/restore_rate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONF_MAX    ((size_t) 16 << 20)
#define SLICE_BYTES ((uint64_t) 8 << 20) /* of a pack in a directory, by one thread */
#define DOWNLOADS_LEAST \
    ((size_t) 8) /* at a time from a store that is away: some wait for a round trip, others bring bytes */

/* ---- recovery settings ---- */

static enum err_code option(struct buf *command, const char *name, const char *value, struct err *e)
{
    if (value == NULL)
        return ERR_OK;
    if (recoveryconf_shell_word(command, name, e) != ERR_OK)
        return e->code;
    return recoveryconf_shell_word(command, value, e);
}

/* "NAME=value" before the command sets it for the command: what came from our environment, not from the file. */
static enum err_code environment(const struct cluster *c, struct buf *command, struct err *e)
{
    for (char **item = c->environment; item != NULL && *item != NULL; item++) {
        const char *equals = strchr(*item, '=');
        CLEANUP(buf_clear) struct buf word = BUF_INIT(8192);

        if (equals == NULL)
            continue;
        if (recoveryconf_shell_word(&word, equals + 1, e) != ERR_OK ||
            buf_printf(command, e, "%s%.*s=%s", command->len > 0 ? " " : "", (int) (equals - *item), *item,
                       buf_cstr(&word)) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

static enum err_code program(struct buf *command, struct err *e)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (len < 0)
        return err_sys(e, ERR_IO, errno, "could not find this program's own path");
    path[len] = '\0';
    return recoveryconf_shell_word(command, path, e) != ERR_OK ? e->code
                                                               : recoveryconf_shell_word(command, "fetch", e);
}

/* A standby follows its primary's timelines, so no path binds it. */
static enum err_code plan_options(const struct planned *p, struct buf *command, struct err *e)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT((size_t) 64 << 10);
    const struct plan *plan = &p->plan;
    char until[WALFILE_NAME_MAX];

    if (timeline_format(&plan->path, &path, e) != ERR_OK)
        return e->code;
    walseg_name(timeline_of_segment(&plan->path, plan->last_segment, plan->segment_bytes), plan->last_segment,
                plan->segment_bytes, until);
    return option(command, "--path", buf_cstr(&path), e) != ERR_OK ? e->code
                                                                   : option(command, "--until", until, e);
}

static enum err_code restore_command(const struct cluster *c, const struct planned *p,
                                     const struct restore_options *o, struct buf *out, struct err *e)
{
    if (environment(c, out, e) != ERR_OK || program(out, e) != ERR_OK ||
        option(out, "--config", c->config_path, e) != ERR_OK ||
        option(out, "--cluster", c->name, e) != ERR_OK ||
        option(out, "--repo", o->repo_option, e) != ERR_OK ||
        option(out, "--line", p->layout.line, e) != ERR_OK ||
        (!o->standby && plan_options(p, out, e) != ERR_OK))
        return e->code;
    return buf_puts(out, " %f %p", e);
}

static enum err_code write_settings(const struct cluster *c, const struct planned *p,
                                    const struct restore_options *o, struct buf *conf, struct err *e)
{
    CLEANUP(buf_clear) struct buf command = BUF_INIT((size_t) 128 << 10);
    char heading[256];

    (void) snprintf(heading, sizeof(heading), "Restored by pitr %s from backup %s.", PITR_VERSION,
                    p->plan.backup->id);
    if (restore_command(c, p, o, &command, e) != ERR_OK || recoveryconf_comment(conf, heading, e) != ERR_OK ||
        recoveryconf_set(conf, "restore_command", buf_cstr(&command), e) != ERR_OK)
        return e->code;
    if (p->plan.target.kind == TARGET_TIME) {
        char when[TIMESTAMP_TEXT_MAX];

        timestamp_format(p->plan.target.time_us, when);
        (void) snprintf(heading, sizeof(heading), "Wished: target time %s%s.", when,
                        p->plan.target.exclusive ? ", exclusive" : "");
        if (recoveryconf_comment(conf, heading, e) != ERR_OK)
            return e->code;
    }
    if (!o->keep_archiving && recoveryconf_set(conf, "archive_mode", "off", e) != ERR_OK)
        return e->code;
    if (o->standby)
        return recoveryconf_set(conf, "recovery_target_timeline", "latest", e);
    /* A delay set in postgresql.conf would hold up replay to a target. */
    if (recoveryconf_set(conf, "recovery_min_apply_delay", "0", e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < p->plan.setting_count; i++)
        if (recoveryconf_set(conf, p->plan.settings[i].name, p->plan.settings[i].value, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* Settings of the backed-up server's own last recovery would bind this one as well: they go. */
static enum err_code rewrite_conf(const struct cluster *c, const struct planned *p,
                                  const struct restore_options *o, const struct restore_tree *tree,
                                  struct err *e)
{
    CLEANUP(buf_clear) struct buf old = BUF_INIT(CONF_MAX);
    CLEANUP(buf_clear) struct buf conf = BUF_INIT(CONF_MAX);
    char path[TREE_PATH_MAX];

    if (restore_tree_path(tree, "postgresql.auto.conf", path, e) != ERR_OK)
        return e->code;
    if (buf_read_file(&old, path, e) != ERR_OK) {
        if (e->sys_errno != ENOENT)
            return e->code;
        *e = ERR_NONE;
    }
    if (recoveryconf_strip(buf_cstr(&old), old.len, &conf, e) != ERR_OK ||
        write_settings(c, p, o, &conf, e) != ERR_OK)
        return e->code;
    return durable_write_file(path, conf.data, conf.len, 0600, e);
}

/* What the backed-up server was doing is not what this one is to do. */
static enum err_code write_signals(const struct restore_options *o, const struct restore_tree *tree,
                                   struct err *e)
{
    static const char *const stale[] = {"standby.signal",     "recovery.signal", "backup_label.old",
                                        "tablespace_map.old", "postmaster.pid",  "postmaster.opts"};
    char path[TREE_PATH_MAX];

    for (size_t i = 0; i < sizeof(stale) / sizeof(stale[0]); i++) {
        if (restore_tree_path(tree, stale[i], path, e) != ERR_OK)
            return e->code;
        if (unlink(path) != 0 && errno != ENOENT)
            return err_sys(e, ERR_IO, errno, "could not remove file \"%s\"", path);
    }
    if (restore_tree_path(tree, o->standby ? "standby.signal" : "recovery.signal", path, e) != ERR_OK)
        return e->code;
    return durable_write_file(path, "", 0, 0600, e);
}

/* ---- the recipe ---- */

/* As many as CPUs keep all of these busy, unless they wait for a store that is away. */
static size_t threads(const struct planned *p, const struct restore_options *o)
{
    size_t cpus = pool_cpus();

    if (o->jobs > 0)
        return o->jobs;
    return p->repo->store->is_local || cpus > DOWNLOADS_LEAST ? cpus : DOWNLOADS_LEAST;
}

static enum err_code fill(const struct planned *p, struct restore_files *files,
                          const struct restore_options *o, const struct restore_sync *sync, struct err *e)
{
    CLEANUP(progress_end) struct progress progress = {0};
    const struct restore_fill_options how = {.threads = threads(p, o),
                                             .slice_bytes = p->repo->store->is_local ? SLICE_BYTES : 0,
                                             .sync_files = sync->each_file,
                                             .progress = &progress};

    progress_begin(&progress, "restore", files->wanted_bytes);
    return restore_fill(files, &how, e);
}

static enum err_code restore_into(struct cluster *c, const struct planned *p, const struct restore_options *o,
                                  const struct restore_tree *tree, struct err *e)
{
    CLEANUP(restore_files_freep) struct restore_files *files = NULL;
    CLEANUP(restore_sync_clear) struct restore_sync sync = {0};

    if (restore_tree_create(tree, e) != ERR_OK || restore_sync_begin(&sync, tree, e) != ERR_OK ||
        restore_files_layout(p->repo, &p->layout, p->plan.backup, tree, &files, e) != ERR_OK ||
        fill(p, files, o, &sync, e) != ERR_OK || restore_check(files, p->plan.backup, e) != ERR_OK ||
        restore_files_modes(files, e) != ERR_OK || rewrite_conf(c, p, o, tree, e) != ERR_OK ||
        write_signals(o, tree, e) != ERR_OK || restore_sync_finish(&sync, tree, e) != ERR_OK)
        return e->code;
    return restore_tree_finish(tree, files->mode, e);
}

/* For the estimate of later plans. */
static void measure(const struct cluster *c, const struct planned *p, int64_t begun_us)
{
    const struct restore_rate rate = {.bytes = p->plan.backup->data_bytes,
                                      .spent_us = clock_mono_us(&clock_system) - begun_us,
                                      .when_us = clock_now_us(&clock_system)};

    restore_rate_note(c->spool, repo_place(p->repo), &rate);
}

enum err_code ops_restore(struct cluster *c, const struct planned *p, const struct restore_options *o,
                          struct err *e)
{
    CLEANUP(restore_tree_clear) struct restore_tree tree = {0};
    int64_t begun_us;

    if (ops_plan_prove(p, e) != ERR_OK || restore_tree_init(&tree, p->plan.backup, o, e) != ERR_OK)
        return e->code;
    begun_us = clock_mono_us(&clock_system);
    if (restore_into(c, p, o, &tree, e) != ERR_OK) {
        if (e->code == ERR_ABSENT) /* the backup exists, and a part of it does not */
            e->code = ERR_CORRUPT;
        return err_while(e, "restore of backup %s into \"%s\"", p->plan.backup->id, tree.pgdata);
    }
    measure(c, p, begun_us);
    log_info("restored backup %s into \"%s\"", p->plan.backup->id, tree.pgdata);
    return ERR_OK;
}
