/*
 * base/heap.h - how malloc is to treat the program's memory.
 *
 * Kept      What is freed is kept for what is asked for next, instead of being given back to the kernel. A program that
 *           works through a stream in blocks of a MiB or so would otherwise get each of them fresh: a page fault for
 *           every 4 KiB, which virtual machines make dear.
 * Shared    One heap for all threads. Those that each keep a heap of their own keep in it what the others could use:
 *           several times the memory. Where blocks are large and rare, one is no bottleneck.
 * Source    mallopt(3); malloc/malloc.c of the GNU C library. Other C libraries have their own ways: nothing is done
 *           there.
 */
#pragma once

/* Once, before there are threads. */
void heap_prepare(void);
