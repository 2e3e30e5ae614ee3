/*
 * stream/tee.h - one stream into two chains: every write and the finish go first to `side`, then to `next`.
 */
#pragma once
#include "stream/sink.h"

/* Owns both chains from the call on. A failure of either is the tee's failure. */
enum err_code tee_new(struct sink *side, struct sink *next, struct sink **out, struct err *e);
