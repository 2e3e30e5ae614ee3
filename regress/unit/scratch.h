/*
 * scratch.h - a directory of its own for a test, under $TMPDIR or /tmp, and its removal.
 */
#pragma once
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_MAX 256

/* Make it; path is filled. */
static inline void scratch_make(char path[SCRATCH_MAX])
{
    const char *base = getenv("TMPDIR");

    (void) snprintf(path, SCRATCH_MAX, "%s/pitr-test.XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

static inline int scratch_remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void) info;
    (void) kind;
    (void) at;
    return remove(path);
}

static inline void scratch_remove(const char *path)
{
    ck_assert_int_eq(nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* "directory/name", in a static buffer that the second next call reuses. */
static inline const char *scratch_path(const char *directory, const char *name)
{
    static char made[2][SCRATCH_MAX * 2];
    static unsigned turn;

    turn ^= 1;
    (void) snprintf(made[turn], sizeof(made[turn]), "%s/%s", directory, name);
    return made[turn];
}
