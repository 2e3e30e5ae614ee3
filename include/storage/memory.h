/*
 * storage/memory.h - a complete store in memory, for tests of the rooms above.
 */
#pragma once
#include "storage/store.h"

/* An empty store; its objects are gone with it. One object may be up to 1 GiB. */
enum err_code memory_store_new(struct store **out, struct err *e);
