/*
 * pg/walseg.c - see pg/walseg.h. Every name starts with eight hex digits of the timeline; what stands
 * behind them (a shape from the table below) tells the kind. Timeline 0 does not exist and its names are
 * refused.
 */
#include "pg/walseg.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FIELD_DIGITS 8

/* The shapes: groups of eight digits, and the text between and behind them. X stands for one group. */
static const struct {
    const char *shape;
    enum walfile_kind kind;
} shapes[] = {
    {"XXX", WALFILE_SEGMENT},
    {"XXX.partial", WALFILE_PARTIAL},
    {"XXX.X.backup", WALFILE_BACKUP_HISTORY},
    {"X.history", WALFILE_HISTORY},
};

#define GROUPS_MAX 4

/* Eight upper-case hex digits at text; reads no further than the first character that is none. */
static bool group_parse(const char *text, uint32_t *value)
{
    static const char digits[] = "0123456789ABCDEF";
    uint32_t v = 0;

    for (int i = 0; i < FIELD_DIGITS; i++) {
        const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;

        if (digit == NULL)
            return false;
        v = v << 4 | (uint32_t) (digit - digits);
    }
    *value = v;
    return true;
}

static bool shape_matches(const char *shape, const char *name, uint32_t groups[GROUPS_MAX])
{
    size_t count = 0;

    for (; *shape != '\0'; shape++) {
        if (*shape == 'X') {
            if (!group_parse(name, &groups[count++]))
                return false;
            name += FIELD_DIGITS;
        } else if (*name++ != *shape) {
            return false;
        }
    }
    return *name == '\0';
}

enum err_code walfile_parse(const char *name, struct walfile *out, struct err *e)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        uint32_t groups[GROUPS_MAX] = {0};

        if (shape_matches(shapes[i].shape, name, groups) && groups[0] != 0) {
            *out = (struct walfile){.kind = shapes[i].kind,
                                    .tli = groups[0],
                                    .log = groups[1],
                                    .seg = groups[2],
                                    .offset = groups[3]};
            return ERR_OK;
        }
    }
    return err_set(e, ERR_USAGE, "\"%.100s\" is not the name of a WAL segment or history file", name);
}

void walfile_format(const struct walfile *f, char out[WALFILE_NAME_MAX])
{
    int len = 0;

    if (f->kind != WALFILE_HISTORY)
        len = snprintf(out, WALFILE_NAME_MAX, "%08" PRIX32 "%08" PRIX32 "%08" PRIX32, f->tli, f->log, f->seg);
    switch (f->kind) {
    case WALFILE_SEGMENT:
        break;
    case WALFILE_PARTIAL:
        (void) snprintf(out + len, WALFILE_NAME_MAX - (size_t) len, ".partial");
        break;
    case WALFILE_BACKUP_HISTORY:
        (void) snprintf(out + len, WALFILE_NAME_MAX - (size_t) len, ".%08" PRIX32 ".backup", f->offset);
        break;
    case WALFILE_HISTORY:
        (void) snprintf(out, WALFILE_NAME_MAX, "%08" PRIX32 ".history", f->tli);
        break;
    }
}

bool walseg_size_is_valid(uint64_t segment_bytes)
{
    return segment_bytes >= WALSEG_MIN_BYTES && segment_bytes <= WALSEG_MAX_BYTES &&
           (segment_bytes & (segment_bytes - 1)) == 0;
}

/* How many segments a log of 4 GiB holds. */
static uint64_t segments_per_log(uint32_t segment_bytes)
{
    assert(walseg_size_is_valid(segment_bytes));
    return (UINT64_C(1) << 32) / segment_bytes;
}

uint64_t walseg_number(lsn position, uint32_t segment_bytes)
{
    assert(walseg_size_is_valid(segment_bytes));
    return position / segment_bytes;
}

enum err_code walseg_of_file(const struct walfile *f, uint32_t segment_bytes, uint64_t *number, struct err *e)
{
    uint64_t per_log = segments_per_log(segment_bytes);

    assert(f->kind != WALFILE_HISTORY);
    if (f->seg >= per_log) {
        char name[WALFILE_NAME_MAX];

        walfile_format(f, name);
        return err_set(e, ERR_CORRUPT, "there is no WAL file \"%s\" with a segment size of %" PRIu32 " bytes",
                       name, segment_bytes);
    }
    *number = f->log * per_log + f->seg;
    return ERR_OK;
}

struct walfile walseg_file(uint32_t tli, uint64_t number, uint32_t segment_bytes)
{
    uint64_t per_log = segments_per_log(segment_bytes);

    return (struct walfile){.kind = WALFILE_SEGMENT,
                            .tli = tli,
                            .log = (uint32_t) (number / per_log),
                            .seg = (uint32_t) (number % per_log)};
}

lsn walseg_start(uint64_t number, uint32_t segment_bytes)
{
    return number * segment_bytes;
}

void walseg_name(uint32_t tli, uint64_t number, uint32_t segment_bytes, char out[WALFILE_NAME_MAX])
{
    struct walfile f = walseg_file(tli, number, segment_bytes);

    walfile_format(&f, out);
}
