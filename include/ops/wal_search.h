/*
 * ops/wal_search.h - find the moment a target names in archived WAL: which transaction is the last kept.
 *
 * A time is looked up by descriptors, and only the segments that decide are read. For names and xids the stretch is
 * read in order. A restore point made twice behind `from` is the first, as for PostgreSQL.
 */
#pragma once
#include "ops/plan.h"
#include "ops/wal_times.h"

/*
 * Look for target t among the transactions that end behind `from`. Fills moment; moment->known stays false where the
 * WAL can't be read here (no identity for it). A target that is not there is no error: moment->reached is false. WAL in
 * the stretch that is damaged or not valid is ERR_CORRUPT, never "not there".
 */
enum err_code wal_search(const struct wal_stretch *w, const struct target *t, lsn from,
                         struct plan_moment *moment, struct err *e);
