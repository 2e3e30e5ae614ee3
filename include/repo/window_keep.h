/*
 * repo/window_keep.h - the window's other side: who holds the lock puts segments into it, and clears it away.
 *
 * Files come and go here only, but for those that a call takes. Whatever of ours a dead one left is either whole, and
 * as good as any, or has a name that says it is not.
 */
#pragma once
#include "base/err.h"
#include "repo/window.h"

/*
 * Become the one that keeps this window; for the life of w. False: another one does, or it can't be locked. Forgets
 * that one had given up.
 */
bool window_lock(struct window *w);
/* Is it still ours: the directory of this name, with the lock that we hold? Somebody may have removed it. */
bool window_is_ours(const struct window *w);
void window_beat(const struct window *w);

/* Has the disk room for so many bytes more, and a reserve of WINDOW_RESERVE_BYTES beyond? */
#define WINDOW_RESERVE_BYTES (UINT64_C(64) << 20)
bool window_has_room(const struct window *w, uint64_t bytes);

/*
 * A segment on its way: an empty file to write it to (the caller's to close), then its name when it is whole and
 * verified, or nothing of it.
 */
enum err_code window_begin(const struct window *w, const struct walfile *f, int *fd, struct err *e);
enum err_code window_finish(const struct window *w, const struct walfile *f, size_t repo, struct err *e);
void window_give_up(const struct window *w, const struct walfile *f);

/* Remove a segment, taken or not. */
void window_drop(const struct window *w, const struct walfile *f);

/* Called for each whole segment that lies there, in no order. What is neither that nor the window's own is removed. */
typedef void window_visit(const struct walfile *f, void *arg);
void window_adopt(const struct window *w, window_visit *visit, void *arg);

/* All segments go; the position stays. */
void window_empty(const struct window *w);
/* Everything goes, the directory too. A call that notes its position just then makes it anew, or keeps it there. */
void window_remove(struct window *w);
/* All segments go, and no helper is started for an hour. Needs no room on the disk. */
void window_retire(struct window *w);

/*
 * Remove windows of this spool that nobody keeps: of another boot of the machine, and those whose position is older
 * than a day. At most WINDOW_SWEEP_MOST of them at a time.
 */
#define WINDOW_SWEEP_MOST 16
void window_sweep(const struct window *w);
