/*
 * history_facts.h - what the descriptors of a made-up history's segments say, as `pitr archive` notes it.
 */
#pragma once
#include "history_model.h"

#include "repo/wal_facts.h"

/* Of all segments of a timeline, which are not too many: without a look at their bytes, their runs included. */
void history_facts_all(const struct history *h, uint32_t tli, struct wal_facts *out);

/* Of one, where the clock was never set back. */
void history_facts(const struct history *h, uint32_t tli, uint64_t number, struct wal_facts *out);
