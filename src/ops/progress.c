/*
 * ops/progress.c - see ops/progress.h. The rate is the mean since the beginning: steady, and right at the end.
 */
#include "ops/progress.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define BAR_WIDTH        30
#define BAR_INTERVAL_US  ((int64_t) 200000)
#define LINE_INTERVAL_US ((int64_t) 10000000)

void progress_size(uint64_t bytes, char out[PROGRESS_SIZE_MAX])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double) bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        unit++;
    }
    (void) snprintf(out, PROGRESS_SIZE_MAX, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value,
                    units[unit]);
}

void progress_begin(struct progress *p, const char *what, uint64_t total_bytes)
{
    *p = (struct progress){.what = what, .total = total_bytes, .started_us = clock_mono_us(&clock_system)};
    p->shown_us = p->started_us;
    (void) pthread_mutex_init(&p->lock, NULL);
}

static void bar_format(const struct progress *p, char out[BAR_WIDTH + 1])
{
    double share = p->total == 0 ? 0 : (double) p->done / (double) p->total;
    int filled = share >= 1 ? BAR_WIDTH : (int) (share * BAR_WIDTH);

    memset(out, ' ', BAR_WIDTH);
    memset(out, '=', (size_t) filled);
    out[BAR_WIDTH] = '\0';
}

static void show(const struct progress *p, int64_t now_us)
{
    double seconds = (double) (now_us - p->started_us) / 1e6;
    double rate = seconds > 0 ? (double) p->done / seconds : 0;
    uint64_t left = p->total > p->done ? p->total - p->done : 0;
    char done[PROGRESS_SIZE_MAX], total[PROGRESS_SIZE_MAX], speed[PROGRESS_SIZE_MAX], bar[BAR_WIDTH + 1];
    char remaining[32] = "";

    progress_size(p->done, done);
    progress_size(p->total > p->done ? p->total : p->done, total);
    progress_size((uint64_t) rate, speed);
    if (rate > 0 && left > 0)
        (void) snprintf(remaining, sizeof(remaining), ", %.0f s left", (double) left / rate);
    if (log_has_terminal()) {
        bar_format(p, bar);
        log_progress("%s [%s] %s of %s, %s/s%s", p->what, bar, done, total, speed, remaining);
    } else {
        log_info("%s: %s of %s, %s/s%s", p->what, done, total, speed, remaining);
    }
}

void progress_add(struct progress *p, uint64_t bytes)
{
    int64_t now_us = clock_mono_us(&clock_system);

    (void) pthread_mutex_lock(&p->lock);
    p->done += bytes;
    if (now_us - p->shown_us >= (log_has_terminal() ? BAR_INTERVAL_US : LINE_INTERVAL_US)) {
        p->shown_us = now_us;
        show(p, now_us);
    }
    (void) pthread_mutex_unlock(&p->lock);
}

void progress_end(struct progress *p)
{
    if (p->what == NULL)
        return;
    log_progress("%s", "");
    (void) pthread_mutex_destroy(&p->lock);
    p->what = NULL;
}
