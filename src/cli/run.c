/*
 * cli/run.c - see cli/run.h.
 *
 * Arguments are looked at before a repository is opened: what is wrong with them is said at once.
 */
#include "cli/run.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "cli/key_file.h"
#include "cli/log_options.h"
#include "cli/output.h"
#include "cli/print_check.h"
#include "cli/print_list.h"
#include "cli/print_log.h"
#include "cli/print_log_summary.h"
#include "cli/print_plan.h"
#include "cli/run_fetch.h"
#include "cli/show_restorable.h"
#include "cli/tablespace_options.h"
#include "cli/target_options.h"
#include "ops/archive.h"
#include "ops/backup.h"
#include "ops/list.h"
#include "ops/plan_gather.h"
#include "ops/restore.h"
#include "ops/setup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct setting *given(const struct invocation *in, enum option_id id)
{
    return &in->arguments.settings.at[id];
}

static int64_t number(const struct invocation *in, enum option_id id)
{
    return settings_number(&in->configured.layers, id);
}

static size_t jobs(const struct invocation *in, size_t otherwise)
{
    const struct setting *s = settings_pick(&in->configured.layers, OPTION_JOBS);

    return s->is_given ? (size_t) s->number : otherwise;
}

static enum err_code open_cluster(const struct invocation *in, unsigned access, struct cluster **out,
                                  struct err *e)
{
    return cluster_open(&in->configured.cluster, access, out, e);
}

/* An option that only makes sense beside another. */
static enum err_code check_needs(const struct invocation *in, enum option_id id, enum option_id other,
                                 struct err *e)
{
    if (!given(in, id)->is_given || given(in, other)->is_given)
        return ERR_OK;
    return err_set(e, ERR_USAGE, "option --%s needs --%s", option_at(id)->name, option_at(other)->name);
}

static enum err_code run_archive(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    const struct setting *jobs_wanted = settings_pick(&in->configured.layers, OPTION_PUSH_JOBS);
    const struct archive_options o = {
        .ahead_bytes = (uint64_t) number(in, OPTION_PUSH_AHEAD_BYTES),
        .jobs = jobs_wanted->is_given ? (size_t) jobs_wanted->number : 0,
    };

    if (cluster_prepare(&in->configured.cluster, REPO_WRITE | REPO_CREATE, &c, e) != ERR_OK)
        return e->code;
    return ops_archive(c, &o, in->arguments.operands[0], e);
}

static enum err_code run_backup(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    char id[BACKUP_ID_MAX] = "";
    const struct backup_options o = {
        .label = given(in, OPTION_LABEL)->text,
        .fast_checkpoint = number(in, OPTION_CHECKPOINT) == 1,
        .max_rate_bytes = (uint64_t) number(in, OPTION_MAX_RATE),
        .chunk_bytes = (uint32_t) number(in, OPTION_CHUNK_SIZE),
        .pack_bytes = (uint32_t) number(in, OPTION_PACK_SIZE),
        .memory_bytes = (uint64_t) number(in, OPTION_BACKUP_MEMORY),
        .jobs = jobs(in, pool_cpus()),
        .wal_timeout_ms = number(in, OPTION_WAL_TIMEOUT),
        .repo = given(in, OPTION_REPO)->text,
    };

    if (o.label != NULL && strpbrk(o.label, "\r\n") != NULL)
        return err_set(e, ERR_USAGE, "option --label: a label is one line of text");
    if (open_cluster(in, REPO_WRITE | REPO_READ | REPO_CREATE, &c, e) != ERR_OK ||
        ops_backup(c, &o, id, e) != ERR_OK)
        return e->code;
    fprintf(in->out, "%s\n", id);
    return output_flush(in->out, e);
}

/* ---- plan and restore ------------------------------------------------------------------------------------------ */

static enum err_code show_plan(const struct invocation *in, const struct planned *p, struct err *e)
{
    int64_t now_us = clock_now_us(&clock_system);

    if (given(in, OPTION_JSON)->is_given)
        return output_json(plan_to_json(p, now_us), in->out, e);
    print_plan(p, now_us, in->out);
    return output_flush(in->out, e);
}

/* Refused or not, what can be restored is told in front. */
static enum err_code plan_latest(const struct invocation *in, struct cluster *c, const struct target *target,
                                 struct err *e)
{
    CLEANUP(planned_clear) struct planned p = {.repo = NULL};
    struct err refusal = ERR_NONE;

    if (ops_plan(c, given(in, OPTION_REPO)->text, target, &p, &refusal) != ERR_OK &&
        (refusal.code != ERR_REFUSED || p.repo == NULL || p.backups.count == 0)) {
        *e = refusal;
        return e->code;
    }
    if (show_restorable(&p, refusal.code == ERR_OK, given(in, OPTION_JSON)->is_given, in->out, e) != ERR_OK)
        return e->code;
    if (refusal.code != ERR_OK)
        *e = refusal;
    return refusal.code;
}

static enum err_code run_plan(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    CLEANUP(planned_clear) struct planned p = {.repo = NULL};
    struct target target;

    if (target_from_settings(&in->arguments.settings, &target, e) != ERR_OK ||
        open_cluster(in, REPO_READ, &c, e) != ERR_OK)
        return e->code;
    if (target.kind == TARGET_LATEST)
        return plan_latest(in, c, &target, e);
    if (ops_plan(c, given(in, OPTION_REPO)->text, &target, &p, e) != ERR_OK)
        return e->code;
    return show_plan(in, &p, e);
}

static enum err_code check_restore(const struct invocation *in, struct err *e)
{
    if (!given(in, OPTION_PLAN)->is_given && !given(in, OPTION_PGDATA)->is_given) {
        err_set(e, ERR_USAGE, "\"restore\" needs --pgdata");
        return err_hint(e, "%s",
                        "Write --pgdata DIR, the data directory to make, or --plan to see the plan only.");
    }
    return check_needs(in, OPTION_JSON, OPTION_PLAN, e);
}

/* Names of variables, "A, B": those before the '=' of each item. */
static void names_format(const char *const *items, struct buf *out)
{
    struct err ignored = ERR_NONE;

    for (const char *const *item = items; *item != NULL; item++)
        (void) buf_printf(out, &ignored, "%s%.*s", item == items ? "" : ", ", (int) strcspn(*item, "="),
                          *item);
}

/* What the server does not have from a file: what was written down for it, and what it has to be given. */
static void tell_environment(const struct configured *c)
{
    CLEANUP(buf_clear) struct buf written = BUF_INIT(4096), withheld = BUF_INIT(4096);

    names_format(c->cluster.environment, &written);
    names_format(c->withheld, &withheld);
    if (written.len > 0) {
        log_info("restore_command sets what this environment says: %s", buf_cstr(&written));
        log_hint("It stands in postgresql.auto.conf. What the configuration file says would not have to.");
    }
    if (withheld.len > 0) {
        log_warning("restore_command does not set %s, which this environment has", buf_cstr(&withheld));
        log_hint("They lead to secrets, so they are not written down: before the server is started, set them "
                 "in its environment%s.",
                 c->environment.at[OPTION_URL].is_given
                     ? ""
                     : ", or write what they say into the configuration file");
    }
}

static enum err_code run_restore(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    CLEANUP(planned_clear) struct planned p = {.repo = NULL};
    CLEANUP(tablespaces_clear) struct tablespace_mappings tablespaces = {.list = NULL};
    struct target target;
    struct restore_options o = {
        .pgdata = given(in, OPTION_PGDATA)->text,
        .tablespace_root = given(in, OPTION_TABLESPACE_ROOT)->text,
        .standby = given(in, OPTION_STANDBY)->is_given,
        .keep_archiving = given(in, OPTION_KEEP_ARCHIVING)->is_given,
        .jobs = jobs(in, 0),
        .repo_option = given(in, OPTION_REPO)->text,
    };

    if (check_restore(in, e) != ERR_OK ||
        tablespaces_from_setting(given(in, OPTION_TABLESPACE), &tablespaces, e) != ERR_OK ||
        target_from_settings(&in->arguments.settings, &target, e) != ERR_OK ||
        open_cluster(in, REPO_READ, &c, e) != ERR_OK ||
        ops_plan(c, o.repo_option, &target, &p, e) != ERR_OK || show_plan(in, &p, e) != ERR_OK)
        return e->code;
    if (given(in, OPTION_PLAN)->is_given)
        return ERR_OK;
    o.tablespaces = tablespaces.list;
    o.tablespace_count = tablespaces.count;
    if (ops_restore(c, &p, &o, e) != ERR_OK)
        return e->code;
    tell_environment(&in->configured);
    fprintf(in->out, "\nRestored into \"%s\". Recovery begins when the server is started there.\n", o.pgdata);
    return output_flush(in->out, e);
}

/* ---- findings and lists ---------------------------------------------------------------------------------------- */

/* Print them; the first that failed decides the exit status, and has been told. */
static enum err_code show_findings(const struct invocation *in, const struct findings *f, struct err *e)
{
    enum err_code verdict = findings_verdict(f);
    enum err_code code;

    if (given(in, OPTION_JSON)->is_given)
        code = output_json(findings_to_json(f), in->out, e);
    else {
        print_findings(f, in->out);
        code = output_flush(in->out, e);
    }
    if (code != ERR_OK || verdict == ERR_OK)
        return code;
    return err_set(e, verdict, "%s", "");
}

static enum err_code run_init(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    CLEANUP(findings_clear) struct findings f = {.list = NULL};

    if (open_cluster(in, REPO_WRITE | REPO_CREATE, &c, e) != ERR_OK || ops_init(c, &f, e) != ERR_OK)
        return e->code;
    return show_findings(in, &f, e);
}

static enum err_code run_check(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    CLEANUP(findings_clear) struct findings f = {.list = NULL};

    if (open_cluster(in, REPO_WRITE | REPO_READ, &c, e) != ERR_OK || ops_check(c, &f, e) != ERR_OK)
        return e->code;
    return show_findings(in, &f, e);
}

static enum err_code run_list(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    CLEANUP(listed_clear) struct listed l = {.repos = NULL};
    const int64_t now_us = clock_now_us(&clock_system);

    if (open_cluster(in, REPO_READ, &c, e) != ERR_OK ||
        ops_list(c, given(in, OPTION_REPO)->text, &l, e) != ERR_OK)
        return e->code;
    if (given(in, OPTION_JSON)->is_given)
        return output_json(list_to_json(c->name, &l, now_us), in->out, e);
    print_list(c->name, &l, now_us, in->out);
    return output_flush(in->out, e);
}

/* What could be counted is printed also where segments are missing. */
static enum err_code run_log_summary(struct invocation *in, struct cluster *c, const struct log_options *o,
                                     const struct log_visitor *visitor, struct err *e)
{
    CLEANUP(log_summary_clear) struct log_summary s;
    bool any;
    struct err why = ERR_NONE;
    enum err_code code = ops_log_summary(c, o, visitor, &s, &any, e);

    if (any && (print_log_summary(&s, given(in, OPTION_JSON)->is_given, isatty(fileno(in->out)) == 1, in->out,
                                  &why) != ERR_OK ||
                visitor->pause(visitor->arg, &why) != ERR_OK)) {
        *e = why;
        return why.code;
    }
    return code;
}

/* A reader that has seen enough, as head has, is no failure. */
static enum err_code run_log(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    struct log_options o;
    struct log_print print = {.out = in->out, .is_json = given(in, OPTION_JSON)->is_given, .options = &o};
    const struct log_visitor visitor = log_print_visitor(&print);
    enum err_code code;

    if (log_options_from_settings(&in->arguments.settings, &o, e) != ERR_OK ||
        open_cluster(in, REPO_READ, &c, e) != ERR_OK)
        return e->code;
    code = o.summary ? run_log_summary(in, c, &o, &visitor, e) : ops_wal_log(c, &o, &visitor, e);
    return print.is_closed ? ERR_OK : code;
}

static enum err_code run_key(struct invocation *in, struct err *e)
{
    const char *what = in->arguments.operands[0];
    const char *file = in->arguments.operands[1];
    enum err_code code;

    if (strcmp(what, "generate") == 0)
        code = key_file_generate(file, clock_now_us(&clock_system), in->out, e);
    else if (strcmp(what, "show") == 0 && file != NULL)
        code = key_file_show(file, in->out, e);
    else {
        err_set(e, ERR_USAGE, "%s \"%s\"",
                file == NULL && strcmp(what, "show") == 0 ? "a file is missing behind" : "unknown word",
                what);
        return err_hint(e, "Usage: pitr key %s", in->command->synopsis);
    }
    return code != ERR_OK ? code : output_flush(in->out, e);
}

enum err_code run(struct invocation *in, struct err *e)
{
    switch (in->command->id) {
    case COMMAND_ARCHIVE:
        return run_archive(in, e);
    case COMMAND_FETCH:
        return run_fetch(in, e);
    case COMMAND_FETCH_AHEAD:
        return run_fetch_ahead(in, e);
    case COMMAND_BACKUP:
        return run_backup(in, e);
    case COMMAND_PLAN:
        return run_plan(in, e);
    case COMMAND_RESTORE:
        return run_restore(in, e);
    case COMMAND_INIT:
        return run_init(in, e);
    case COMMAND_CHECK:
        return run_check(in, e);
    case COMMAND_LIST:
        return run_list(in, e);
    case COMMAND_LOG:
        return run_log(in, e);
    case COMMAND_KEY:
        return run_key(in, e);
    case COMMAND_COUNT:
        break;
    }
    return err_set(e, ERR_USAGE, "no command");
}
