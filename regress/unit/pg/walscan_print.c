/*
 * walscan_print - what walscan finds in segment files, one line an event: walscan_print PIECE-BYTES SEGMENT-FILE...
 *
 * The files are consecutive; the first one's page header tells where they begin. Times are as pg_waldump prints them
 * with TZ=UTC. Last lines: "last LSN" and "end LSN", with " ended" when something behind it is not valid WAL.
 */
#include "base/buf.h"
#include "pg/walpage.h"
#include "pg/walscan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const type_names[] = {"COMMIT",     "ABORT",           "PREPARE",       "RESTORE_POINT",
                                         "BACKUP_END", "END_OF_RECOVERY", "DROP_DATABASE", "SWITCH"};

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

static enum err_code print(const struct walevent *v, void *arg, struct err *e)
{
    char start[LSN_TEXT_MAX], time[64];

    (void) arg;
    (void) e;
    lsn_format(v->start, start);
    (void) printf("%s %s xid=%" PRIu32 " time=%s name=%s database=%" PRIu32 "\n", start, type_names[v->type],
                  v->xid, time_text(v->time_us, time, sizeof(time)), v->name,
                  v->type == WALEVENT_DROP_DATABASE ? v->database : 0);
    return ERR_OK;
}

static enum err_code scan_file(const char *path, size_t piece, struct walscan **scan, struct err *e)
{
    CLEANUP(buf_clear) struct buf file = BUF_INIT(WALSEG_MAX_BYTES);
    struct walpage page;

    if (buf_read_file(&file, path, e) != ERR_OK)
        return e->code;
    if (*scan == NULL && (walpage_parse(file.data, file.len, &page, e) != ERR_OK ||
                          walscan_new(page.segment_bytes, page.address, print, NULL, scan, e) != ERR_OK))
        return e->code;
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
