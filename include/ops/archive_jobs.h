/*
 * ops/archive_jobs.h - how many files an archiving call pushes at once, by what a push has taken so far.
 *
 * A push computes and waits for the store. Where it waits as long as it computes, twice as many as there are CPUs keep
 * these busy. Between none measured and the first, twice as many as CPUs are tried.
 * PURE.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_JOBS_MOST 16

struct archive_jobs {
    size_t fixed;            /* somebody said a number; 0 = by what is measured */
    size_t cpus;             /* at least 1 */
    int64_t cpu_us, wall_us; /* of all pushes measured */
};

/* At least 1, at most `fixed` or ARCHIVE_JOBS_MOST. */
size_t archive_jobs_wanted(const struct archive_jobs *j);

/* A push has ended: its thread's CPU time, and how long it took without what it waited for other pushes. */
void archive_jobs_measured(struct archive_jobs *j, int64_t cpu_us, int64_t wall_us);
