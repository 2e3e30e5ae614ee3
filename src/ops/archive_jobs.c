/*
 * ops/archive_jobs.c - see ops/archive_jobs.h.
 *
 * Where all CPUs are busy already, a push also waits for one, and N of them take N times as long: then what comes out
 * is N again, neither more nor fewer. So it only grows as far as the store's answers are slow.
 */
#include "ops/archive_jobs.h"

size_t archive_jobs_wanted(const struct archive_jobs *j)
{
    int64_t wanted;

    if (j->fixed > 0)
        return j->fixed;
    wanted = j->cpu_us > 0 ? (int64_t) j->cpus * j->wall_us / j->cpu_us : 2 * (int64_t) j->cpus;
    if (wanted < (int64_t) j->cpus)
        wanted = (int64_t) j->cpus;
    return wanted < ARCHIVE_JOBS_MOST ? (size_t) wanted : ARCHIVE_JOBS_MOST;
}

void archive_jobs_measured(struct archive_jobs *j, int64_t cpu_us, int64_t wall_us)
{
    if (cpu_us <= 0 || wall_us < cpu_us)
        return; /* clocks of different grain */
    j->cpu_us += cpu_us;
    j->wall_us += wall_us;
}
