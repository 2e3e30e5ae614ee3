/*
 * repo/wal_same.h - two segments of one name whose bytes differ: do they mean the same?
 *
 * They do when both descriptors carry valid_sha256, and it and all that places the segment are equal: replay reads
 * the same records in both, ends at the same place for a reason that is final, and never looks at what lies behind it.
 * PURE: decided by the two descriptors alone, so whoever has no identity can.
 */
#pragma once
#include "codec/descriptor.h"
#include <stdbool.h>
#include <stddef.h>

/* Of the same kind and name, with other content. */
bool wal_is_same(const struct descriptor *a, const struct descriptor *b);

/*
 * Words to put behind "there from …" and "here from …" where both tell how far their WAL goes and one goes farther:
 * ", where valid WAL ends at LSN 0/3000188". Else both are "". size: WAL_SAME_TEXT_MAX.
 */
#define WAL_SAME_TEXT_MAX 64
void wal_tell_ends(const struct descriptor *there, const struct descriptor *here,
                   char there_text[WAL_SAME_TEXT_MAX], char here_text[WAL_SAME_TEXT_MAX]);
