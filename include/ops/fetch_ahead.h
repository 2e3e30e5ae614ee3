/*
 * ops/fetch_ahead.h - the helper of a recovery: keeps segments ready ahead of it, in its window (repo/prefetch.h).
 *
 * Started by a call of fetch, on its own, in the working directory of that call. It has its own connections and threads
 * and says what it has to say in <spool>/<cluster>/fetch-ahead.log, since its caller's messages belong to the server's
 * log.
 *
 * It ends by itself and leaves nothing behind: when the plan's last segment was handed over; when the server, its data
 * directory or its recovery is gone; when nobody asked for a minute; when nothing more can be had and what lay ready
 * has been taken. Where the disk has no room for it, it empties the window and none is started for an hour.
 */
#pragma once
#include "base/err.h"
#include "ops/fetch.h"
#include "repo/cluster.h"

#define FETCH_AHEAD_LOG     "fetch-ahead.log" /* below the cluster's directory in the spool */
#define FETCH_AHEAD_LOG_MAX (256u << 10)      /* bytes: begun anew behind that              */

/*
 * Keep the window of the recovery in the data directory `directory`, which is the working directory, from segment
 * `name` on, which has just been handed over. Returns when there is nothing more to do: at once where another helper is
 * at work. o: as for the call. c is connected here; the working directory afterwards is /.
 */
enum err_code ops_fetch_ahead(struct cluster *c, const struct fetch_options *o, const char *name,
                              const char *directory, struct err *e);
