/*
 * repo/wal_notes.h - a segment's records, noted down as the facts of its descriptor.
 *
 * Recovery's view: commits and aborts count alike for times. A segment is read by itself, so what its transactions did
 * before it is not known.
 * PURE.
 */
#pragma once
#include "pg/waldrops.h"
#include "pg/walscan.h"
#include "repo/wal_facts.h"

/* Embedded by value; owns nothing. */
struct wal_notes {
    struct wal_facts *facts; /* borrowed */
    struct waldrops drops;
};

/* facts: of the segment's page, without records as yet. */
void wal_notes_init(struct wal_notes *n, struct wal_facts *facts);

/* A walscan_visit; notes is the struct wal_notes. Never fails. */
enum err_code wal_notes_take(const struct walevent *v, void *notes, struct err *e);

/* The segment is through: what the scan found of its end. */
void wal_notes_conclude(struct wal_facts *f, const struct walscan *scan);
