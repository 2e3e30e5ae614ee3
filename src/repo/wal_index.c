/*
 * repo/wal_index.c - see repo/wal_index.h.
 *
 * Keys sort in WAL order, so a run is extended as long as the next key is the next segment; start_after takes the
 * listing to the first wanted one. A segment counts only under the very key that fetch will ask for: one that lies in
 * another log's or timeline's directory would promise what nobody finds.
 */
#include "repo/wal_index.h"

#include "repo/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct timeline_listing {
    struct wal_timelines *found;
    struct err e;
};

static struct wal_timeline *timeline_add(struct wal_timelines *t, uint32_t tli, struct err *e)
{
    struct wal_timeline *grown;
    size_t i = 0;

    while (i < t->count && t->list[i].tli < tli)
        i++;
    if (i < t->count && t->list[i].tli == tli)
        return &t->list[i];
    grown = realloc(t->list, (t->count + 1) * sizeof(*grown));
    if (grown == NULL) {
        err_nomem(e, "a list of timelines");
        return NULL;
    }
    t->list = grown;
    memmove(&grown[i + 1], &grown[i], (t->count - i) * sizeof(*grown));
    t->count++;
    grown[i] = (struct wal_timeline){.tli = tli};
    return &grown[i];
}

/* "…/wal/00000002/" or "…/wal/00000002.history"; anything else is not ours. */
static bool visit_timeline(const struct store_object *obj, void *arg)
{
    struct timeline_listing *l = arg;
    struct err ignored = ERR_NONE;
    char name[STORE_KEY_MAX + 16];
    struct walfile file;
    size_t len = strlen(obj->key);
    struct wal_timeline *t;

    if (obj->is_prefix) {
        char trimmed[STORE_KEY_MAX + 1];

        memcpy(trimmed, obj->key, len);
        trimmed[len - 1] = '\0';
        (void) snprintf(name, sizeof(name), "%s.history", layout_base_name(trimmed));
    } else {
        (void) snprintf(name, sizeof(name), "%s", layout_base_name(obj->key));
    }
    if (walfile_parse(name, &file, &ignored) != ERR_OK || file.kind != WALFILE_HISTORY)
        return true;
    t = timeline_add(l->found, file.tli, &l->e);
    if (t == NULL)
        return false;
    if (obj->is_prefix)
        t->has_segments = true;
    else
        t->has_history = true;
    return true;
}

static enum err_code read_history(struct repo *r, const struct layout *l, struct wal_timeline *t,
                                  struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TIMELINE_HISTORY_MAX);
    struct walfile file = {.kind = WALFILE_HISTORY, .tli = t->tli};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];

    if (!t->has_history)
        return timeline_single(t->tli, &t->path, e);
    walfile_format(&file, name);
    layout_wal_file(l, &file, key);
    if (object_get_bytes(r, key, "history", name, &text, e) != ERR_OK)
        return e->code;
    if (strlen(buf_cstr(&text)) != text.len)
        return err_set(e, ERR_CORRUPT, "timeline history file \"%s\" has a NUL byte", name);
    return timeline_parse(t->tli, buf_cstr(&text), &t->path, e);
}

enum err_code wal_timelines_read(struct repo *r, const struct layout *l, struct wal_timelines *out,
                                 struct err *e)
{
    CLEANUP(wal_timelines_clear) struct wal_timelines found = {0};
    struct timeline_listing listing = {&found, ERR_NONE};
    char prefix[STORE_KEY_MAX + 1];
    struct store_listing what = {.prefix = prefix, .delimited = true};

    layout_wal_dir(l, prefix);
    if (store_list(r->store, &what, visit_timeline, &listing, e) != ERR_OK)
        return e->code;
    if (listing.e.code != ERR_OK) {
        *e = listing.e;
        return e->code;
    }
    for (size_t i = 0; i < found.count; i++)
        if (read_history(r, l, &found.list[i], e) != ERR_OK)
            return err_while(e, "reading the history of timeline %u", found.list[i].tli);
    *out = found;
    found = (struct wal_timelines){0};
    return ERR_OK;
}

void wal_timelines_clear(struct wal_timelines *t)
{
    for (size_t i = 0; i < t->count; i++)
        timeline_clear(&t->list[i].path);
    free(t->list);
    *t = (struct wal_timelines){0};
}

bool wal_timeline_can_be_followed(const struct wal_timeline *t)
{
    return t->tli == 1 || t->has_history;
}

const struct wal_timeline *wal_timelines_at(const struct wal_timelines *t, uint32_t tli)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->list[i].tli == tli)
            return &t->list[i];
    return NULL;
}

struct run_listing {
    struct wal_runs found;
    const struct layout *layout;
    uint32_t tli;
    uint64_t last;
    uint32_t segment_bytes;
    struct err e;
};

static bool extend_or_begin(struct run_listing *l, uint64_t number, const struct store_object *obj)
{
    struct wal_run *run = l->found.count > 0 ? &l->found.list[l->found.count - 1] : NULL;
    struct wal_run *grown;

    if (run == NULL || run->last + 1 != number) {
        grown = realloc(l->found.list, (l->found.count + 1) * sizeof(*grown));
        if (grown == NULL) {
            err_nomem(&l->e, "a list of WAL runs");
            return false;
        }
        l->found.list = grown;
        run = &grown[l->found.count++];
        *run = (struct wal_run){.tli = l->tli, .first = number};
    }
    run->last = number;
    run->stored_bytes += obj->size;
    run->modified_us = obj->modified_us;
    return true;
}

bool wal_index_segment(const struct layout *l, uint32_t tli, uint32_t segment_bytes,
                       const struct store_object *object, uint64_t *number)
{
    struct err ignored = ERR_NONE;
    struct walfile file;
    char key[STORE_KEY_MAX + 1];

    if (walfile_parse(layout_base_name(object->key), &file, &ignored) != ERR_OK ||
        file.kind != WALFILE_SEGMENT || file.tli != tli ||
        walseg_of_file(&file, segment_bytes, number, &ignored) != ERR_OK)
        return false;
    layout_wal_file(l, &file, key);
    return strcmp(key, object->key) == 0;
}

static bool visit_segment(const struct store_object *obj, void *arg)
{
    struct run_listing *l = arg;
    uint64_t number;

    if (!wal_index_segment(l->layout, l->tli, l->segment_bytes, obj, &number))
        return true;
    return number <= l->last && extend_or_begin(l, number, obj);
}

enum err_code wal_runs_read(struct repo *r, const struct layout *l, uint32_t tli, uint64_t first,
                            uint64_t last, uint32_t segment_bytes, struct wal_runs *out, struct err *e)
{
    struct run_listing listing = {
        .layout = l, .tli = tli, .last = last, .segment_bytes = segment_bytes, .e = ERR_NONE};
    char prefix[STORE_KEY_MAX + 1], after[STORE_KEY_MAX + 1];
    struct store_listing what = {.prefix = prefix};

    layout_wal_timeline(l, tli, prefix);
    if (first > 0) {
        struct walfile before = walseg_file(tli, first - 1, segment_bytes);

        layout_wal_file(l, &before, after);
        what.start_after = after;
    }
    if (store_list(r->store, &what, visit_segment, &listing, e) != ERR_OK || listing.e.code != ERR_OK) {
        if (listing.e.code != ERR_OK)
            *e = listing.e;
        wal_runs_clear(&listing.found);
        return e->code;
    }
    *out = listing.found;
    return ERR_OK;
}

void wal_runs_clear(struct wal_runs *w)
{
    free(w->list);
    *w = (struct wal_runs){0};
}

enum err_code wal_runs_append(struct wal_runs *to, struct wal_runs *from, struct err *e)
{
    struct wal_run *grown;

    if (from->count > 0) {
        grown = realloc(to->list, (to->count + from->count) * sizeof(*grown));
        if (grown == NULL)
            return err_nomem(e, "a list of WAL runs");
        memcpy(&grown[to->count], from->list, from->count * sizeof(*grown));
        to->list = grown;
        to->count += from->count;
    }
    wal_runs_clear(from);
    return ERR_OK;
}
