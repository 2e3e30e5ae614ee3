/*
 * cli/options.h - every option there is, in one table: what it is called, where it may stand, what it may say.
 *
 * Arguments, environment variables and keys of the configuration file are read through the same row, so that a
 * value means the same wherever it stands; --help, and any manual page, is made of the same rows.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_PATH_DEFAULT "/etc/pitr/pitr.conf"
#define CLUSTER_DEFAULT     "main" /* unless the file has exactly one of another name */

enum option_id {
    /* of every command */
    OPTION_CONFIG,
    OPTION_CLUSTER,
    OPTION_VERBOSE,
    OPTION_QUIET,
    OPTION_HELP,
    OPTION_VERSION,
    /* of commands */
    OPTION_REPO,
    OPTION_JSON,
    OPTION_LINE,
    OPTION_PATH,
    OPTION_UNTIL,
    OPTION_LABEL,
    OPTION_PGDATA,
    OPTION_PLAN,
    OPTION_STANDBY,
    OPTION_TABLESPACE,
    OPTION_TABLESPACE_ROOT,
    OPTION_KEEP_ARCHIVING,
    OPTION_TARGET_TIME,
    OPTION_TARGET_LSN,
    OPTION_TARGET_XID,
    OPTION_TARGET_NAME,
    OPTION_TARGET_IMMEDIATE,
    OPTION_TIMEZONE,
    OPTION_TARGET_TIMELINE,
    OPTION_EXCLUSIVE,
    OPTION_TARGET_ACTION,
    OPTION_BACKUP,
    OPTION_OR_LATEST,
    OPTION_SINCE,
    OPTION_LOG_UNTIL,
    OPTION_TIMELINE,
    OPTION_XID,
    OPTION_DROPS,
    OPTION_RESTORE_POINTS,
    OPTION_ALL,
    OPTION_SUMMARY,
    OPTION_EVERY,
    /* of [cluster], some of commands too */
    OPTION_CONNINFO,
    OPTION_REPOS,
    OPTION_SPOOL,
    OPTION_COMPRESS,
    OPTION_COMPRESS_LEVEL,
    OPTION_CHUNK_SIZE,
    OPTION_PACK_SIZE,
    OPTION_BACKUP_MEMORY,
    OPTION_JOBS,
    OPTION_CHECKPOINT,
    OPTION_MAX_RATE,
    OPTION_WAL_TIMEOUT,
    OPTION_UNREACHABLE,
    OPTION_FETCH_AHEAD_BYTES,
    OPTION_PUSH_JOBS,
    OPTION_PUSH_AHEAD_BYTES,
    /* of [repo] */
    OPTION_URL,
    OPTION_ENDPOINT,
    OPTION_ALLOW_HTTP,
    OPTION_REGION,
    OPTION_ADDRESSING,
    OPTION_CA_FILE,
    OPTION_CREDENTIALS_FILE,
    OPTION_CREDENTIALS_COMMAND,
    OPTION_PART_SIZE,
    OPTION_CONNECT_TIMEOUT,
    OPTION_STALL_TIMEOUT,
    OPTION_REQUEST_TIMEOUT,
    OPTION_RETRY_BUDGET,
    OPTION_CONDITIONAL_PUT,
    OPTION_RECIPIENTS_FILE,
    OPTION_IDENTITY_FILE,
    OPTION_IDENTITY_COMMAND,
    OPTION_ACCEPT_UNENCRYPTED,
    OPTION_COUNT
};

enum option_type {
    OPTION_TYPE_STRING,
    OPTION_TYPE_PATH, /* arguments may be relative to the working directory; elsewhere absolute only */
    OPTION_TYPE_FLAG, /* takes no value on the command line; may be repeated, and counts            */
    OPTION_TYPE_BOOL, /* yes, no, true, false, on, off, 1, 0                                        */
    OPTION_TYPE_INT,
    OPTION_TYPE_SIZE,     /* 512, 64KiB, 32MiB, 1GiB: bytes                                             */
    OPTION_TYPE_DURATION, /* 500ms, 30s, 10min, 2h, 14d: milliseconds                                   */
    OPTION_TYPE_ENUM,     /* one of choices; its number is the position there                           */
    OPTION_TYPE_LIST,     /* names separated by commas                                                  */
    OPTION_TYPE_REPEATED  /* a text each time it is given                                               */
};

/* The commands, as bits of sets. The rows that go with them are in cli/commands.h. */
enum command_id {
    COMMAND_ARCHIVE,
    COMMAND_FETCH,
    COMMAND_FETCH_AHEAD,
    COMMAND_BACKUP,
    COMMAND_PLAN,
    COMMAND_RESTORE,
    COMMAND_INIT,
    COMMAND_CHECK,
    COMMAND_LIST,
    COMMAND_LOG,
    COMMAND_KEY,
    COMMAND_COUNT
};
#define COMMAND_BIT(id) (1u << (id))
#define COMMANDS_ALL    (COMMAND_BIT(COMMAND_COUNT) - 1)

enum option_section { SECTION_NONE, SECTION_CLUSTER, SECTION_REPO };

struct option {
    const char *name; /* as key, and with "--" as argument                              */
    char letter;      /* short form, or 0                                               */
    enum option_type type;
    enum option_section section; /* of the configuration file, or SECTION_NONE                     */
    unsigned commands;           /* COMMAND_BIT of those that take it as an argument               */
    int64_t min, max;            /* of INT, SIZE, DURATION, inclusive                              */
    bool or_zero;                /* 0 is allowed although it lies outside the range                */
    const char *choices;         /* of ENUM: "lz4|zstd|none"                                       */
    const char *fallback;        /* value when nobody says anything, or NULL                       */
    const char *environment;     /* variable, or NULL                                              */
    bool is_secret;              /* may carry a secret or say how to get one: never handed on      */
    const char *metavar;         /* NULL for a FLAG                                                */
    const char *help;            /* one line for --help; a manual page's first sentence            */
};

/* The row of an option; id below OPTION_COUNT. */
const struct option *option_at(enum option_id id);

/* Look up by key of a section, by long name or by letter among a command's options. OPTION_COUNT when there is none. */
enum option_id option_of_key(enum option_section section, const char *key);
enum option_id option_of_argument(enum command_id command, const char *name, size_t name_len);
enum option_id option_of_letter(enum command_id command, char letter);

/* The key or argument name that was probably meant, or NULL when none is close. */
const char *option_near_key(enum option_section section, const char *key);
const char *option_near_argument(enum command_id command, const char *name, size_t name_len);

/* Does an argument of this option want a value? */
bool option_takes_value(const struct option *o);
