/*
 * cli/print_log_summary.c - see cli/print_log_summary.h.
 */
#include "cli/print_log_summary.h"

#include "base/timestamp.h"
#include "cli/output.h"
#include "cli/print_log_json.h"

#include <inttypes.h>
#include <string.h>

#define BAR_MAX    20
#define BYTES_TEXT 32

static void format_bytes(uint64_t bytes, char out[BYTES_TEXT])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t i = 0;

    while (bytes >= 10240 && i + 1 < sizeof(units) / sizeof(units[0])) {
        bytes = (bytes + 512) / 1024;
        i++;
    }
    (void) snprintf(out, BYTES_TEXT, "%" PRIu64 " %s", bytes, units[i]);
}

static void print_count(uint64_t count, const char *what, const char **between, FILE *out)
{
    if (count == 0)
        return;
    fprintf(out, "%s%" PRIu64 " %s", *between, count, what);
    *between = ", ";
}

static void print_bar(uint64_t commits, uint64_t most, FILE *out)
{
    uint64_t length = most == 0 ? 0 : (commits * BAR_MAX + most - 1) / most;

    fputs("  ", out);
    for (uint64_t i = 0; i < BAR_MAX; i++)
        fputc(i < length ? '#' : ' ', out);
}

static void print_bucket(const struct log_bucket *b, int64_t begin_us, uint64_t most, bool bars, FILE *out)
{
    char time[TIMESTAMP_TEXT_MAX], bytes[BYTES_TEXT];
    const char *between = "  ";

    timestamp_format(begin_us, time);
    format_bytes(b->wal_bytes, bytes);
    fprintf(out, "%-23s %10" PRIu64 " %8" PRIu64 " %10s", time, b->commits, b->aborts, bytes);
    if (bars)
        print_bar(b->commits, most, out);
    print_count(b->drops, "DROP", &between, out);
    print_count(b->truncates, "TRUNCATE", &between, out);
    print_count(b->database_drops, "DROP DATABASE or TABLESPACE", &between, out);
    print_count(b->restore_points, b->restore_points == 1 ? "restore point" : "restore points", &between,
                out);
    fputc('\n', out);
}

static void print_text(const struct log_buckets *b, bool bars, FILE *out)
{
    uint64_t most = 0;

    for (size_t i = 0; i < b->count; i++)
        most = b->list[i].commits > most ? b->list[i].commits : most;
    fprintf(out, "%-23s %10s %8s %10s\n", "from", "commits", "aborts", "WAL");
    for (size_t i = 0; i < b->count; i++)
        print_bucket(&b->list[i], b->begin_us + (int64_t) i * b->every_us, most, bars, out);
}

static json_t *bucket_to_json(const struct log_bucket *b, int64_t begin_us, int64_t every_us)
{
    json_t *o = json_pack("{s:s}", "event", "summary");

    json_set_moment(o, "from", begin_us);
    (void) json_object_set_new(o, "seconds", json_integer(every_us / 1000000));
    (void) json_object_set_new(o, "commits", json_integer((json_int_t) b->commits));
    (void) json_object_set_new(o, "aborts", json_integer((json_int_t) b->aborts));
    (void) json_object_set_new(o, "drops", json_integer((json_int_t) b->drops));
    (void) json_object_set_new(o, "truncates", json_integer((json_int_t) b->truncates));
    (void) json_object_set_new(o, "database_drops", json_integer((json_int_t) b->database_drops));
    (void) json_object_set_new(o, "restore_points", json_integer((json_int_t) b->restore_points));
    (void) json_object_set_new(o, "wal_bytes", json_integer((json_int_t) b->wal_bytes));
    return o;
}

enum err_code print_log_summary(const struct log_summary *s, bool is_json, bool bars, FILE *out,
                                struct err *e)
{
    const struct log_buckets *b = &s->buckets;

    if (!is_json)
        print_text(b, bars, out);
    for (size_t i = 0; is_json && i < b->count; i++)
        if (log_json_line(bucket_to_json(&b->list[i], b->begin_us + (int64_t) i * b->every_us, b->every_us),
                          out, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}
