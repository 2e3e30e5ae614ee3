/*
 * history_facts.h - what the descriptors of a made-up history's segments say, as `pitr archive` notes it.
 */
#pragma once
#include "history_model.h"

#include "repo/wal_facts.h"

/* Of the timeline's copy of a segment, without a look at its bytes, its run included. */
void history_facts(const struct history *h, uint32_t tli, uint64_t number, struct wal_facts *out);
