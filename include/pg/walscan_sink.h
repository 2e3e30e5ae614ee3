/*
 * pg/walscan_sink.h - the end of a chain in a WAL scan.
 */
#pragma once
#include "pg/walscan.h"
#include "stream/sink.h"

/* Pushes what it is given into scan, which stays the caller's: it may go on over the sinks of several segments. */
enum err_code walscan_sink_new(struct walscan *scan, struct sink **out, struct err *e);
