/*
 * plan_trial.h - one target in a made-up history, and what a plan for it has to be.
 */
#pragma once
#include "history_make.h"
#include "history_replay.h"

#include "ops/plan_gather.h"

/* Dimensions beside those of the history: of targets, and of what a plan must tell. */
#define TARGETS_OR_LATEST \
    0x10000u                     /* a time may come with --or-latest                                        */
#define TELLS_OPEN_ENDS 0x20000u /* the last transactions where the archive ends inside a commit record     */
#define TELLS_CROSSINGS \
    0x40000u /* the first discarded transaction where its record crosses a segment border */

struct trial {
    const struct history *h;
    struct cluster cluster;
    unsigned dimensions;
    uint64_t state; /* of the numbers that targets are made of */
    struct target target;
    struct planned planned;
    struct err e;
    char what[512]; /* the case in words */
    char id[BACKUP_ID_MAX];
};

bool trial_asks(const struct trial *x, unsigned dimension);

/* Set the target to any, which may be one that is there, nearly there or nowhere. */
void trial_choose(struct trial *x, unsigned nth);

/* The timeline that recovery is to follow, 0 when there is none; may a backup be used that it can be asked for? */
uint32_t trial_timeline(const struct trial *x);
bool trial_may_use(const struct trial *x, uint32_t tli, const struct history_backup *b);

/* May a plan use this backup, with this outcome? All that is there is the end only where it is the path's. */
bool trial_is_possible(const struct target *t, const struct history_backup *b,
                       const struct history_outcome *o);

/*
 * The newest backup from which the target can be reached for certain; NULL when there is none. For "immediate" only the
 * newest backup of all is meant.
 */
const struct history_backup *trial_best(const struct trial *x, uint32_t tli);
