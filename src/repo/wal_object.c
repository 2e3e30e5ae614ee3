/*
 * repo/wal_object.c - see repo/wal_object.h.
 */
#include "repo/wal_object.h"

#include "pg/walscan_sink.h"
#include "repo/object.h"

#include <inttypes.h>
#include <string.h>

void wal_object_key(const struct wal_place *w, uint32_t tli, uint64_t number, char *key,
                    char name[WALFILE_NAME_MAX])
{
    struct walfile file = walseg_file(tli, number, w->segment_bytes);

    walfile_format(&file, name);
    layout_wal_file(w->layout, &file, key);
}

/* A descriptor is clear text and may have been put there by anybody: it must fit the place it lies in. */
static bool fits_place(const struct wal_place *w, uint32_t tli, uint64_t number, const struct wal_facts *f)
{
    char line[LINE_TEXT_MAX];

    line_format(f->system_identifier, line);
    return strcmp(line, w->layout->line) == 0 && f->timeline == tli && f->segment_bytes == w->segment_bytes &&
           f->first_lsn == walseg_start(number, w->segment_bytes);
}

static enum err_code facts_of(const struct wal_place *w, uint32_t tli, uint64_t number,
                              const struct descriptor *d, struct wal_facts *f, struct err *e)
{
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    struct wal_facts found;

    wal_object_key(w, tli, number, key, name);
    if (wal_facts_read(d, &found, e) != ERR_OK)
        return e->code;
    if (strcmp(d->kind, "wal") != 0 || strcmp(d->name, name) != 0 || !fits_place(w, tli, number, &found))
        return err_set(
            e, ERR_CORRUPT,
            "the object in the place of segment \"%s\" says that it is %s \"%s\" of line %016" PRIx64
            ", timeline %" PRIu32,
            name, d->kind, d->name, found.system_identifier, found.timeline);
    *f = found;
    return ERR_OK;
}

enum err_code wal_object_facts(const struct wal_place *w, uint32_t tli, uint64_t number, struct wal_facts *f,
                               struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    const struct wal_facts *kept =
        wal_cache_at(w->cache, tli, walseg_start(number, w->segment_bytes), w->segment_bytes);

    if (kept != NULL) {
        *f = *kept;
        return ERR_OK;
    }
    wal_object_key(w, tli, number, key, name);
    if (object_descriptor(w->repo, key, &d, e) != ERR_OK || facts_of(w, tli, number, &d, f, e) != ERR_OK)
        return e->code;
    wal_cache_keep(w->cache, f);
    return ERR_OK;
}

enum err_code wal_object_scan(const struct wal_place *w, uint32_t tli, uint64_t number, struct walscan *scan,
                              struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    struct wal_facts facts;
    struct sink *to;

    if (walscan_sink_new(scan, &to, e) != ERR_OK)
        return e->code;
    wal_object_key(w, tli, number, key, name);
    return object_get(w->repo, key, "wal", name, to, &d, e) != ERR_OK
               ? e->code
               : facts_of(w, tli, number, &d, &facts, e);
}

/* ---- how large a segment is ---- */

struct first_segment {
    char key[STORE_KEY_MAX + 1]; /* "" = none */
};

/* Histories lie beside the timelines' directories; the first segment or .partial will do. */
static bool visit_first(const struct store_object *obj, void *arg)
{
    struct first_segment *first = arg;
    struct walfile file;
    struct err ignored = ERR_NONE;

    if (walfile_parse(layout_base_name(obj->key), &file, &ignored) != ERR_OK ||
        (file.kind != WALFILE_SEGMENT && file.kind != WALFILE_PARTIAL))
        return true;
    memcpy(first->key, obj->key, strlen(obj->key) + 1);
    return false;
}

enum err_code wal_object_segment_bytes(struct repo *r, const struct layout *l, uint32_t *out, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    struct first_segment first = {.key = ""};
    struct wal_facts facts;
    char prefix[STORE_KEY_MAX + 1];
    const struct store_listing what = {.prefix = prefix};

    layout_wal_dir(l, prefix);
    if (store_list(r->store, &what, visit_first, &first, e) != ERR_OK)
        return e->code;
    if (first.key[0] == '\0') {
        *out = 0;
        return ERR_OK;
    }
    if (object_descriptor(r, first.key, &d, e) != ERR_OK || wal_facts_read(&d, &facts, e) != ERR_OK)
        return err_while(e, "reading the segment size");
    *out = facts.segment_bytes;
    return ERR_OK;
}
