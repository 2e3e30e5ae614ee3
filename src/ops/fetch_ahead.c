/*
 * ops/fetch_ahead.c - see ops/fetch_ahead.h.
 *
 * One thread looks where recovery stands and decides; others download. Ten to fifty times a second:
 *   read the position -> drop what lies behind it -> begin what is missing, oldest first -> is it over?
 * Which segments follow is fetch_range's affair, how many of them fetch_pace's.
 *
 * A segment that fails is not tried again: no more are begun, and once what lies ready is taken the helper ends. Then
 * the call that asks for that segment has the repositories to itself, and its own word for what it finds; the next
 * success starts a helper anew. So each name is asked for at most once more than without a helper.
 */
#include "ops/fetch_ahead.h"

#include "base/clock.h"
#include "base/log.h"
#include "ops/fetch_pace.h"
#include "ops/fetch_range.h"
#include "ops/fetch_stock.h"
#include "ops/fetch_window.h"
#include "pg/postmaster.h"
#include "repo/prefetch_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_US       20000  /* between two looks at a recovery that moves      */
#define QUIET_US      100000 /* and at one that has not moved for a second      */
#define QUIET_AFTER   1000000
#define SEGMENTS_MOST 1024 /* of a window, whatever the limit in bytes        */

enum ending { NOT_OVER, ALL_GIVEN, RECOVERY_OVER, SERVER_GONE, NOT_OURS, IDLE, FAILED, NO_ROOM };
static const char *const ending_words[] = {
    [ALL_GIVEN] = "recovery has all it needs",   [RECOVERY_OVER] = "recovery is over",
    [SERVER_GONE] = "the server is gone",        [NOT_OURS] = "the window was removed",
    [IDLE] = "nobody asked for a minute",        [FAILED] = "the rest could not be fetched ahead",
    [NO_ROOM] = "there is no room for segments",
};

struct ahead {
    struct cluster *cluster;
    struct fetch_request request; /* the line, plan and sizes of all segments */
    struct prefetch window;
    const char *directory;
    struct stat data_directory;
    bool had_signal, had_server; /* when it began */

    struct prefetch_note note;
    uint64_t at; /* number of the segment given last */
    int64_t moved_us, beaten_us;
    struct fetch_range range;
    struct fetch_pace pace;
    struct fetch_stock *stock;
    struct fetch_stock_state stocked; /* as it was when last looked at */
    struct err failure;               /* why no more are begun         */
};

/* ---- where recovery stands ------------------------------------------------------------------------------------- */

static void look_at_position(struct ahead *a)
{
    const int64_t now_us = clock_mono_us(&clock_system);
    struct prefetch_note note;
    struct err ignored = ERR_NONE;
    uint64_t at;

    if (!prefetch_read_note(&a->window, &note) || !note.has_given ||
        walseg_of_file(&note.given, a->request.control.segment_bytes, &at, &ignored) != ERR_OK)
        return;
    if (at > a->at && a->note.has_given)
        fetch_pace_replayed(&a->pace, at - a->at, note.given_us - a->note.given_us, note.waited_us);
    if (note.given_us != a->note.given_us || at != a->at)
        a->moved_us = now_us;
    a->note = note;
    a->at = at;
}

/* ---- what is to come ------------------------------------------------------------------------------------------- */

/* A call is asking the repositories for it just now. */
static bool is_asked(const struct ahead *a, uint64_t number)
{
    struct err ignored = ERR_NONE;
    uint64_t asked;

    return a->note.has_asked &&
           walseg_of_file(&a->note.asked, a->request.control.segment_bytes, &asked, &ignored) == ERR_OK &&
           asked == number;
}

/*
 * Oldest first; by the position as it is now, since a question to the repository may lie between. It is a failure when
 * there is no room for even one.
 */
static void begin_missing(struct ahead *a)
{
    const uint64_t bytes = a->request.control.segment_bytes;
    const size_t workers = fetch_pace_workers(&a->pace);
    size_t coming = a->stocked.coming;
    struct err why = ERR_NONE;

    look_at_position(a);
    for (uint64_t n = a->at + 1; n <= a->range.last && n <= a->at + a->pace.width; n++) {
        if (coming >= workers)
            return;
        if (fetch_stock_has(a->stock, n) || is_asked(a, n))
            continue;
        if (prefetch_reserve(&a->window, bytes * (coming + 1), &why) != ERR_OK) {
            if (coming + a->stocked.ready == 0)
                a->failure = why;
            return;
        }
        if (!fetch_stock_begin(a->stock, &a->range, n))
            return;
        coming++;
    }
}

/* What has come, what is in the way, and what is missing. */
static void tend(struct ahead *a)
{
    struct err why = ERR_NONE;

    fetch_stock_look(a->stock, &a->stocked);
    if (a->stocked.download_us > 0)
        fetch_pace_downloaded(&a->pace, a->stocked.download_us);
    if (a->failure.code == ERR_OK)
        a->failure = a->stocked.failure;
    if (a->failure.code == ERR_OK &&
        fetch_range_settle(&a->range, &a->request, a->cluster, a->note.given.tli, a->at, &why) != ERR_OK)
        a->failure = why;
    fetch_stock_drop(a->stock, &a->range, a->at);
    fetch_stock_look(a->stock, &a->stocked);
    if (a->failure.code == ERR_OK)
        begin_missing(a);
}

/* ---- is it over? ----------------------------------------------------------------------------------------------- */

static bool directory_is_there(const struct ahead *a)
{
    struct stat st;

    return stat(a->directory, &st) == 0 && st.st_dev == a->data_directory.st_dev &&
           st.st_ino == a->data_directory.st_ino;
}

/* The cheap questions each time, the others with the pulse. */
static enum ending look_for_the_end(struct ahead *a, int64_t now_us)
{
    if (fetch_is_full(&a->failure))
        return NO_ROOM;
    if (fetch_range_is_done(&a->range, &a->request, a->at))
        return ALL_GIVEN;
    if (a->failure.code != ERR_OK && a->stocked.coming + a->stocked.ready == 0)
        return FAILED;
    if (now_us - a->moved_us >= FETCH_WINDOW_IDLE_US)
        return IDLE;
    if (now_us - a->beaten_us < PREFETCH_PULSE_US)
        return NOT_OVER;
    a->beaten_us = now_us;
    prefetch_beat(&a->window);
    if (!prefetch_is_ours(&a->window))
        return NOT_OURS;
    if (!directory_is_there(a) || (a->had_signal && !fetch_window_has_signal(a->directory)))
        return RECOVERY_OVER;
    return a->had_server && !postmaster_is_there(a->directory) ? SERVER_GONE : NOT_OVER;
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

static enum ending keep(struct ahead *a)
{
    for (;;) {
        int64_t now_us;
        enum ending ending;

        look_at_position(a);
        tend(a);
        now_us = clock_mono_us(&clock_system);
        ending = look_for_the_end(a, now_us);
        if (ending != NOT_OVER)
            return ending;
        fetch_stock_wait(a->stock, now_us - a->moved_us > QUIET_AFTER ? QUIET_US : BUSY_US);
    }
}

/*
 * The threads have ended. What was there and is not needed any more goes. What this host can't write now it could not
 * in a minute either; what a repository did not give is the call's to ask for, and the next helper's.
 */
static void leave(struct ahead *a, enum ending ending)
{
    const bool is_waiting = a->had_signal && fetch_window_has_signal(a->directory);

    if (a->failure.code != ERR_OK)
        log_warning("%s", a->failure.text);
    log_info("ended: %s; %" PRIu64 " segments fetched ahead, %" PRIu64 " of them not used, window %zu",
             ending_words[ending], a->stocked.fetched, a->stocked.unused + a->stocked.ready, a->pace.width);
    if (ending == NO_ROOM || (ending == FAILED && a->failure.code == ERR_IO))
        prefetch_retire(&a->window);
    else if (ending == IDLE && is_waiting)
        prefetch_empty(&a->window); /* the position stays: it says how long ago that was */
    else if (ending != NOT_OURS)
        prefetch_remove(&a->window);
}

/* Its own log in the place of stderr. */
static void open_log(const struct cluster *c)
{
    char path[PREFETCH_PATH_MAX];
    struct stat st;
    int fd;

    (void) snprintf(path, sizeof(path), "%s/%s", spool_dir(c->spool), FETCH_AHEAD_LOG);
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_size > (off_t) FETCH_AHEAD_LOG_MAX)
        (void) ftruncate(fd, 0);
    (void) dup2(fd, STDERR_FILENO);
    (void) close(fd);
    log_look_again();
}

static enum err_code start(struct ahead *a, const struct fetch_options *o, struct err *e)
{
    size_t limit = (size_t) (o->ahead_bytes / a->request.control.segment_bytes);

    if (limit > SEGMENTS_MOST)
        limit = SEGMENTS_MOST;
    a->pace = fetch_pace_new(limit);
    a->moved_us = clock_mono_us(&clock_system);
    a->had_signal = fetch_window_has_signal(a->directory);
    a->had_server = postmaster_is_there(a->directory);
    look_at_position(a);
    if (!a->note.has_given)
        return err_set(e, ERR_REFUSED, "nothing was noted of where recovery stands");
    prefetch_sweep(&a->window);
    if (cluster_connect(a->cluster, e) != ERR_OK ||
        fetch_stock_new(a->cluster, &a->request, &a->window, limit, FETCH_PACE_WORKERS, &a->stock, e) !=
            ERR_OK)
        return e->code;
    return chdir("/") == 0 ? ERR_OK : err_sys(e, ERR_IO, errno, "could not change to directory \"/\"");
}

static enum err_code run(struct ahead *a, const struct fetch_options *o, struct err *e)
{
    enum ending ending;

    if (start(a, o, e) != ERR_OK)
        return e->code;
    log_info("fetching ahead of the recovery in \"%s\", from \"%s\" on", a->directory, a->request.name);
    ending = keep(a);
    fetch_stock_drain(a->stock);
    fetch_stock_look(a->stock, &a->stocked);
    fetch_stock_freep(&a->stock);
    leave(a, ending);
    return ERR_OK;
}

enum err_code ops_fetch_ahead(struct cluster *c, const struct fetch_options *o, const char *name,
                              const char *directory, struct err *e)
{
    struct ahead *a = calloc(1, sizeof(*a));
    enum err_code code;

    if (a == NULL)
        return err_nomem(e, "a window");
    a->cluster = c;
    a->directory = directory;
    a->window = PREFETCH_NONE;
    code = fetch_request_init(&a->request, c->name, o, name, e);
    if (code == ERR_OK && stat(directory, &a->data_directory) != 0)
        code = err_sys(e, ERR_IO, errno, "could not look at directory \"%s\"", directory);
    if (code == ERR_OK && fetch_window_find(c, &a->request, o, directory, &a->window) &&
        prefetch_lock(&a->window)) {
        open_log(c);
        code = run(a, o, e);
    }
    fetch_stock_freep(&a->stock);
    prefetch_close(&a->window);
    fetch_request_clear(&a->request);
    free(a);
    return code;
}
