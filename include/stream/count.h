/*
 * stream/count.h - an observer that counts the bytes that pass.
 */
#pragma once
#include "stream/sink.h"
#include <stdint.h>

/* next may be NULL: then it only counts. */
enum err_code count_sink_new(struct sink *next, struct sink **out, struct err *e);
uint64_t count_sink_bytes(const struct sink *s);
