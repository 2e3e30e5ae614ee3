/*
 * walscan_print - what walscan finds in segment files, one line an event: walscan_print PIECE-BYTES SEGMENT-FILE...
 *
 * The files are consecutive; the first one's page header tells where they begin. Times are as pg_waldump prints them
 * with TZ=UTC. A commit that lets relations go is followed by " did=" and what waldrops makes of it. Last lines: "last
 * LSN" and "end LSN", with " ended" when something behind it is not valid WAL.
 */
#include "base/buf.h"
#include "pg/waldrops.h"
#include "pg/walpage.h"
#include "pg/walscan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct waldrops drops;

static const char *const type_names[] = {
    "COMMIT",          "ABORT",           "PREPARE",  "RESTORE_POINT", "BACKUP_END",
    "END_OF_RECOVERY", "DROP_DATABASE",   "SWITCH",   "CHECKPOINT",    "RELATION_CREATE",
    "CREATE_DATABASE", "DROP_TABLESPACE", "IN_PLACE", "RUNNING_XACTS"};

static const char *const fork_names[] = {"", "_fsm", "_vm", "_init"};

static const char *time_text(int64_t us, char *out, size_t size)
{
    time_t seconds = (time_t) (us / 1000000);
    struct tm tm;
    char second[32];

    if (us == 0)
        return "-";
    (void) strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    (void) snprintf(out, size, "%s.%06" PRId64, second, us % 1000000);
    return out;
}

static void print_relation(const struct walevent_relation *r)
{
    if (r->tablespace == 1664)
        (void) printf(" global/%" PRIu32, r->relfilenode);
    else if (r->tablespace == 1663)
        (void) printf(" base/%" PRIu32 "/%" PRIu32, r->database, r->relfilenode);
    else
        (void) printf(" %" PRIu32 "/%" PRIu32 "/%" PRIu32, r->tablespace, r->database, r->relfilenode);
}

/* As pg_waldump prints it; of each list the entries that are kept. */
static void print_lists(const struct walevent *v)
{
    if (v->relation_count > 0)
        (void) printf(" rels:%" PRIu32, v->relation_count);
    for (uint32_t i = 0; i < walevent_kept(v->relation_count); i++)
        print_relation(&v->relations[i]);
    if (v->subxact_count > 0)
        (void) printf(" subxacts:%" PRIu32, v->subxact_count);
    for (uint32_t i = 0; i < walevent_kept(v->subxact_count); i++)
        (void) printf(" %" PRIu32, v->subxacts[i]);
    if (v->stats_count > 0)
        (void) printf(" stats:%" PRIu32, v->stats_count);
    for (uint32_t i = 0; i < walevent_kept(v->stats_count); i++)
        (void) printf(" %" PRIu32 "/%" PRIu32, v->stats[i].kind, v->stats[i].object);
}

static void print_more(const struct walevent *v)
{
    char redo[LSN_TEXT_MAX];

    switch (v->type) {
    case WALEVENT_CHECKPOINT:
        lsn_format(v->redo, redo);
        (void) printf(" redo %s next %" PRIu32 " %s", redo, v->next_xid,
                      v->is_shutdown ? "shutdown" : "online");
        return;
    case WALEVENT_RUNNING:
        (void) printf(" next %" PRIu32, v->next_xid);
        return;
    case WALEVENT_RELATION_CREATE:
    case WALEVENT_IN_PLACE:
        print_relation(&v->relation);
        (void) printf("%s", fork_names[v->fork & 3]);
        return;
    case WALEVENT_CREATE_DATABASE:
    case WALEVENT_DROP_TABLESPACE:
        (void) printf(" tablespace %" PRIu32, v->tablespace);
        return;
    default:
        print_lists(v);
    }
}

static enum err_code print(const struct walevent *v, void *arg, struct err *e)
{
    enum waldrops_kind kind = waldrops_meet(&drops, v);
    char start[LSN_TEXT_MAX], time[64];

    (void) arg;
    (void) e;
    lsn_format(v->start, start);
    (void) printf("%s %s xid=%" PRIu32 " time=%s name=%s database=%" PRIu32, start, type_names[v->type],
                  v->xid, time_text(v->time_us, time, sizeof(time)), v->name,
                  v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT ? 0 : v->database);
    print_more(v);
    if (v->type == WALEVENT_COMMIT && v->relation_count > 0)
        (void) printf(" did=%s", waldrops_kind_name(kind));
    (void) putchar('\n');
    return ERR_OK;
}

static enum err_code scan_file(const char *path, size_t piece, struct walscan **scan, struct err *e)
{
    CLEANUP(buf_clear) struct buf file = BUF_INIT(WALSEG_MAX_BYTES);
    struct walpage page;

    if (buf_read_file(&file, path, e) != ERR_OK)
        return e->code;
    if (*scan == NULL) {
        if (walpage_parse(file.data, file.len, &page, e) != ERR_OK ||
            walscan_new(page.segment_bytes, page.address, print, NULL, scan, e) != ERR_OK)
            return e->code;
        waldrops_init(&drops, page.major, page.address);
    }
    for (size_t at = 0; at < file.len; at += piece)
        if (walscan_push(*scan, file.data + at, file.len - at < piece ? file.len - at : piece, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

int main(int argc, char **argv)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    char end[LSN_TEXT_MAX], last[LSN_TEXT_MAX];
    struct err e = ERR_NONE;

    for (int i = 2; i < argc; i++)
        if (scan_file(argv[i], strtoul(argv[1], NULL, 10), &scan, &e) != ERR_OK) {
            (void) fprintf(stderr, "%s: %s\n", argv[i], e.text);
            return EXIT_FAILURE;
        }
    if (scan == NULL)
        return EXIT_FAILURE;
    lsn_format(walscan_last(scan), last);
    lsn_format(walscan_end(scan), end);
    (void) printf("last %s\nend %s%s\n", last, end, walscan_is_ended(scan) ? " ended" : "");
    return EXIT_SUCCESS;
}
