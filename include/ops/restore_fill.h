/*
 * ops/restore_fill.h - fill the files of a restore from the packs, several downloads at once.
 *
 * Memory    for each thread a frame sealed, packed and plain (256 KiB each by default), and its connection.
 */
#pragma once
#include "base/err.h"
#include "ops/progress.h"
#include "ops/restore_files.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct restore_fill_options {
    size_t threads;       /* packs, or parts of them, read at a time */
    uint64_t slice_bytes; /* read packs in parts of so many stored bytes: for stores that take requests for nothing, so
                             that few packs keep many threads busy; 0 = whole */
    bool sync_files;      /* each file is to be fsynced by who wrote to it (ops/restore_sync.h) */
    struct progress *progress;
};

/*
 * Read every pack that is needed and write its chunks where they belong. The first failure ends it, the other threads
 * at their next chunk.
 */
enum err_code restore_fill(struct restore_files *f, const struct restore_fill_options *o, struct err *e);
