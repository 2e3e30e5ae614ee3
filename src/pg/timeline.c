/*
 * pg/timeline.c - see pg/timeline.h.
 *
 * Switch LSNs need not ascend. A server that recovers along timeline 2 to a target before timeline 2 began
 * makes timeline 3 with the lines "1 … X" and "2 … Y", Y < X; PostgreSQL looks positions up newest entry
 * first, so that entry 2 owns nothing and entry 1 only what lies before Y. The same is said here by
 * cutting every entry's end down to the smallest of its own and all later ones: then the entries adjoin
 * and any order of look-up agrees.
 *
 * Stricter than PostgreSQL, to notice damage: no signs, no "0x", a blank must follow both numbers, the
 * last line may not end inside its switch LSN, timeline 0, the LSNs 0/0 and FFFFFFFF/FFFFFFFF and a
 * history without entries are refused.
 */
#include "pg/timeline.h"

#include "pg/walseg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS        " \t\v\f\r"
#define ENTRIES_FIRST 8

/* One entry more; its begin is the end of the one before. */
static enum err_code path_append(struct timeline_path *p, uint32_t tli, lsn end, struct err *e)
{
    /* Room is doubled whenever count is a power of two from ENTRIES_FIRST on, so that no capacity need be kept. */
    if (p->count == 0 || (p->count >= ENTRIES_FIRST && (p->count & (p->count - 1)) == 0)) {
        size_t room = p->count == 0 ? ENTRIES_FIRST : p->count * 2;
        struct timeline_entry *grown = reallocarray(p->entries, room, sizeof(*grown));

        if (grown == NULL)
            return err_nomem(e, "a timeline history");
        p->entries = grown;
    }
    p->entries[p->count] = (struct timeline_entry){
        .tli = tli, .begin = p->count > 0 ? p->entries[p->count - 1].end : 0, .end = end};
    p->count++;
    return ERR_OK;
}

/* Cut ends down to the smallest of the later ones, and begins with them. */
static void path_adjoin(struct timeline_path *p)
{
    for (size_t i = p->count; i-- > 1;) {
        struct timeline_entry *before = &p->entries[i - 1];

        if (before->end > p->entries[i].end)
            before->end = p->entries[i].end;
        p->entries[i].begin = before->end;
    }
}

/* Decimal digits up to the largest timeline; the place behind them, or NULL. */
static const char *tli_parse(const char *text, uint32_t *tli)
{
    uint64_t value = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t) (*at - '0');
        if (value > UINT32_MAX)
            return NULL;
    }
    *tli = (uint32_t) value;
    return at > text && value > 0 ? at : NULL;
}

/* An LSN of as many characters as are its alphabet's; the place behind it, or NULL. */
static const char *switch_parse(const char *text, lsn *position)
{
    size_t len = strspn(text, "0123456789ABCDEFabcdef/");
    char copy[LSN_TEXT_MAX];
    struct err ignored = ERR_NONE;

    if (len >= sizeof(copy))
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (lsn_parse(copy, position, &ignored) != ERR_OK || *position == 0 || *position == TIMELINE_NOT_ENDED)
        return NULL;
    return text + len;
}

/* A line with an entry: text begins with its first character that is no blank. */
static enum err_code line_parse(const char *text, size_t number, struct timeline_path *p, struct err *e)
{
    uint32_t last = p->count > 0 ? p->entries[p->count - 1].tli : 0;
    uint32_t tli = 0;
    lsn end = 0;
    const char *at = tli_parse(text, &tli);

    if (at == NULL || (*at != '\0' && strchr(BLANKS "\n", *at) == NULL))
        return err_set(e, ERR_CORRUPT, "timeline history, line %zu: expected a numeric timeline ID", number);
    at = switch_parse(at + strspn(at, BLANKS), &end);
    if (at == NULL || *at == '\0' || strchr(BLANKS "\n", *at) == NULL)
        return err_set(e, ERR_CORRUPT, "timeline history, line %zu: expected a write-ahead log switch point",
                       number);
    if (tli <= last)
        return err_set(e, ERR_CORRUPT,
                       "timeline history, line %zu: timeline %" PRIu32 " follows timeline %" PRIu32
                       ", but timeline IDs must ascend",
                       number, tli, last);
    return path_append(p, tli, end, e);
}

static enum err_code lines_parse(const char *text, struct timeline_path *p, struct err *e)
{
    size_t number = 1;

    for (const char *line = text; line != NULL; number++) {
        const char *end = strchr(line, '\n');

        line += strspn(line, BLANKS);
        if (*line != '\0' && *line != '\n' && *line != '#' && line_parse(line, number, p, e) != ERR_OK)
            return e->code;
        line = end != NULL ? end + 1 : NULL;
    }
    return ERR_OK;
}

enum err_code timeline_parse(uint32_t tli, const char *text, struct timeline_path *out, struct err *e)
{
    CLEANUP(timeline_clear) struct timeline_path p = {0};

    if (strnlen(text, TIMELINE_HISTORY_MAX + 1) > TIMELINE_HISTORY_MAX)
        return err_set(e, ERR_CORRUPT, "history of timeline %" PRIu32 " is longer than %u bytes", tli,
                       TIMELINE_HISTORY_MAX);
    if (lines_parse(text, &p, e) != ERR_OK)
        return err_while(e, "reading the history of timeline %" PRIu32, tli);
    if (p.count == 0)
        return err_set(e, ERR_CORRUPT, "history of timeline %" PRIu32 " names no parent", tli);
    if (p.entries[p.count - 1].tli >= tli)
        return err_set(e, ERR_CORRUPT,
                       "history of timeline %" PRIu32 " names timeline %" PRIu32
                       " as its parent, but timeline IDs must ascend",
                       tli, p.entries[p.count - 1].tli);
    if (path_append(&p, tli, TIMELINE_NOT_ENDED, e) != ERR_OK)
        return e->code;
    path_adjoin(&p);
    *out = p;
    p = (struct timeline_path){0};
    return ERR_OK;
}

enum err_code timeline_single(uint32_t tli, struct timeline_path *out, struct err *e)
{
    struct timeline_path p = {0};

    if (path_append(&p, tli, TIMELINE_NOT_ENDED, e) != ERR_OK)
        return e->code;
    *out = p;
    return ERR_OK;
}

enum err_code timeline_copy(const struct timeline_path *from, struct timeline_path *to, struct err *e)
{
    struct timeline_entry *entries = calloc(from->count, sizeof(*entries));

    if (entries == NULL)
        return err_nomem(e, "a timeline path");
    memcpy(entries, from->entries, from->count * sizeof(*entries));
    *to = (struct timeline_path){entries, from->count};
    return ERR_OK;
}

void timeline_clear(struct timeline_path *p)
{
    if (p == NULL)
        return;
    free(p->entries);
    *p = (struct timeline_path){0};
}

uint32_t timeline_of_segment(const struct timeline_path *p, uint64_t number, uint32_t segment_bytes)
{
    for (size_t i = p->count; i-- > 0;)
        if (walseg_number(p->entries[i].begin, segment_bytes) <= number)
            return p->entries[i].tli;
    return 0;
}

bool timeline_contains(const struct timeline_path *p, uint32_t tli, lsn position)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].tli == tli)
            return p->entries[i].begin <= position && position <= p->entries[i].end;
    return false;
}

enum err_code timeline_format(const struct timeline_path *p, struct buf *out, struct err *e)
{
    size_t before = out->len;

    for (size_t i = 0; i < p->count; i++) {
        const struct timeline_entry *entry = &p->entries[i];
        char end[LSN_TEXT_MAX + 1] = "";

        if (entry->end != TIMELINE_NOT_ENDED) {
            end[0] = ':';
            lsn_format(entry->end, end + 1);
        }
        if (buf_printf(out, e, "%s%" PRIu32 "%s", i > 0 ? "," : "", entry->tli, end) != ERR_OK) {
            out->len = before;
            return e->code;
        }
    }
    return ERR_OK;
}

/* "2:0/7000000," or, as the last, "3"; *text moves behind it. */
static bool step_parse(const char **text, struct timeline_path *p, uint32_t *tli, lsn *end)
{
    const struct timeline_entry *last = p->count > 0 ? &p->entries[p->count - 1] : NULL;
    const char *at = tli_parse(*text, tli);

    *end = TIMELINE_NOT_ENDED;
    if (at == NULL || (last != NULL && *tli <= last->tli))
        return false;
    if (*at != '\0') {
        if (*at != ':' || (at = switch_parse(at + 1, end)) == NULL || *at++ != ',')
            return false;
        if (last != NULL && *end < last->end)
            return false;
    }
    *text = at;
    return true;
}

enum err_code timeline_parse_path(const char *text, struct timeline_path *out, struct err *e)
{
    CLEANUP(timeline_clear) struct timeline_path p = {0};
    const char *at = text;
    uint32_t tli = 0;
    lsn end = 0;

    do {
        if (!step_parse(&at, &p, &tli, &end))
            return err_set(e, ERR_USAGE, "invalid timeline path \"%.100s\"", text);
        if (path_append(&p, tli, end, e) != ERR_OK)
            return e->code;
    } while (end != TIMELINE_NOT_ENDED);
    *out = p;
    p = (struct timeline_path){0};
    return ERR_OK;
}
