/*
 * ops/restore_sync.h - everything a restore wrote is on disk, or the restore has failed.
 *
 * One syncfs for each file system, instead of an fsync for each file, where it can be relied on: on Linux 5.8 or newer
 * syncfs reports writes that failed since its descriptor was opened, on file systems that write to a device of their
 * own. What the file system's own commit says it reports in newer kernels only, so an fsync of the directory follows,
 * which fails when the journal was aborted.
 * Elsewhere (overlays, FUSE, networks, older kernels) each file is fsynced by whoever wrote to it, through the
 * descriptor it wrote with, for only that one is sure to be told of a failure; and all of them again at the end, with
 * the directories, for their names, sizes and modes.
 *
 * Source    syncfs(2), fsync(2); Linux commit 735e4ae5ba28, "vfs: track per-sb writeback errors and report them to
 *           syncfs".
 */
#pragma once
#include "base/err.h"
#include "ops/restore_tree.h"
#include <stdbool.h>
#include <stddef.h>

struct restore_sync {
    int *directories; /* open: the data directory and each tablespace directory on another file system */
    size_t count;
    bool each_file; /* who writes to a file fsyncs it */
};

/* Before the first write. The directories of the tree exist. */
enum err_code restore_sync_begin(struct restore_sync *s, const struct restore_tree *t, struct err *e);

/* After the last. ERR_IO: something that was written is not on disk. */
enum err_code restore_sync_finish(const struct restore_sync *s, const struct restore_tree *t, struct err *e);

void restore_sync_clear(struct restore_sync *s);

/* Is syncfs relied on? release: of the kernel, as uname has it; type: of a file system, as statfs has it. */
bool restore_sync_is_sound(const char *release, long type);
