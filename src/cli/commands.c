/*
 * cli/commands.c - the table of commands; see cli/commands.h.
 */
#include "cli/commands.h"

#include "cli/near.h"

#include <string.h>

static const struct command commands[COMMAND_COUNT] = {
    [COMMAND_ARCHIVE] =
        {
            .id = COMMAND_ARCHIVE,
            .name = "archive",
            .synopsis = "PATH",
            .summary = "push one file of pg_wal into every repository (archive_command)",
            .detail = "In postgresql.conf: archive_command = 'pitr archive %p'. Done means: stored durably "
                      "in every repository of the cluster. A file that is there already with the same "
                      "content is done too; one with other content is refused.",
            .operands_min = 1,
            .operands_max = 1,
            .operands = "the path of one file",
            .needs_cluster = true,
        },
    [COMMAND_FETCH] =
        {
            .id = COMMAND_FETCH,
            .name = "fetch",
            .synopsis = "FILE DEST [--line HEX16] [--path PATH [--until SEGMENT]]",
            .summary = "fetch one file out of a repository (restore_command)",
            .detail = "In postgresql.conf: restore_command = 'pitr fetch %f %p'. Exits with 1 only when "
                      "every repository said that the file is not there, which ends recovery; with 200 on "
                      "every other failure, which stops the server instead. --line, --path and --until are "
                      "what pitr restore writes.",
            .operands_min = 2,
            .operands_max = 2,
            .operands = "a file's name and where to put it",
            .needs_cluster = true,
        },
    [COMMAND_FETCH_AHEAD] =
        {
            .id = COMMAND_FETCH_AHEAD,
            .name = "fetch-ahead",
            .synopsis = "FILE DEST DIRECTORY [--line HEX16] [--path PATH [--until SEGMENT]]",
            .summary = "keep segments ready ahead of a recovery; fetch starts it by itself",
            .detail = "Never to be written anywhere: fetch starts it beside a recovery, with its own "
                      "arguments and the data directory behind them, and it ends by itself. What it has to "
                      "say is in fetch-ahead.log, in the cluster's directory of the spool. "
                      "fetch-ahead-bytes = 0 in the configuration keeps it from being started.",
            .operands_min = 3,
            .operands_max = 3,
            .operands = "what fetch was given, and the data directory",
            .needs_cluster = true,
        },
    [COMMAND_BACKUP] =
        {
            .id = COMMAND_BACKUP,
            .name = "backup",
            .synopsis = "[OPTION]…",
            .summary = "take a base backup over the replication protocol",
            .detail = "Prints the ID of the backup. Done means: all files and all WAL from the start to the "
                      "end of the backup are in the repository: the first one, or that of --repo.",
            .operands = "no operand",
            .needs_cluster = true,
        },
    [COMMAND_PLAN] =
        {
            .id = COMMAND_PLAN,
            .name = "plan",
            .synopsis = "[TARGET] [--json]",
            .summary = "show what a restore would do, and whether it would reach its target",
            .detail = "TARGET is one of --target-time, --target-lsn, --target-xid, --target-name and "
                      "--target-immediate, or none for all there is; then the times that can be restored are "
                      "shown, too. Nothing is changed. The plan is that of the first repository that can "
                      "serve it, or of --repo.",
            .operands = "no operand",
            .needs_cluster = true,
        },
    [COMMAND_RESTORE] =
        {
            .id = COMMAND_RESTORE,
            .name = "restore",
            .synopsis = "--pgdata DIR [TARGET] | --plan [TARGET] [--json]",
            .summary = "lay out a data directory that recovers to a target when it is started",
            .detail = "TARGET is one of --target-time, --target-lsn, --target-xid, --target-name and "
                      "--target-immediate, or none for all there is. Start a server on DIR afterwards: it "
                      "fetches the WAL it needs by itself.",
            .operands = "no operand",
            .needs_cluster = true,
        },
    [COMMAND_INIT] =
        {
            .id = COMMAND_INIT,
            .name = "init",
            .synopsis = "[OPTION]…",
            .summary = "make a cluster's place in its repositories",
            .detail =
                "Asks the server who it is, makes the cluster's place and tries whether the store refuses to "
                "overwrite. Needed when a cluster has been made anew or upgraded and goes on under its name; "
                "otherwise the first archive or backup makes the place. Run again, it changes nothing.",
            .operands = "no operand",
            .needs_cluster = true,
        },
    [COMMAND_CHECK] =
        {
            .id = COMMAND_CHECK,
            .name = "check",
            .synopsis = "[--json]",
            .summary = "find out whether everything is set up right, end to end",
            .detail = "Connects to the server, and stores, reads and removes a probe in each repository. One "
                      "line for each finding; the exit status is that of the first that failed.",
            .operands = "no operand",
            .needs_cluster = true,
        },
    [COMMAND_LIST] =
        {
            .id = COMMAND_LIST,
            .name = "list",
            .synopsis = "[--json]",
            .summary = "show backups, which times can be restored, and the WAL with the holes in it",
            .detail = "Asks the repositories only; the server need not run.",
            .operands = "no operand",
            .needs_cluster = true,
        },
    [COMMAND_LOG] =
        {
            .id = COMMAND_LOG,
            .name = "log",
            .synopsis = "[--since TIME] [--until TIME] [--drops] [OPTION]…",
            .summary = "show what happened in the archived WAL: transactions, drops, restore points",
            .detail =
                "One line for each event, in the order of WAL: time, LSN, transaction, and what it did. A "
                "time with ~ "
                "in front is that of the event before. What let data go is followed by the restore that "
                "brings it "
                "back. --drops finds the DROP. Names come from the catalogs of backups. Missing or damaged "
                "segments are told in their place and make the exit status 3 or 4.",
            .operands = "no operand",
            .needs_cluster = true,
        },
    [COMMAND_KEY] =
        {
            .id = COMMAND_KEY,
            .name = "key",
            .synopsis = "generate [FILE] | show FILE",
            .summary = "make keys, and show the public ones",
            .detail = "generate writes a new identity, which is secret, to FILE (never replacing one) and "
                      "prints its recipient, which is public; without FILE it prints the text of the "
                      "identity file. show prints the recipients of the identities in FILE.",
            .operands_min = 1,
            .operands_max = 2,
            .operands = "generate or show, and a file",
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
