/*
 * cli/near.h - which of the known words a mistyped one was meant to be.
 */
#pragma once
#include <stddef.h>

/*
 * Keeps the closest of the words it is shown: insertions, deletions, replacements and swaps of neighbours count one
 * each, up to a third of the word's length and at most two. Words longer than 48 bytes are never close.
 */
struct near {
    const char *word; /* borrowed */
    size_t len;
    const char *best; /* borrowed from near_offer; NULL while none is close */
    size_t distance;
};

void near_init(struct near *n, const char *word, size_t len);
void near_offer(struct near *n, const char *candidate);
