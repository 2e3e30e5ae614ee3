/*
 * history_wal.h - the bytes of a made-up history's segments.
 */
#pragma once
#include "history_model.h"

#include "base/buf.h"

/* Append the whole segment, as a server of version 15 would have written it. */
void history_bytes(const struct history *h, uint32_t tli, uint64_t number, struct buf *out);

/* The name of a restore point. */
const char *history_name(unsigned name);
