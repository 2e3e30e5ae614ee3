/*
 * ops/windows_gather.h - the restorable windows of a line, with the times of the last transactions in them.
 *
 * A time is read from descriptors, from the window's end back: the last segment's, and that of the segment which its
 * run names for the last commit. Where a record that may be a commit goes on over a border, the two segments are read;
 * without an identity the time is then told as one that is reached at least. Where WAL is damaged tells one descriptor
 * for each run of the archiver (repo/wal_breaks.h).
 */
#pragma once
#include "ops/windows.h"
#include "repo/wal_object.h"

#define WINDOWS_LIST_MAX 100000 /* segments that are listed for a plan */

/*
 * facts: of the line of w, with w's segment size. What a descriptor or a segment does not tell (damaged, gone, sealed
 * for others) makes the time one that is reached at least; a store that is away is the error.
 */
enum err_code windows_read(const struct wal_place *w, const struct windows_facts *facts, struct windows *out,
                           struct err *e);

/*
 * The same where the segments have not been listed yet. More than WINDOWS_LIST_MAX are not: *is_listed is false then,
 * and out empty.
 */
enum err_code windows_list(const struct wal_place *w, const struct wal_timelines *timelines,
                           const struct backup_list *backups, bool *is_listed, struct windows *out,
                           struct err *e);
