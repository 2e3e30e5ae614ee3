/*
 * repo/restore_rate.c - see repo/restore_rate.h.
 */
#include "repo/restore_rate.h"

#include "repo/rate_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME "restore"

static bool is_possible(const struct restore_rate *r)
{
    return r->bytes > 0 && r->spent_us > 0 && r->when_us >= 0;
}

static void format(const struct restore_rate *r, char text[RATE_TEXT_MAX])
{
    (void) snprintf(text, RATE_TEXT_MAX, "%" PRIu64 " %" PRId64 " %" PRId64, r->bytes, r->spent_us,
                    r->when_us);
}

bool restore_rate_read(const struct spool *s, const char *place, struct restore_rate *out)
{
    struct restore_rate r;
    char text[RATE_TEXT_MAX], again[RATE_TEXT_MAX];

    *out = (struct restore_rate){0};
    if (!rate_file_read(s, NAME, place, text) ||
        sscanf(text, "%20" SCNu64 " %20" SCNd64 " %20" SCNd64, &r.bytes, &r.spent_us, &r.when_us) != 3)
        return false;
    format(&r, again);
    if (strcmp(text, again) != 0 || !is_possible(&r))
        return false;
    *out = r;
    return true;
}

void restore_rate_note(const struct spool *s, const char *place, const struct restore_rate *r)
{
    char text[RATE_TEXT_MAX];

    if (!is_possible(r))
        return;
    format(r, text);
    rate_file_write(s, NAME, place, text);
}
