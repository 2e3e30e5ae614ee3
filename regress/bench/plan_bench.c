/*
 * plan_bench.c - what a plan costs in an archive of so many segments.
 *
 *   plan_bench SEGMENTS [TARGETS]
 * Random times in a made-up history of five timelines and sixty backups, on the path of the latest; the segments have
 * 16 MiB, but only those that are read are ever made. One line on stdout, tabs between:
 *   segments, plans, then mean and most of: listing pages, whole objects, parts of objects, milliseconds, all requests but
 *   those for segments read whole; peak KiB
 * The time is that of planning and of making up what it reads: no network. A plan that does not hold ends the program.
 */
#include "history_make.h"
#include "history_store.h"

#include "ops/plan_gather.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define SEED      1
#define TIMELINES 5
#define BACKUPS   60

enum { LISTS, GETS, RANGES, MILLISECONDS, REQUESTS, FIGURES };

struct figures {
    double sum[FIGURES];
    double most[FIGURES];
};

static void add(struct figures *f, int which, double value)
{
    f->sum[which] += value;
    if (value > f->most[which])
        f->most[which] = value;
}

static double now_ms(void)
{
    struct timespec t;

    (void) clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

/* A time between the end of the first backup and the last segment; the same ones on every run. */
static int64_t any_time(const struct history *h, unsigned nth)
{
    const struct history_timeline *last = &h->timelines[h->last_tli];
    const struct history_stretch *s = &last->stretches[0];
    const int64_t begin = h->backups[0].stop_us + 1;
    const int64_t end = s->begin_us + (int64_t) (last->last - s->first) * s->segment_us;

    return begin + (int64_t) (history_mix(SEED, nth, 0, 99) % (uint64_t) (end - begin));
}

static void plan_once(struct cluster *c, const struct history *h, unsigned nth, struct figures *f)
{
    const struct target t = {.kind = TARGET_TIME, .time_us = any_time(h, nth)};
    const struct history_requests before = history_store_requests(c->repos[0]->store);
    const double begin = now_ms();
    struct history_requests after;
    struct planned planned;
    struct err e = ERR_NONE;

    history_must(ops_plan(c, NULL, &t, &planned, &e) == ERR_OK, e.text);
    add(f, MILLISECONDS, now_ms() - begin);
    history_must(planned.plan.moment.reached && planned.plan.moment.kept.us <= t.time_us,
                 "a plan keeps too much");
    planned_clear(&planned);
    after = history_store_requests(c->repos[0]->store);
    /* Each history is read once; all else that is read whole are segments. */
    add(f, REQUESTS, (double) (after.pages - before.pages + after.ranges - before.ranges + TIMELINES - 1));
    add(f, LISTS, (double) (after.pages - before.pages));
    add(f, GETS, (double) (after.gets - before.gets));
    add(f, RANGES, (double) (after.ranges - before.ranges));
}

static void print(uint64_t segments, unsigned plans, const struct figures *f)
{
    struct rusage usage;

    (void) getrusage(RUSAGE_SELF, &usage);
    (void) printf("%" PRIu64 "\t%u", segments, plans);
    for (int i = 0; i < FIGURES; i++)
        (void) printf("\t%.1f\t%.0f", f->sum[i] / plans, f->most[i]);
    (void) printf("\t%ld\n", usage.ru_maxrss);
}

int main(int argc, char **argv)
{
    const uint64_t segments = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    const unsigned plans = argc > 2 ? (unsigned) strtoul(argv[2], NULL, 10) : 20;
    char name[] = "main", repo_name[] = "made-up";
    struct repo repo = {.name = repo_name, .codec = CODEC_LZ4};
    struct repo *repos[] = {&repo};
    struct cluster cluster = {.name = name, .repos = repos, .repo_count = 1};
    struct figures f = {.sum = {0}};
    struct history *h;

    if (segments < 1000 || segments > 20000000 || plans == 0) {
        (void) fprintf(stderr, "usage: plan_bench SEGMENTS [TARGETS], 1000 to 20000000 segments\n");
        return 2;
    }
    h = history_even(SEED, segments, TIMELINES, BACKUPS);
    repo.store = history_store_new(h);
    for (unsigned nth = 0; nth < plans; nth++)
        plan_once(&cluster, h, nth, &f);
    print(segments, plans, &f);
    store_free(repo.store);
    free(h);
    return 0;
}
