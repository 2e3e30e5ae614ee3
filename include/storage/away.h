/*
 * storage/away.h - a store that could not be opened: every operation answers with the reason.
 *
 * With several repositories one that is away must not keep a program from using the others, and must not be taken
 * for an empty one either.
 */
#pragma once
#include "storage/store.h"

/* why: what opening it failed with; copied. */
enum err_code away_store_new(const char *url, const struct err *why, struct store **out, struct err *e);
