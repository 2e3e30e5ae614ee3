/*
 * base/rng.h - random bytes from the kernel (getrandom(2)). Fails only on a broken system, then aborts: keys must
 * never come from anything else.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

void rng_bytes(void *out, size_t len);
/* Uniform in [0, bound); bound > 0. */
uint64_t rng_below(uint64_t bound);
