/*
 * repo/wal_edge.c - see repo/wal_edge.h.
 *
 * Logs     from the first wanted on, a page at a time. A full page means that there may be more: the next question
 *          begins behind it by a step that doubles; where nothing is there any more, the distance is halved.
 * Segment  the last log's are listed. A log may hold nothing but .partial files, so a few before it are looked at too;
 *          if they hold nothing either, everything is listed.
 */
#include "repo/wal_edge.h"

#include "repo/wal_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_PAGE     1000 /* what an S3 store lists in one request */
#define SEGMENT_PAGE 1000
#define LOGS_BACK    4
#define LOGS_LIMIT   (UINT64_C(1) << 32)

struct log_page {
    uint64_t from;
    size_t seen;
    uint64_t last;
};

static bool log_parse(const char *text, uint64_t *log)
{
    if (strlen(text) != 8 || strspn(text, "0123456789ABCDEF") != 8)
        return false;
    *log = strtoull(text, NULL, 16);
    return true;
}

static bool visit_log(const struct store_object *entry, void *arg)
{
    struct log_page *page = arg;
    char name[STORE_KEY_MAX + 1];
    uint64_t log;

    if (!layout_dir_name(entry, name, sizeof(name)) || !log_parse(name, &log) || log < page->from)
        return true;
    page->last = log;
    return ++page->seen < LOG_PAGE;
}

/* The first logs at or behind `from`, as many as one page holds. */
static enum err_code list_logs(const struct wal_place *w, uint32_t tli, uint64_t from, struct log_page *page,
                               struct err *e)
{
    char prefix[STORE_KEY_MAX + 1], after[STORE_KEY_MAX + 16];
    struct store_listing what = {.prefix = prefix, .delimited = true};

    *page = (struct log_page){.from = from};
    layout_wal_timeline(w->layout, tli, prefix);
    if (from > 0) {
        (void) snprintf(after, sizeof(after), "%s%08" PRIX32 "/~", prefix, (uint32_t) (from - 1));
        what.start_after = after;
    }
    return store_list(w->repo->store, &what, visit_log, page, e);
}

static enum err_code last_log(const struct wal_place *w, uint32_t tli, uint64_t from, bool *any,
                              uint64_t *last, struct err *e)
{
    uint64_t step = LOG_PAGE, limit = LOGS_LIMIT; /* nothing lies at or behind the limit */
    struct log_page page;

    if (list_logs(w, tli, from, &page, e) != ERR_OK)
        return e->code;
    *any = page.seen > 0;
    *last = page.last;
    while (page.seen == LOG_PAGE && *last + 1 < limit) {
        uint64_t room = limit - *last - 1;
        uint64_t ask = *last + 1 + (limit == LOGS_LIMIT ? step : room / 2);

        if (ask >= limit || room <= LOG_PAGE)
            ask = *last + 1;
        if (list_logs(w, tli, ask, &page, e) != ERR_OK)
            return e->code;
        step *= 2;
        if (page.seen > 0) {
            *last = page.last;
        } else {
            limit = ask;
            page.seen = LOG_PAGE; /* what lies before is not known yet */
        }
    }
    return ERR_OK;
}

/* The last segment stored between two numbers. */
static enum err_code last_between(const struct wal_place *w, uint32_t tli, uint64_t first, uint64_t limit,
                                  bool *any, uint64_t *last, struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {.count = 0};

    if (wal_runs_read(w->repo, w->layout, tli, first, limit, w->segment_bytes, &runs, e) != ERR_OK)
        return e->code;
    *any = runs.count > 0;
    if (*any)
        *last = runs.list[runs.count - 1].last;
    return ERR_OK;
}

enum err_code wal_edge_last(const struct wal_place *w, uint32_t tli, uint64_t from, bool *any, uint64_t *last,
                            struct err *e)
{
    const uint64_t per_log = LOGS_LIMIT / w->segment_bytes;
    uint64_t log = 0, found = 0;
    bool has_log = false, is_there = false;

    if (last_log(w, tli, from / per_log, &has_log, &log, e) != ERR_OK)
        return e->code;
    for (unsigned looked = 0; has_log && !is_there && looked < LOGS_BACK; looked++) {
        uint64_t first = log * per_log > from ? log * per_log : from;

        if (last_between(w, tli, first, (log + 1) * per_log - 1, &is_there, &found, e) != ERR_OK)
            return e->code;
        has_log = log > from / per_log;
        log -= has_log;
    }
    if (has_log && !is_there && last_between(w, tli, from, UINT64_MAX, &is_there, &found, e) != ERR_OK)
        return e->code;
    *any = is_there;
    *last = found;
    return ERR_OK;
}

struct first_segment {
    const struct wal_place *place;
    uint32_t tli;
    bool any;
    uint64_t number;
};

static bool visit_first(const struct store_object *object, void *arg)
{
    struct first_segment *f = arg;

    f->any = wal_index_segment(f->place->layout, f->tli, f->place->segment_bytes, object, &f->number);
    return !f->any;
}

enum err_code wal_edge_first(const struct wal_place *w, uint32_t tli, uint64_t from, bool *any,
                             uint64_t *first, struct err *e)
{
    struct first_segment found = {.place = w, .tli = tli};
    char prefix[STORE_KEY_MAX + 1], after[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    struct store_listing what = {.prefix = prefix};

    layout_wal_timeline(w->layout, tli, prefix);
    if (from > 0) {
        wal_object_key(w, tli, from - 1, after, name);
        what.start_after = after;
    }
    if (store_list(w->repo->store, &what, visit_first, &found, e) != ERR_OK)
        return e->code;
    *any = found.any;
    *first = found.number;
    return ERR_OK;
}

struct both_ends {
    const struct wal_place *place;
    uint32_t tli;
    size_t listed;
    bool any;
    uint64_t first;
    uint64_t last;
};

static bool visit_both(const struct store_object *object, void *arg)
{
    struct both_ends *b = arg;
    uint64_t number;

    if (wal_index_segment(b->place->layout, b->tli, b->place->segment_bytes, object, &number)) {
        b->first = b->any ? b->first : number;
        b->last = number;
        b->any = true;
    }
    return ++b->listed < SEGMENT_PAGE;
}

enum err_code wal_edge_both(const struct wal_place *w, uint32_t tli, uint64_t from, bool *any,
                            uint64_t *first, uint64_t *last, struct err *e)
{
    struct both_ends found = {.place = w, .tli = tli};
    char prefix[STORE_KEY_MAX + 1], after[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    struct store_listing what = {.prefix = prefix};

    layout_wal_timeline(w->layout, tli, prefix);
    if (from > 0) {
        wal_object_key(w, tli, from - 1, after, name);
        what.start_after = after;
    }
    if (store_list(w->repo->store, &what, visit_both, &found, e) != ERR_OK)
        return e->code;
    if (found.listed == SEGMENT_PAGE) { /* there may be more */
        if (!found.any && wal_edge_first(w, tli, from, &found.any, &found.first, e) != ERR_OK)
            return e->code;
        if (found.any && wal_edge_last(w, tli, found.first, &found.any, &found.last, e) != ERR_OK)
            return e->code;
    }
    *any = found.any;
    *first = found.first;
    *last = found.last;
    return ERR_OK;
}
