/*
 * history_store.h - a store over a made-up history: its archive, every object made when it is asked for.
 *
 * It has what a repository of one cluster, "main", has: line.json, histories, segments, .partial files and the
 * summaries of backups, all but their packs and indexes. Ten million segments are listed and read from no memory at
 * all. Requests are counted as an S3 server would: a listing in pages of 1000 entries.
 * Unlike a real one it answers a range from the front of a segment, up to 64 KiB, with the descriptor alone; its
 * descriptors of WAL have no size and hash, which would take the content; and sizes in listings are made up.
 */
#pragma once
#include "history_model.h"

#include "base/buf.h"
#include "storage/store.h"

struct history_requests {
    uint64_t gets;   /* of whole objects */
    uint64_t ranges; /* of parts */
    uint64_t pages;  /* of listings */
};

/* h is borrowed for the store's life. Creating and removing objects is ERR_DENIED. */
struct store *history_store_new(const struct history *h);

/* What was asked so far. */
struct history_requests history_store_requests(const struct store *s);

/* The history file of a timeline, as the server that began it wrote it. */
void history_file(const struct history *h, uint32_t tli, struct buf *out);
