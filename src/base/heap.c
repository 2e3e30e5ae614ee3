/*
 * base/heap.c - see base/heap.h.
 */
#include "base/heap.h"

#include <malloc.h>

#define BLOCK_MOST (32 << 20) /* as much as malloc allows: larger ones come from the kernel, each by itself */
#define KEPT_MOST  (256 << 20) /* what lies free at the end of the heap and is not given back                */

void heap_prepare(void)
{
#ifdef __GLIBC__
    (void) mallopt(M_MMAP_THRESHOLD, BLOCK_MOST);
    (void) mallopt(M_TRIM_THRESHOLD, KEPT_MOST);
    (void) mallopt(M_ARENA_MAX, 1);
#endif
}
