/*
 * ops/wal_damage.h - a full segment whose WAL ends inside it: damage, or one of the ends that PostgreSQL makes?
 *
 * Behind a switch record the rest is filler; walscan knows that. Two more ends are good:
 *   switch    The switch record began in the segment before, and only its last bytes are here.
 *   fork      The timeline ends here. A standby with archive_mode = always archives the last segment of a timeline that
 *             its primary left under its full name; the history that tells of it has been fetched by then.
 * What lies behind a good end, zeros or old pages of a recycled file, is not looked at.
 * Source    PostgreSQL src/backend/access/transam/xlog.c, ReserveXLogSwitch;
 *           src/backend/replication/walreceiver.c, WalReceiverMain.
 */
#pragma once
#include "pg/walpage.h"
#include "pg/walscan.h"
#include "pg/walseg.h"

/*
 * Where recovery would end in the segment although it is full; 0 where nothing is wrong.
 *   scan    has read the whole segment, whose first page is page
 *   path    the segment's; histories are looked for beside it, and one that can't be read tells nothing
 */
lsn wal_damage_at(const struct walscan *scan, const struct walfile *file, const struct walpage *page,
                  const char *path);
