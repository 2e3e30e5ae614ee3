/*
 * stream/buf_sink.h - the end of a chain in memory, bounded by the buffer's ceiling.
 */
#pragma once
#include "base/buf.h"
#include "stream/sink.h"

/* Appends to b, which stays the caller's and outlives the sink. */
enum err_code buf_sink_new(struct buf *b, struct sink **out, struct err *e);
