/*
 * repo/prefetch_keep.h - the window's other side: who holds the lock puts segments into it, and clears it away.
 *
 * Files come and go here only, but for those that a call takes. Whatever of ours a dead one left is either whole, and
 * as good as any, or has a name that says it is not.
 */
#pragma once
#include "base/err.h"
#include "repo/prefetch.h"

/*
 * Become the one that keeps this window; for the life of w. False: another one does, or it can't be locked. Forgets
 * that one had given up.
 */
bool prefetch_lock(struct prefetch *w);
/* Is it still ours: the directory of this name, with the lock that we hold? Somebody may have removed it. */
bool prefetch_is_ours(const struct prefetch *w);
void prefetch_beat(const struct prefetch *w);

/*
 * Has the disk room for so many bytes more, and a reserve of PREFETCH_RESERVE_BYTES beyond? ERR_IO with ENOSPC when
 * not, or with why it could not be asked.
 */
#define PREFETCH_RESERVE_BYTES (UINT64_C(64) << 20)
enum err_code prefetch_reserve(const struct prefetch *w, uint64_t bytes, struct err *e);

/*
 * A segment on its way: an empty file to write it to (the caller's to close), then its name when it is whole and
 * verified, or nothing of it.
 */
enum err_code prefetch_begin(const struct prefetch *w, const struct walfile *f, int *fd, struct err *e);
enum err_code prefetch_finish(const struct prefetch *w, const struct walfile *f, size_t repo, struct err *e);
void prefetch_give_up(const struct prefetch *w, const struct walfile *f);

/* Remove a segment, taken or not. */
void prefetch_drop(const struct prefetch *w, const struct walfile *f);

/* Called for each whole segment that lies there, in no order. What is neither that nor the window's own is removed. */
typedef void prefetch_visit(const struct walfile *f, void *arg);
void prefetch_adopt(const struct prefetch *w, prefetch_visit *visit, void *arg);

/* All segments go; the position stays. */
void prefetch_empty(const struct prefetch *w);
/* Everything goes, the directory too. A call that notes its position just then makes it anew, or keeps it there. */
void prefetch_remove(struct prefetch *w);
/* All segments go, and no helper is started for an hour. Needs no room on the disk. */
void prefetch_retire(struct prefetch *w);

/*
 * Remove windows of this spool that nobody keeps: of another boot of the machine, and those whose position is older
 * than a day. At most PREFETCH_SWEEP_MOST of them at a time.
 */
#define PREFETCH_SWEEP_MOST 16
void prefetch_sweep(const struct prefetch *w);
