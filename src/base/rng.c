/*
 * base/rng.c - see base/rng.h. rng_below throws away the few draws that would make small numbers likelier.
 */
#include "base/rng.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void rng_bytes(void *out, size_t len)
{
    uint8_t *at = out;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        at += got;
        len -= (size_t) got;
    }
}

uint64_t rng_below(uint64_t bound)
{
    uint64_t reject_below, drawn;

    assert(bound > 0);
    /* 2^64 mod bound: the draws from there on are a whole number of rounds through [0, bound). */
    reject_below = (UINT64_MAX - bound + 1) % bound;
    do
        rng_bytes(&drawn, sizeof(drawn));
    while (drawn < reject_below);
    return drawn % bound;
}
