/*
 * history_make.h - histories made from a seed: small ones with everything that can happen, large even ones.
 */
#pragma once
#include "history_model.h"

/* What may happen in a random history, joined. */
#define HISTORY_FORKS \
    0x001u /* several timelines; parents may live on, children may get nothing archived         */
#define HISTORY_GAPS \
    0x002u /* segments are missing, never archived                                              */
#define HISTORY_IDLE \
    0x004u /* hours without a transaction, with segments and without                            */
#define HISTORY_DISORDER \
    0x008u /* commits out of time order, by a few records                                       */
#define HISTORY_CROSSINGS \
    0x010u /* records that go on in the next segment                                            */
#define HISTORY_BARE \
    0x020u /* segments whose records were not read when archived, and archivers that forget     */
#define HISTORY_STANDBYS \
    0x040u /* backups that began long before they ended: on another timeline, before other ones */
#define HISTORY_LOST \
    0x080u /* history files are missing                                                         */
#define HISTORY_CLOCK_STEPS \
    0x100u /* the clock is set, up to an hour to either side, and differs between timelines     */
#define HISTORY_BROKEN \
    0x200u /* backups whose own WAL is not whole                                                */
#define HISTORY_LONG \
    0x400u /* stretches of up to 40 segments instead of 6                                       */
#define HISTORY_ABORTS_CROSS \
    0x800u /* aborts go on in the next segment too, not commits and restore points only */
#define HISTORY_REMOVED \
    0x1000u /* or removed after they were acknowledged                                          */
#define HISTORY_BATCHES \
    0x2000u /* up to 16 segments are stored at once, and where one fails the others are there   */
#define HISTORY_RIVALS \
    0x4000u /* two archivers store the same segments, each with runs of its own                 */

#define HISTORY_IN_FLIGHT 15u /* segments of a batch that are still on their way when its last one is sealed */
#define HISTORY_NOON (INT64_C(1795176000) * 1000000) /* when all histories begin: 2026-11-20 12:00:00 UTC */

/* Segments of 1 MiB. free() it. */
struct history *history_random(uint64_t seed, unsigned dimensions);

/* Segments of 16 MiB, this many in all, every ten seconds one; backups and timelines at even distances. free() it. */
struct history *history_even(uint64_t seed, uint64_t segments, unsigned timelines, unsigned backups);
