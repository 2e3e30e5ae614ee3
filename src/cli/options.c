/*
 * cli/options.c - the table of options; see cli/options.h.
 */
#include "cli/options.h"

#include "cli/near.h"

#include <assert.h>
#include <string.h>

#define KIB             1024LL
#define MIB             (1024 * KIB)
#define GIB             (1024 * MIB)
#define SECOND          1000LL
#define MINUTE          (60 * SECOND)
#define HOUR            (60 * MINUTE)
#define DAY             (24 * HOUR)
#define NAME_ARGUMENT   "NAME"
#define FILE_ARGUMENT   "FILE"
#define SET_BACKUP      COMMAND_BIT(COMMAND_BACKUP)
#define SET_FETCH       (COMMAND_BIT(COMMAND_FETCH) | COMMAND_BIT(COMMAND_FETCH_AHEAD))
#define SET_RESTORE     COMMAND_BIT(COMMAND_RESTORE)
#define SET_TARGET      (COMMAND_BIT(COMMAND_PLAN) | SET_RESTORE)
#define SET_LOG         COMMAND_BIT(COMMAND_LOG)
#define SET_JSON        (SET_TARGET | SET_LOG | COMMAND_BIT(COMMAND_CHECK) | COMMAND_BIT(COMMAND_LIST))
#define SET_REPO        (SET_JSON | SET_FETCH | SET_BACKUP)
#define SET_ALL_BUT_KEY (COMMANDS_ALL & ~COMMAND_BIT(COMMAND_KEY))

/* clang-format off */
static const struct option options[OPTION_COUNT] = {
    [OPTION_CONFIG] = {.name = "config", .type = OPTION_TYPE_PATH, .commands = SET_ALL_BUT_KEY,
        .environment = "PITR_CONFIG", .metavar = FILE_ARGUMENT,
        .help = "configuration file (default: " CONFIG_PATH_DEFAULT " if it is there)"},
    [OPTION_CLUSTER] = {.name = "cluster", .type = OPTION_TYPE_STRING, .commands = SET_ALL_BUT_KEY,
        .environment = "PITR_CLUSTER", .metavar = NAME_ARGUMENT,
        .help = "cluster to work on (default: the only one of the file, else " CLUSTER_DEFAULT ")"},
    [OPTION_VERBOSE] = {.name = "verbose", .letter = 'v', .type = OPTION_TYPE_FLAG, .commands = COMMANDS_ALL,
        .help = "say more; may be repeated"},
    [OPTION_QUIET] = {.name = "quiet", .letter = 'q', .type = OPTION_TYPE_FLAG, .commands = COMMANDS_ALL,
        .help = "say warnings and errors only; twice: errors only"},
    [OPTION_HELP] = {.name = "help", .type = OPTION_TYPE_FLAG, .commands = COMMANDS_ALL,
        .help = "show this help, then exit"},
    [OPTION_VERSION] = {.name = "version", .type = OPTION_TYPE_FLAG, .commands = COMMANDS_ALL,
        .help = "show the version, then exit"},

    [OPTION_REPO] = {.name = "repo", .type = OPTION_TYPE_STRING, .commands = SET_REPO, .metavar = NAME_ARGUMENT,
        .help = "use this repository only"},
    [OPTION_JSON] = {.name = "json", .type = OPTION_TYPE_FLAG, .commands = SET_JSON,
        .help = "print JSON instead of text"},
    [OPTION_LINE] = {.name = "line", .type = OPTION_TYPE_STRING, .commands = SET_FETCH, .metavar = "HEX16",
        .help = "system identifier of the cluster, 16 hex digits (default: from global/pg_control)"},
    [OPTION_PATH] = {.name = "path", .type = OPTION_TYPE_STRING, .commands = SET_FETCH, .metavar = "PATH",
        .help = "timelines recovery runs through and where each ends, as in 1:0/5000148,2"},
    [OPTION_UNTIL] = {.name = "until", .type = OPTION_TYPE_STRING, .commands = SET_FETCH, .metavar = "SEGMENT",
        .help = "last segment that recovery needs; only with --path"},
    [OPTION_LABEL] = {.name = "label", .type = OPTION_TYPE_STRING, .commands = SET_BACKUP, .metavar = "TEXT",
        .help = "label of the backup (default: pitr and its ID)"},
    [OPTION_PGDATA] = {.name = "pgdata", .type = OPTION_TYPE_PATH, .commands = SET_RESTORE, .metavar = "DIR",
        .help = "data directory to make; must be empty or absent"},
    [OPTION_PLAN] = {.name = "plan", .type = OPTION_TYPE_FLAG, .commands = SET_RESTORE,
        .help = "show the plan and do nothing"},
    [OPTION_STANDBY] = {.name = "standby", .type = OPTION_TYPE_FLAG, .commands = SET_RESTORE,
        .help = "restore as a standby, which goes on following its archive"},
    [OPTION_TABLESPACE] = {.name = "tablespace", .type = OPTION_TYPE_REPEATED, .commands = SET_RESTORE,
        .metavar = "OLD=NEW", .help = "put the tablespace that lay at OLD to NEW; may be repeated"},
    [OPTION_TABLESPACE_ROOT] = {.name = "tablespace-root", .type = OPTION_TYPE_PATH, .commands = SET_RESTORE,
        .metavar = "DIR", .help = "put every other tablespace to DIR/OID (default: where it lay)"},
    [OPTION_KEEP_ARCHIVING] = {.name = "keep-archiving", .type = OPTION_TYPE_FLAG, .commands = SET_RESTORE,
        .help = "leave archiving as it was in the backup (default: archive_mode is switched off)"},
    [OPTION_TARGET_TIME] = {.name = "target-time", .type = OPTION_TYPE_STRING, .commands = SET_TARGET,
        .metavar = "TIME", .help = "end at this moment; with a zone, as in 2026-11-20 14:29:00+00"},
    [OPTION_TARGET_LSN] = {.name = "target-lsn", .type = OPTION_TYPE_STRING, .commands = SET_TARGET,
        .metavar = "LSN", .help = "end at this position of the WAL, as in 16/B374D848"},
    [OPTION_TARGET_XID] = {.name = "target-xid", .type = OPTION_TYPE_STRING, .commands = SET_TARGET,
        .metavar = "XID", .help = "end with this transaction; not with a savepoint's XID"},
    [OPTION_TARGET_NAME] = {.name = "target-name", .type = OPTION_TYPE_STRING, .commands = SET_TARGET,
        .metavar = "NAME", .help = "end at this restore point, made by pg_create_restore_point()"},
    [OPTION_TARGET_IMMEDIATE] = {.name = "target-immediate", .type = OPTION_TYPE_FLAG, .commands = SET_TARGET,
        .help = "end as soon as the backup is consistent"},
    [OPTION_TIMEZONE] = {.name = "timezone", .type = OPTION_TYPE_STRING, .commands = SET_TARGET | SET_LOG,
        .metavar = "ZONE", .help = "zone of a time that has none: UTC, +02, Europe/Berlin"},
    [OPTION_TARGET_TIMELINE] = {.name = "target-timeline", .type = OPTION_TYPE_STRING, .commands = SET_TARGET,
        .fallback = "latest", .metavar = "N|latest|current",
        .help = "timeline to follow: latest is the highest there is, current the backup's own"},
    [OPTION_EXCLUSIVE] = {.name = "exclusive", .type = OPTION_TYPE_FLAG, .commands = SET_TARGET,
        .help = "end just before the target time, LSN or XID instead of just after it"},
    [OPTION_TARGET_ACTION] = {.name = "target-action", .type = OPTION_TYPE_ENUM, .commands = SET_TARGET,
        .choices = "pause|promote|shutdown", .metavar = "ACTION",
        .help = "what the server does at the target (default: pause; without a target it promotes)"},
    [OPTION_BACKUP] = {.name = "backup", .type = OPTION_TYPE_STRING, .commands = SET_TARGET, .metavar = "ID",
        .help = "backup to start from (default: the newest that ends before the target)"},
    [OPTION_OR_LATEST] = {.name = "or-latest", .type = OPTION_TYPE_FLAG, .commands = SET_TARGET,
        .help = "if the time lies after the last archived commit, end with that"},

    [OPTION_SINCE] = {.name = "since", .type = OPTION_TYPE_STRING, .commands = SET_LOG, .metavar = "TIME|LSN",
        .help = "begin here (default: the last hour); a time has a zone, as in 2026-11-20 14:29:00+00"},
    [OPTION_LOG_UNTIL] = {.name = "until", .type = OPTION_TYPE_STRING, .commands = SET_LOG, .metavar = "TIME|LSN",
        .help = "end here, this moment included (default: the end of the archived WAL)"},
    [OPTION_TIMELINE] = {.name = "timeline", .type = OPTION_TYPE_STRING, .commands = SET_LOG, .metavar = "N|latest",
        .fallback = "latest", .help = "timeline to follow, with the past it shares with its parents"},
    [OPTION_XID] = {.name = "xid", .type = OPTION_TYPE_STRING, .commands = SET_LOG, .metavar = "XID",
        .help = "show this transaction only; a savepoint's XID finds the transaction around it"},
    [OPTION_DROPS] = {.name = "drops", .type = OPTION_TYPE_FLAG, .commands = SET_LOG,
        .help = "show only what made data go: DROP, TRUNCATE, and what may be one"},
    [OPTION_RESTORE_POINTS] = {.name = "restore-points", .type = OPTION_TYPE_FLAG, .commands = SET_LOG,
        .help = "show only restore points; with --drops, both"},
    [OPTION_ALL] = {.name = "all", .type = OPTION_TYPE_FLAG, .commands = SET_LOG,
        .help = "show checkpoints and switches of segments, too"},
    [OPTION_SUMMARY] = {.name = "summary", .type = OPTION_TYPE_FLAG, .commands = SET_LOG,
        .help = "count instead: commits, aborts, drops and bytes of WAL, minute by minute"},
    [OPTION_EVERY] = {.name = "every", .type = OPTION_TYPE_DURATION, .commands = SET_LOG,
        .min = 1000, .max = 86400000, .metavar = "DURATION",
        .help = "a line of the summary (default: 1min, 10min, 1h or 1d, as fits the range)"},

    [OPTION_CONNINFO] = {.name = "conninfo", .type = OPTION_TYPE_STRING, .section = SECTION_CLUSTER,
        .fallback = "", .environment = "PITR_CONNINFO", .is_secret = true, .metavar = "CONNINFO",
        .help = "how to reach the server, as libpq takes it (empty: libpq's PG* variables)"},
    [OPTION_REPOS] = {.name = "repos", .type = OPTION_TYPE_LIST, .section = SECTION_CLUSTER,
        .environment = "PITR_REPOS", .metavar = "NAME,...",
        .help = "repositories of the cluster: a push goes to all, a fetch tries them in order (default: all)"},
    [OPTION_SPOOL] = {.name = "spool", .type = OPTION_TYPE_PATH, .section = SECTION_CLUSTER,
        .environment = "PITR_SPOOL", .metavar = "DIR",
        .help = "private directory for what pitr remembers; losing it costs time only (default: /var/tmp/pitr-UID)"},
    [OPTION_COMPRESS] = {.name = "compress", .type = OPTION_TYPE_ENUM, .section = SECTION_CLUSTER,
        .choices = "lz4|zstd|none", .fallback = "lz4", .environment = "PITR_COMPRESS", .metavar = "CODEC",
        .help = "compression of what is stored"},
    [OPTION_COMPRESS_LEVEL] = {.name = "compress-level", .type = OPTION_TYPE_INT, .section = SECTION_CLUSTER,
        .min = -131072, .max = 22, .fallback = "0", .environment = "PITR_COMPRESS_LEVEL", .metavar = "N",
        .help = "level of the compression; 0 is the codec's own default"},
    [OPTION_CHUNK_SIZE] = {.name = "chunk-size", .type = OPTION_TYPE_SIZE, .section = SECTION_CLUSTER,
        .min = 64 * KIB, .max = 4 * MIB, .fallback = "256KiB", .environment = "PITR_CHUNK_SIZE", .metavar = "SIZE",
        .help = "size of the pieces a backup cuts files into; only pieces that changed are stored again"},
    [OPTION_PACK_SIZE] = {.name = "pack-size", .type = OPTION_TYPE_SIZE, .section = SECTION_CLUSTER,
        .min = MIB, .max = 64 * MIB, .fallback = "32MiB", .environment = "PITR_PACK_SIZE", .metavar = "SIZE",
        .help = "largest size of the objects that the pieces of a backup are stored in"},
    [OPTION_BACKUP_MEMORY] = {.name = "backup-memory", .type = OPTION_TYPE_SIZE, .section = SECTION_CLUSTER,
        .commands = SET_BACKUP, .min = 32 * MIB, .max = 64 * GIB, .fallback = "256MiB",
        .environment = "PITR_BACKUP_MEMORY", .metavar = "SIZE",
        .help = "memory for what a backup has received and not yet stored"},
    [OPTION_JOBS] = {.name = "jobs", .type = OPTION_TYPE_INT, .section = SECTION_CLUSTER,
        .commands = SET_BACKUP | SET_RESTORE, .min = 1, .max = 64, .environment = "PITR_JOBS", .metavar = "N",
        .help = "threads that work at the same time (default: the CPUs; from S3 a restore has 8 at least)"},
    [OPTION_CHECKPOINT] = {.name = "checkpoint", .type = OPTION_TYPE_ENUM, .section = SECTION_CLUSTER,
        .commands = SET_BACKUP, .choices = "spread|fast", .fallback = "spread", .environment = "PITR_CHECKPOINT",
        .metavar = "HOW", .help = "checkpoint a backup begins with: fast begins at once, spread does not disturb"},
    [OPTION_MAX_RATE] = {.name = "max-rate", .type = OPTION_TYPE_SIZE, .section = SECTION_CLUSTER,
        .commands = SET_BACKUP, .min = 32 * KIB, .max = GIB, .or_zero = true, .fallback = "0",
        .environment = "PITR_MAX_RATE", .metavar = "SIZE",
        .help = "bytes per second that the server may send for a backup; 0 is unlimited"},
    [OPTION_WAL_TIMEOUT] = {.name = "wal-timeout", .type = OPTION_TYPE_DURATION, .section = SECTION_CLUSTER,
        .commands = SET_BACKUP, .min = SECOND, .max = 7 * DAY, .fallback = "10min",
        .environment = "PITR_WAL_TIMEOUT", .metavar = "DURATION",
        .help = "how long a backup waits for its WAL to be archived"},
    [OPTION_UNREACHABLE] = {.name = "unreachable", .type = OPTION_TYPE_ENUM, .section = SECTION_CLUSTER,
        .choices = "fail|absent", .fallback = "fail", .environment = "PITR_UNREACHABLE", .metavar = "HOW",
        .help = "what fetch answers while no repository can be reached; absent is for a standby that streams"},
    [OPTION_FETCH_AHEAD_BYTES] = {.name = "fetch-ahead-bytes", .type = OPTION_TYPE_SIZE,
        .section = SECTION_CLUSTER, .min = MIB, .max = 64 * GIB, .or_zero = true, .fallback = "256MiB",
        .environment = "PITR_FETCH_AHEAD_BYTES", .metavar = "SIZE",
        .help = "segments that may lie ready in the spool ahead of a recovery; 0 is none"},
    [OPTION_PUSH_JOBS] = {.name = "push-jobs", .type = OPTION_TYPE_INT, .section = SECTION_CLUSTER,
        .min = 1, .max = 16, .environment = "PITR_PUSH_JOBS", .metavar = "N",
        .help = "waiting files that archive pushes at the same time (default: as CPUs and the store's answers allow)"},
    [OPTION_PUSH_AHEAD_BYTES] = {.name = "push-ahead-bytes", .type = OPTION_TYPE_SIZE,
        .section = SECTION_CLUSTER, .min = MIB, .max = 64 * GIB, .or_zero = true, .fallback = "2GiB",
        .environment = "PITR_PUSH_AHEAD_BYTES", .metavar = "SIZE",
        .help = "waiting files that one call of archive pushes along; 0 is none"},

    [OPTION_URL] = {.name = "url", .type = OPTION_TYPE_STRING, .section = SECTION_REPO, .environment = "PITR_REPO",
        .metavar = "URL",
        .help = "file:///directory or s3://bucket/prefix; PITR_REPO replaces all repositories of the file by one"},
    [OPTION_ENDPOINT] = {.name = "endpoint", .type = OPTION_TYPE_STRING, .section = SECTION_REPO,
        .environment = "PITR_ENDPOINT", .metavar = "URL",
        .help = "S3 server, https://host[:port] (default: R2_ENDPOINT, else AWS_ENDPOINT_URL)"},
    [OPTION_ALLOW_HTTP] = {.name = "allow-http", .type = OPTION_TYPE_BOOL, .section = SECTION_REPO,
        .fallback = "no", .environment = "PITR_ALLOW_HTTP", .metavar = "yes|no",
        .help = "take an http:// endpoint beyond this machine: anyone on the way can read and answer"},
    [OPTION_REGION] = {.name = "region", .type = OPTION_TYPE_STRING, .section = SECTION_REPO, .fallback = "auto",
        .environment = "PITR_REGION", .metavar = "REGION", .help = "S3 region that requests are signed for"},
    [OPTION_ADDRESSING] = {.name = "addressing", .type = OPTION_TYPE_ENUM, .section = SECTION_REPO,
        .choices = "path|virtual", .fallback = "path", .environment = "PITR_ADDRESSING", .metavar = "HOW",
        .help = "where the bucket's name goes: into the path or the host"},
    [OPTION_CA_FILE] = {.name = "ca-file", .type = OPTION_TYPE_PATH, .section = SECTION_REPO,
        .environment = "PITR_CA_FILE", .metavar = FILE_ARGUMENT,
        .help = "certificates to trust (default: the system's)"},
    [OPTION_CREDENTIALS_FILE] = {.name = "credentials-file", .type = OPTION_TYPE_PATH, .section = SECTION_REPO,
        .environment = "PITR_CREDENTIALS_FILE", .metavar = FILE_ARGUMENT,
        .help = "file of the access key, readable by nobody else (default: AWS_ACCESS_KEY_ID and so on)"},
    [OPTION_CREDENTIALS_COMMAND] = {.name = "credentials-command", .type = OPTION_TYPE_STRING,
        .section = SECTION_REPO, .environment = "PITR_CREDENTIALS_COMMAND", .is_secret = true, .metavar = "COMMAND",
        .help = "command that prints the access key"},
    [OPTION_PART_SIZE] = {.name = "part-size", .type = OPTION_TYPE_SIZE, .section = SECTION_REPO, .min = 5 * MIB,
        .max = GIB, .fallback = "64MiB", .environment = "PITR_PART_SIZE", .metavar = "SIZE",
        .help = "larger objects are sent in parts of this size"},
    [OPTION_CONNECT_TIMEOUT] = {.name = "connect-timeout", .type = OPTION_TYPE_DURATION, .section = SECTION_REPO,
        .min = 100, .max = 10 * MINUTE, .fallback = "10s", .environment = "PITR_CONNECT_TIMEOUT",
        .metavar = "DURATION", .help = "limit for making a connection"},
    [OPTION_STALL_TIMEOUT] = {.name = "stall-timeout", .type = OPTION_TYPE_DURATION, .section = SECTION_REPO,
        .min = SECOND, .max = HOUR, .fallback = "30s", .environment = "PITR_STALL_TIMEOUT", .metavar = "DURATION",
        .help = "limit for a request in which no byte moves"},
    [OPTION_REQUEST_TIMEOUT] = {.name = "request-timeout", .type = OPTION_TYPE_DURATION, .section = SECTION_REPO,
        .min = SECOND, .max = DAY, .fallback = "10min", .environment = "PITR_REQUEST_TIMEOUT",
        .metavar = "DURATION", .help = "limit for a whole request; a large one gets more"},
    [OPTION_RETRY_BUDGET] = {.name = "retry-budget", .type = OPTION_TYPE_DURATION, .section = SECTION_REPO,
        .min = 0, .max = DAY, .fallback = "60s", .environment = "PITR_RETRY_BUDGET", .metavar = "DURATION",
        .help = "how long failed requests are tried again; 0 is not at all"},
    [OPTION_CONDITIONAL_PUT] = {.name = "conditional-put", .type = OPTION_TYPE_BOOL, .section = SECTION_REPO,
        .fallback = "yes", .environment = "PITR_CONDITIONAL_PUT", .metavar = "yes|no",
        .help = "yes: the store itself refuses to replace an object; no: pitr looks first, a weaker guarantee"},
    [OPTION_RECIPIENTS_FILE] = {.name = "recipients-file", .type = OPTION_TYPE_PATH, .section = SECTION_REPO,
        .environment = "PITR_RECIPIENTS_FILE", .metavar = FILE_ARGUMENT,
        .help = "public keys to encrypt for (default: stored unencrypted)"},
    [OPTION_IDENTITY_FILE] = {.name = "identity-file", .type = OPTION_TYPE_PATH, .section = SECTION_REPO,
        .environment = "PITR_IDENTITY_FILE", .metavar = FILE_ARGUMENT,
        .help = "secret keys, readable by nobody else; needed only to read"},
    [OPTION_ACCEPT_UNENCRYPTED] = {.name = "accept-unencrypted", .type = OPTION_TYPE_BOOL, .section = SECTION_REPO,
        .fallback = "no", .environment = "PITR_ACCEPT_UNENCRYPTED", .metavar = "yes|no",
        .help = "read unencrypted objects although there is an identity: those from before encryption was set up"},
    [OPTION_IDENTITY_COMMAND] = {.name = "identity-command", .type = OPTION_TYPE_STRING, .section = SECTION_REPO,
        .environment = "PITR_IDENTITY_COMMAND", .is_secret = true, .metavar = "COMMAND",
        .help = "command that prints the secret keys"},
};
/* clang-format on */

const struct option *option_at(enum option_id id)
{
    assert(id < OPTION_COUNT);
    return &options[id];
}

enum option_id option_of_key(enum option_section section, const char *key)
{
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        if (options[id].section == section && strcmp(options[id].name, key) == 0)
            return (enum option_id) id;
    return OPTION_COUNT;
}

static bool is_argument_of(const struct option *o, enum command_id command)
{
    return (o->commands & COMMAND_BIT(command)) != 0;
}

enum option_id option_of_argument(enum command_id command, const char *name, size_t name_len)
{
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        if (is_argument_of(&options[id], command) && strlen(options[id].name) == name_len &&
            memcmp(options[id].name, name, name_len) == 0)
            return (enum option_id) id;
    return OPTION_COUNT;
}

enum option_id option_of_letter(enum command_id command, char letter)
{
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        if (is_argument_of(&options[id], command) && letter != '\0' && options[id].letter == letter)
            return (enum option_id) id;
    return OPTION_COUNT;
}

const char *option_near_key(enum option_section section, const char *key)
{
    struct near n;

    near_init(&n, key, strlen(key));
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        if (options[id].section == section)
            near_offer(&n, options[id].name);
    return n.best;
}

const char *option_near_argument(enum command_id command, const char *name, size_t name_len)
{
    struct near n;

    near_init(&n, name, name_len);
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        if (is_argument_of(&options[id], command))
            near_offer(&n, options[id].name);
    return n.best;
}

bool option_takes_value(const struct option *o)
{
    return o->type != OPTION_TYPE_FLAG;
}
