/*
 * ops/archive_work.h - one file of a batch: read, put in its place in the run, stored, noted; and what the files of a
 * batch share.
 *
 * A file     open, or take the note of an earlier call; read (waiting for memory); then, when all files before it have
 *            come as far, its place in the run; store; done
 * Behind it  whoever is done writes the notes of those files that have nothing unfinished before them, in order
 *
 * So a note tells whether something before it could not be archived, and when a process is killed, what lies beyond an
 * unfinished file is pushed again, and found stored.
 *
 * Everything is decided under one lock, with one condition for whatever changes; nothing is read or written under it.
 * Nobody waits for ever: the first unfinished file waits neither for memory nor for its turn.
 */
#pragma once
#include "ops/archive_jobs.h"
#include "ops/archive_memory.h"
#include "ops/archive_push.h"
#include "repo/ahead.h"
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_READING_BYTES \
    (UINT64_C(2) << 20) /* what a file takes while it is read, besides what is kept of it */

enum archive_state { ARCHIVE_UNFINISHED, ARCHIVE_STORED, ARCHIVE_NOTED_BEFORE, ARCHIVE_FAILED };

/* A file of the batch, from when it is begun until it is noted. */
struct archive_work {
    struct archive_works *all;
    size_t number; /* 0 is the call's own */
    char path[PATH_MAX];
    struct archive_file own;
    struct archive_file *f; /* the call's file, or own */
    struct ahead_note note;
    bool is_noted;
    struct wal_facts *told; /* one for each repository; owned */
    int64_t waited_us;      /* for other files */
    enum archive_state state;
    struct err why;
};

/* Those of a batch. */
struct archive_works {
    const struct archive_push *push;
    char places[AHEAD_PLACES_MAX];
    struct archive_work **list; /* [0, begun); of those below settled only the first; the caller's */
    pthread_mutex_t lock;       /* of all below */
    pthread_cond_t changed;
    struct archive_jobs jobs;
    struct archive_memory memory;
    size_t begun, running;
    size_t turn;       /* the number whose place in the run comes next                             */
    bool is_over;      /* no file is to be begun any more                                          */
    size_t settled;    /* all below are finished and noted                                         */
    bool is_settling;  /* one thread is at it: the two below are its own, without the lock, so long */
    bool has_hole;     /* of the settled ones, not all are archived                                */
    struct err failed; /* of the first that failed, other than the call's own; ERR_OK: none        */
};

/* p is borrowed. At most `jobs` at once, 0 = by what is measured. */
void archive_works_init(struct archive_works *s, const struct archive_push *p, size_t jobs);
void archive_works_clear(struct archive_works *s);

/* NULL when there is no memory. f: the call's own file, borrowed; NULL = the one of this path, opened in its turn. */
struct archive_work *archive_work_new(struct archive_works *s, size_t number, const char *path,
                                      struct archive_file *f);
void archive_work_free(struct archive_work *w);

/* What a file of this size may need altogether. */
uint64_t archive_work_need(const struct archive_works *s, uint64_t size);

/*
 * Do all of it; a pool's job, whose argument is the work. It was entered in the list, in `begun`, `running` and the
 * memory before. Always ERR_OK: what became of the file is its state. Any but the first is freed once it is settled.
 */
enum err_code archive_work_run(void *work, struct err *e);
