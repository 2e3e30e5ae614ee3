/*
 * repo/replay_rate.h - how fast recoveries on this host go through WAL, measured by those who hand it over.
 *
 * PostgreSQL asks for a segment, replays it, and asks for the next one: what lies between the answer to the one and the
 * question for the other is replay. Each question that is answered is one step, noted in O(1).
 *
 * <dir>/<cluster>/replay-<tag>  "<LINE> <recovery> <segment bytes> <next> <since> <waited> <this> <earlier> <crc>", see
 *                               repo/rate_file.h. next: number of the segment that would go on with this recovery.
 *                               since: monotonic time at which the one before was handed over, or -1. waited: how
 *                               long that one was waited for. this, earlier: a measure each, "<segments> <fetch>
 *                               <replay> <when>". Times in microseconds.
 * A cache: losing it costs an estimate. Recoveries that run side by side disturb each other's measure, and add nothing
 * false to it.
 */
#pragma once
#include "pg/walseg.h"
#include "repo/spool.h"
#include <stdbool.h>
#include <stdint.h>

#define REPLAY_RATE_FEWEST \
    3 /* segments: what fewer took is no measure                                          */
#define REPLAY_RATE_ENOUGH \
    16 /* a recovery that was measured over so many is believed, whatever was before       */

struct replay_rate {
    uint64_t segments; /* one behind the other, of one recovery; 0 = not measured     */
    int64_t fetch_us;  /* all the time the server waited for them                     */
    int64_t replay_us; /* all the time it took from there until it asked for the next */
    int64_t when_us;   /* when the last of them was done, since 1970 UTC              */
};

/* One question of a recovery, and the answer. */
struct replay_step {
    const char *line;           /* 16 hex digits                                                        */
    uint64_t recovery;          /* tells recoveries on this host apart, such as by their data directory */
    const struct walfile *file; /* a segment                                                            */
    uint32_t segment_bytes;     /* 0: it was not handed over, for whatever reason                       */
    int64_t asked_us;           /* monotonic (base/clock.h)                                             */
    int64_t answered_us;
    int64_t now_us; /* of the answer, since 1970 UTC */
};

/*
 * Only a segment that follows the one before counts, and only where neither took longer than a minute (for 16 MiB): a
 * paused recovery is no slow one. A segment that was not handed over ends the measure. Best effort, nothing is synced.
 */
void replay_rate_note(const struct spool *s, const char *place, const struct replay_step *step);

/*
 * The measure to go by: of the latest recovery with REPLAY_RATE_ENOUGH segments, else of the one with the most. False,
 * and nothing measured in out, when there is none of REPLAY_RATE_FEWEST.
 */
bool replay_rate_read(const struct spool *s, const char *place, struct replay_rate *out);
