/*
 * history_store.c - see history_store.h.
 *
 * Every object that there might be has a slot; slots are in the byte order of their keys, so that the one to begin a
 * listing with is found by a binary search over keys made on the way:
 *   a backup each | line.json | for each timeline its history, its segments, the .partial behind them
 */
#include "history_store.h"

#include "history_facts.h"
#include "history_wal.h"

#include "codec/seal.h"
#include "repo/backup_json.h"
#include "stream/buf_sink.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ENTRIES 1000
#define FRONT_MAX    65536 /* a range from the front that is answered with the descriptor */
#define SUMMARY_MAX  65536
#define OBJECT_MAX   ((size_t) 1 << 30)
#define KEPT_MAX     10000 /* segments of a timeline whose facts are made at once and kept */

#define OK(call, e) history_must((call) == ERR_OK, (e).text)

struct history_store {
    struct store base;
    const struct history *h;
    struct layout layout;
    atomic_uint_fast64_t gets, ranges, pages;
    struct wal_facts *kept[HISTORY_TIMELINES_MAX + 1]; /* by TLI; NULL = not made */
};

enum slot_kind { SLOT_BACKUP, SLOT_LINE, SLOT_HISTORY, SLOT_SEGMENT, SLOT_PARTIAL, SLOT_NONE };

struct slot {
    enum slot_kind kind;
    size_t backup;
    uint32_t tli;
    uint64_t number;
    char key[STORE_KEY_MAX + 1];
};

/* ---- slots ---- */

static uint64_t segments_of(const struct history_timeline *t)
{
    return t->last - t->first + 1;
}

static uint64_t slot_count(const struct history *h)
{
    uint64_t count = h->backup_count + 1;

    for (uint32_t tli = 1; tli <= h->last_tli; tli++)
        count += segments_of(&h->timelines[tli]) + 2;
    return count;
}

static struct slot slot_of_timelines(const struct history *h, uint64_t index)
{
    struct slot s = {.kind = SLOT_NONE, .tli = 1};

    while (s.tli <= h->last_tli && index >= segments_of(&h->timelines[s.tli]) + 2)
        index -= segments_of(&h->timelines[s.tli++]) + 2;
    if (s.tli > h->last_tli)
        return s;
    s.kind = index == 0                                   ? SLOT_HISTORY
             : index <= segments_of(&h->timelines[s.tli]) ? SLOT_SEGMENT
                                                          : SLOT_PARTIAL;
    s.number = h->timelines[s.tli].first + index - 1;
    return s;
}

static void set_key(const struct history_store *m, struct slot *s)
{
    struct walfile file = {.kind = WALFILE_HISTORY, .tli = s->tli};

    if (s->kind == SLOT_BACKUP) {
        layout_backup_json(&m->layout, m->h->backups[s->backup].id, s->key);
    } else if (s->kind == SLOT_LINE) {
        layout_line_json(&m->layout, s->key);
    } else {
        if (s->kind != SLOT_HISTORY)
            file = walseg_file(s->tli, s->number, m->h->segment_bytes);
        if (s->kind == SLOT_PARTIAL)
            file.kind = WALFILE_PARTIAL;
        layout_wal_file(&m->layout, &file, s->key);
    }
}

static struct slot slot_at(const struct history_store *m, uint64_t index)
{
    struct slot s = {.kind = SLOT_BACKUP, .backup = index};

    if (index == m->h->backup_count)
        s.kind = SLOT_LINE;
    else if (index > m->h->backup_count)
        s = slot_of_timelines(m->h, index - m->h->backup_count - 1);
    if (s.kind != SLOT_NONE)
        set_key(m, &s);
    return s;
}

static bool is_there(const struct history *h, const struct slot *s)
{
    switch (s->kind) {
    case SLOT_HISTORY:
        return s->tli > 1 && h->timelines[s->tli].has_history;
    case SLOT_SEGMENT:
        return history_is_stored(h, s->tli, s->number);
    case SLOT_PARTIAL:
        return h->timelines[s->tli].has_partial;
    default:
        return s->kind != SLOT_NONE;
    }
}

/* The first slot whose key is not below this one. */
static uint64_t slot_from(const struct history_store *m, const char *key)
{
    uint64_t low = 0, high = slot_count(m->h);

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct slot s = slot_at(m, middle);

        if (strcmp(s.key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- content ---- */

void history_file(const struct history *h, uint32_t tli, struct buf *out)
{
    const struct history_timeline *t = &h->timelines[tli];
    char begin[LSN_TEXT_MAX];
    struct err e = ERR_NONE;

    if (t->parent == 0)
        return;
    history_file(h, t->parent, out);
    lsn_format(t->begin, begin);
    OK(buf_printf(out, &e, "%s%" PRIu32 "\t%s\tno recovery target specified\n", out->len > 0 ? "\n" : "",
                  t->parent, begin),
       e);
}

static void put_line(const struct history_store *m, struct buf *out)
{
    struct err e = ERR_NONE;

    OK(buf_printf(out, &e,
                  "{\"format\": 1, \"cluster\": \"main\", \"system_identifier\": \"%s\", \"postgresql\": 15, "
                  "\"created\": \"2026-11-20 11:00:00+00\", \"origin\": \"host db1\"}",
                  m->layout.line),
       e);
}

static void put_summary(const struct history_store *m, const struct history_backup *from, struct buf *out)
{
    char label[] = "made up", origin[] = "host db1";
    struct backup_info b = {.label = label,
                            .timeline = from->tli,
                            .start_lsn = from->start_lsn,
                            .stop_lsn = from->stop_lsn,
                            .start_us = from->start_us,
                            .stop_us = from->stop_us,
                            .system_identifier = HISTORY_SYSTEM,
                            .server_version = 150018,
                            .segment_bytes = m->h->segment_bytes,
                            .from_standby = from->from_standby,
                            .origin = origin};
    struct err e = ERR_NONE;

    memcpy(b.id, from->id, sizeof(b.id));
    OK(backup_json_format(&b, out, &e), e);
}

static struct wal_facts facts_of(struct history_store *m, uint32_t tli, uint64_t number)
{
    const struct history_timeline *t = &m->h->timelines[tli];
    struct wal_facts f;

    if (segments_of(t) > KEPT_MAX || number > t->last) {
        history_facts(m->h, tli, number, &f);
        return f;
    }
    if (m->kept[tli] == NULL) {
        m->kept[tli] = calloc((size_t) segments_of(t), sizeof(f));
        history_must(m->kept[tli] != NULL, "no memory");
        history_facts_all(m->h, tli, m->kept[tli]);
    }
    return m->kept[tli][number - t->first];
}

static void describe(struct history_store *m, const struct slot *s, struct descriptor *d)
{
    static const char *const kinds[] = {
        [SLOT_HISTORY] = "history", [SLOT_SEGMENT] = "wal", [SLOT_PARTIAL] = "partial"};
    struct wal_facts facts;
    struct err e = ERR_NONE;

    *d = (struct descriptor){.codec = CODEC_LZ4, .origin = "host db1"};
    (void) snprintf(d->kind, sizeof(d->kind), "%s", kinds[s->kind]);
    (void) snprintf(d->name, sizeof(d->name), "%s", layout_base_name(s->key));
    if (s->kind == SLOT_HISTORY)
        return;
    facts = facts_of(m, s->tli, s->number);
    OK(wal_facts_write(&facts, d, &e), e);
}

static void put_sealed(struct history_store *m, const struct slot *s, struct buf *out)
{
    const struct recipients nobody = {.count = 0};
    CLEANUP(buf_clear) struct buf plain = BUF_INIT(OBJECT_MAX);
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    struct err e = ERR_NONE;
    struct sink *to, *chain;

    if (s->kind == SLOT_HISTORY)
        history_file(m->h, s->tli, &plain);
    else
        history_bytes(m->h, s->tli, s->number, &plain);
    describe(m, s, &d);
    OK(buf_sink_new(out, &to, &e), e);
    OK(seal_sink_new(&d, &nobody, to, &chain, &e), e);
    OK(sink_write(chain, plain.data, plain.len, &e), e);
    OK(sink_finish(chain, &e), e);
    sink_free(chain);
}

static void put_front(struct history_store *m, const struct slot *s, struct buf *out)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    uint8_t id[SHA256_BYTES];
    struct err e = ERR_NONE;

    describe(m, s, &d);
    d.frame_bytes = SEAL_FRAME_DEFAULT;
    OK(descriptor_format(&d, out, id, &e), e);
}

static bool is_front(const struct slot *s, const struct store_range *range)
{
    return range != NULL && range->offset == 0 && range->length != 0 && range->length <= FRONT_MAX &&
           (s->kind == SLOT_SEGMENT || s->kind == SLOT_PARTIAL);
}

/* ---- the contract ---- */

static void tell(const struct slot *s, struct store_object *info)
{
    *info = (struct store_object){.size = 1000, .modified_us = INT64_C(1795176000) * 1000000};
    memcpy(info->key, s->key, sizeof(info->key));
}

static enum err_code get(struct store *base, const char *key, const struct store_range *range,
                         struct sink *to, struct store_object *info, struct err *e)
{
    struct history_store *m = (struct history_store *) base;
    CLEANUP(buf_clear) struct buf bytes = BUF_INIT(OBJECT_MAX);
    const struct slot s = slot_at(m, slot_from(m, key));
    size_t offset = 0, length;

    base->requests++;
    (*(range == NULL ? &m->gets : &m->ranges))++;
    if (!is_there(m->h, &s) || strcmp(s.key, key) != 0)
        return err_set(e, ERR_ABSENT, "object \"%s\" does not exist in \"%s\"", key, base->url);
    if (s.kind == SLOT_BACKUP)
        put_summary(m, &m->h->backups[s.backup], &bytes);
    else if (s.kind == SLOT_LINE)
        put_line(m, &bytes);
    else if (is_front(&s, range))
        put_front(m, &s, &bytes);
    else
        put_sealed(m, &s, &bytes);
    if (range != NULL)
        offset = range->offset < bytes.len ? (size_t) range->offset : bytes.len;
    length = bytes.len - offset;
    if (range != NULL && range->length != 0 && range->length < length)
        length = (size_t) range->length;
    if (info != NULL)
        tell(&s, info);
    return length > 0 ? sink_write(to, bytes.data + offset, length, e) : ERR_OK;
}

/* Turn an object into its common prefix, if it has one behind the listing's. */
static bool fold(struct store_object *obj, size_t prefix_len)
{
    char *slash = strchr(obj->key + prefix_len, '/');

    if (slash == NULL)
        return false;
    slash[1] = '\0';
    obj->size = 0;
    obj->modified_us = 0;
    obj->is_prefix = true;
    return true;
}

/* The first slot behind all keys that begin with a common prefix. */
static uint64_t slot_behind(const struct history_store *m, const char *prefix)
{
    char key[STORE_KEY_MAX + 1];
    size_t len = strlen(prefix);

    memcpy(key, prefix, len + 1);
    key[len - 1] = '/' + 1;
    return slot_from(m, key);
}

static uint64_t first_slot(const struct history_store *m, const char *prefix, const char *after)
{
    uint64_t index;

    if (after == NULL || strcmp(after, prefix) < 0)
        return slot_from(m, prefix);
    index = slot_from(m, after);
    return index + (strcmp(slot_at(m, index).key, after) == 0);
}

static enum err_code list(struct store *base, const struct store_listing *what, store_visit *visit, void *arg,
                          struct err *e)
{
    struct history_store *m = (struct history_store *) base;
    const char *prefix = what->prefix == NULL ? "" : what->prefix;
    const size_t prefix_len = strlen(prefix);
    const uint64_t count = slot_count(m->h);
    uint64_t seen = 0;

    (void) e;
    for (uint64_t i = first_slot(m, prefix, what->start_after); i < count; i++) {
        const struct slot s = slot_at(m, i);
        struct store_object obj;

        if (strncmp(s.key, prefix, prefix_len) != 0)
            break;
        if (!is_there(m->h, &s))
            continue;
        tell(&s, &obj);
        if (what->delimited && fold(&obj, prefix_len))
            i = slot_behind(m, obj.key) - 1;
        seen++;
        if (!visit(&obj, arg))
            break;
    }
    seen = seen == 0 ? 1 : (seen + PAGE_ENTRIES - 1) / PAGE_ENTRIES;
    m->pages += seen;
    base->requests += seen;
    return ERR_OK;
}

static enum err_code put_open(struct store *base, const char *key, uint64_t size_hint, struct sink **out,
                              struct err *e)
{
    (void) size_hint;
    (void) out;
    base->requests++;
    return err_set(e, ERR_DENIED, "\"%s\" may not be written: \"%s\" is history", key, base->url);
}

static enum err_code remove_object(struct store *base, const char *key, struct err *e)
{
    base->requests++;
    return err_set(e, ERR_DENIED, "\"%s\" may not be removed: \"%s\" is history", key, base->url);
}

static void store_release(struct store *base)
{
    struct history_store *m = (struct history_store *) base;

    for (uint32_t tli = 0; tli <= HISTORY_TIMELINES_MAX; tli++)
        free(m->kept[tli]);
    free(base->url);
    free(base);
}

static const struct store_ops ops = {
    .put_open = put_open, .get = get, .list = list, .remove = remove_object, .free = store_release};

struct store *history_store_new(const struct history *h)
{
    struct history_store *m = calloc(1, sizeof(*m));
    struct err e = ERR_NONE;

    history_must(m != NULL, "no memory");
    m->base.ops = &ops;
    m->base.url = strdup("history:");
    history_must(m->base.url != NULL, "no memory");
    m->h = h;
    OK(layout_init(&m->layout, "main", HISTORY_SYSTEM, &e), e);
    return &m->base;
}

struct history_requests history_store_requests(const struct store *s)
{
    const struct history_store *m = (const struct history_store *) s;

    return (struct history_requests){.gets = m->gets, .ranges = m->ranges, .pages = m->pages};
}
