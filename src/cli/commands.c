/*
 * cli/commands.c - the table of commands, and the way from argv through one of its rows to the exit status.
 */
#include "cli/commands.h"

#include "base/log.h"
#include "cli/exit.h"
#include "cli/help.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>

static const struct command commands[COMMAND_COUNT] = {
    [COMMAND_ARCHIVE] =
        {
            .id = COMMAND_ARCHIVE,
            .name = "archive",
            .synopsis = "PATH",
            .summary = "push one file of pg_wal into every repository (archive_command)",
            .detail =
                "In postgresql.conf: archive_command = 'pitr archive %p'. Done means: stored durably in "
                "every "
                "repository of the cluster. A file that is there already with the same content is done too; "
                "one with other content is refused.",
            .operands_min = 1,
            .operands_max = 1,
            .operands = "the path of one file",
            .needs_cluster = true,
            .run = run_archive,
        },
    [COMMAND_FETCH] =
        {
            .id = COMMAND_FETCH,
            .name = "fetch",
            .synopsis = "FILE DEST [--line HEX16] [--path PATH [--until SEGMENT]]",
            .summary = "fetch one file out of a repository (restore_command)",
            .detail =
                "In postgresql.conf: restore_command = 'pitr fetch %f %p'. Exits with 1 only when every "
                "repository said that the file is not there, which ends recovery; with 200 on every other "
                "failure, which stops the server instead.",
            .operands_min = 2,
            .operands_max = 2,
            .operands = "a file's name and where to put it",
            .needs_cluster = true,
            .run = run_fetch,
        },
    [COMMAND_BACKUP] =
        {
            .id = COMMAND_BACKUP,
            .name = "backup",
            .synopsis = "[OPTION]…",
            .summary = "take a base backup over the replication protocol",
            .detail =
                "Prints the ID of the backup. Done means: all files and all WAL from the start to the end of "
                "the backup are in the repository.",
            .operands = "no operand",
            .needs_cluster = true,
            .run = run_backup,
        },
    [COMMAND_PLAN] =
        {
            .id = COMMAND_PLAN,
            .name = "plan",
            .synopsis = "[TARGET] [--json]",
            .summary = "show what a restore would do, and whether it would reach its target",
            .detail = "TARGET is one of --target-time, --target-lsn, --target-xid, --target-name and "
                      "--target-immediate, or none for all there is. Nothing is changed.",
            .operands = "no operand",
            .needs_cluster = true,
            .run = run_plan,
        },
    [COMMAND_RESTORE] =
        {
            .id = COMMAND_RESTORE,
            .name = "restore",
            .synopsis = "--pgdata DIR [TARGET] [--plan]",
            .summary = "lay out a data directory that recovers to a target when it is started",
            .detail = "TARGET is one of --target-time, --target-lsn, --target-xid, --target-name and "
                      "--target-immediate, or none for all there is. Start the server on DIR afterwards: it "
                      "fetches "
                      "the WAL it needs by itself.",
            .operands = "no operand",
            .needs_cluster = true,
            .run = run_restore,
        },
    [COMMAND_INIT] =
        {
            .id = COMMAND_INIT,
            .name = "init",
            .synopsis = "[OPTION]…",
            .summary = "make a cluster's place in its repositories",
            .detail =
                "Asks the server who it is. Needed when a cluster has been made anew or upgraded and goes on "
                "under its name; otherwise the first archive or backup does the same.",
            .operands = "no operand",
            .needs_cluster = true,
            .run = run_init,
        },
    [COMMAND_CHECK] =
        {
            .id = COMMAND_CHECK,
            .name = "check",
            .synopsis = "[--json]",
            .summary = "find out whether everything is set up right, end to end",
            .detail = "One line for each finding. The exit status is that of the first that failed.",
            .operands = "no operand",
            .needs_cluster = true,
            .run = run_check,
        },
    [COMMAND_LIST] =
        {
            .id = COMMAND_LIST,
            .name = "list",
            .synopsis = "[--json]",
            .summary = "show backups, and the WAL with the holes in it",
            .detail = "Asks the repositories only; the server need not run.",
            .operands = "no operand",
            .needs_cluster = true,
            .run = run_list,
        },
    [COMMAND_KEY] =
        {
            .id = COMMAND_KEY,
            .name = "key",
            .synopsis = "generate [FILE] | show FILE",
            .summary = "make keys, and show the public ones",
            .detail = "generate writes a new identity, which is secret, to FILE (never replacing one) and "
                      "prints its "
                      "recipient, which is public; without FILE it prints the text of the identity file. "
                      "show prints "
                      "the recipients of the identities in FILE.",
            .operands_min = 1,
            .operands_max = 2,
            .operands = "generate or show, and a file",
            .run = run_key,
        },
};

const struct command *command_at(enum command_id id)
{
    return &commands[id];
}

const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const struct command *command_near(const char *name)
{
    struct near n;

    near_init(&n, name, strlen(name));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        near_offer(&n, commands[i].name);
    return n.best == NULL ? NULL : command_named(n.best);
}

/* ---- from argv to a row ---------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* "pitr-archive" is "pitr archive". */
static const struct command *command_of_link(const char *program)
{
    return strncmp(program, "pitr-", 5) == 0 ? command_named(program + 5) : NULL;
}

/*
 * No command could be made out. Was fetch meant? Then the caller is a server in recovery, which a status of 2 would
 * make end recovery and promote: a mistyped restore_command must not lose data.
 */
static enum command_id command_meant(char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct command *c = command_near(words[i]);

        if (c != NULL && c->id == COMMAND_FETCH)
            return COMMAND_FETCH;
    }
    return COMMAND_COUNT;
}

static enum err_code refuse_command(const char *word, struct err *e)
{
    const struct command *near;

    if (word == NULL) {
        err_set(e, ERR_USAGE, "no command is given");
        return err_hint(e, "%s", "Try \"pitr --help\".");
    }
    if (word[0] == '-') {
        err_set(e, ERR_USAGE, "option \"%.64s\" stands where a command should", word);
        return err_hint(e, "%s",
                        "Options go behind the command: pitr COMMAND [OPTION]… Try \"pitr --help\".");
    }
    near = command_near(word);
    err_set(e, ERR_USAGE, "unknown command \"%.64s\"", word);
    if (near != NULL)
        return err_hint(e, "Did you mean \"%s\"? Try \"pitr --help\".", near->name);
    return err_hint(e, "%s", "Try \"pitr --help\".");
}

/* ---- running one ----------------------------------------------------------------------------------------------- */

static void tell(const struct err *e)
{
    if (e->text[0] == '\0')
        return;
    log_error("%s", e->text);
    if (e->hint[0] != '\0')
        log_hint("%s", e->hint);
}

/*
 * fetch is asked for what need not be there (the next timeline's history, the segment behind the last), so that
 * "not there" is an answer and no error; and an outage that is to count as such an answer is at least a warning.
 */
static void tell_fetch(const struct err *e, bool unreachable_absent)
{
    if (e->code == ERR_ABSENT)
        log_info("%s", e->text);
    else if (e->code == ERR_UNREACHABLE && unreachable_absent)
        log_warning("%s, answering that it is not there", e->text);
    else
        tell(e);
}

static enum log_level log_level_of(const struct settings *s)
{
    int64_t level = LOG_LEVEL_INFO + s->at[OPTION_VERBOSE].number - s->at[OPTION_QUIET].number;

    if (level < LOG_LEVEL_ERROR)
        return LOG_LEVEL_ERROR;
    return level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : (enum log_level) level;
}

static enum err_code check_operands(const struct command *c, const struct arguments *a, struct err *e)
{
    if (a->operand_count >= c->operands_min && a->operand_count <= c->operands_max)
        return ERR_OK;
    if (a->operand_count > c->operands_max)
        err_set(e, ERR_USAGE, "unexpected argument \"%s\"", a->operands[c->operands_max]);
    else
        err_set(e, ERR_USAGE, "\"%s\" needs %s", c->name, c->operands);
    return err_hint(e, "Usage: pitr %s %s", c->name, c->synopsis);
}

/* --help and --version, whatever else is given. */
static bool show_and_leave(const struct invocation *in)
{
    if (in->arguments.settings.at[OPTION_HELP].is_given)
        help_command(in->command, in->out);
    else if (in->arguments.settings.at[OPTION_VERSION].is_given)
        fprintf(in->out, "%s\n", VERSION_TEXT);
    else
        return false;
    return true;
}

static const char *environment(const char *variable)
{
    return getenv(variable);
}

static enum err_code invoke(struct invocation *in, const char *program, char *const *words, size_t count,
                            struct err *e)
{
    const struct command *c = in->command;

    if (arguments_parse(c->id, words, count, &in->arguments, e) != ERR_OK)
        return e->code;
    log_init(program, log_level_of(&in->arguments.settings));
    if (show_and_leave(in))
        return output_flush(in->out, e);
    if (check_operands(c, &in->arguments, e) != ERR_OK)
        return e->code;
    if (c->needs_cluster && configure(&in->arguments.settings, environment, &in->configured, e) != ERR_OK)
        return e->code;
    return c->run(in, e);
}

static int run_command(const struct command *c, const char *program, char *const *words, size_t count)
{
    struct invocation in = {.command = c, .out = stdout};
    struct err e = ERR_NONE;
    enum err_code code;
    bool unreachable_absent;

    exit_on_signals(c->id);
    code = invoke(&in, program, words, count, &e);
    /* For a standby that can stream; a restore that follows a plan must not end early, whatever the file says. */
    unreachable_absent = settings_number(&in.configured.layers, OPTION_UNREACHABLE) == 1 &&
                         !in.arguments.settings.at[OPTION_PATH].is_given;
    if (code != ERR_OK && c->id == COMMAND_FETCH)
        tell_fetch(&e, unreachable_absent);
    else if (code != ERR_OK)
        tell(&e);
    configured_clear(&in.configured);
    arguments_clear(&in.arguments);
    return exit_status(c->id, code, unreachable_absent);
}

/* "pitr --help" and "pitr --version"; -1 when it is neither. */
static int run_program(const char *word)
{
    struct err e = ERR_NONE;

    if (word != NULL && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0))
        help_program(stdout);
    else if (word != NULL && strcmp(word, "--version") == 0)
        fprintf(stdout, "%s\n", VERSION_TEXT);
    else
        return -1;
    if (output_flush(stdout, &e) != ERR_OK)
        tell(&e);
    return exit_status(COMMAND_COUNT, e.code, false);
}

int commands_main(int argc, char **argv)
{
    const char *program = argc > 0 ? base_name(argv[0]) : "pitr";
    const struct command *c = command_of_link(program);
    size_t count = argc > 0 ? (size_t) argc - 1 : 0;
    struct err e = ERR_NONE;
    int status;

    log_init(c == NULL ? "pitr" : program, LOG_LEVEL_INFO);
    if (c != NULL)
        return run_command(c, program, argv + 1, count);
    c = count > 0 ? command_named(argv[1]) : NULL;
    if (c != NULL)
        return run_command(c, "pitr", argv + 2, count - 1);
    status = run_program(count > 0 ? argv[1] : NULL);
    if (status >= 0)
        return status;
    refuse_command(count > 0 ? argv[1] : NULL, &e);
    tell(&e);
    return exit_status(command_meant(argv + 1, count), e.code, false);
}
