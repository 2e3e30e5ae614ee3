/*
 * prefetch_case.h - a spool, a data directory, and the window of the recovery there, for the tests of both of its
 * sides.
 */
#pragma once
#include "repo/prefetch.h"
#include "repo/prefetch_keep.h"

#include "../scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#define MIB   (1u << 20)
#define BYTES MIB /* of a segment */

static char scratch[SCRATCH_MAX], data_directory[SCRATCH_MAX + 16], dest[SCRATCH_MAX + 16];
static const char *places[] = {"file:///near", "file:///far"};
static struct prefetch_key key;
static struct spool *spool;
static struct prefetch window;

static inline struct walfile segment(uint64_t number)
{
    return walseg_file(1, number, BYTES);
}

static inline void prefetch_set_up(void)
{
    struct err e = ERR_NONE;

    scratch_make(scratch);
    (void) snprintf(data_directory, sizeof(data_directory), "%s/data", scratch);
    (void) snprintf(dest, sizeof(dest), "%s/dest", scratch);
    ck_assert_int_eq(mkdir(data_directory, 0700), 0);
    ck_assert_int_eq(spool_open(scratch_path(scratch, "spool"), "main", &spool, &e), ERR_OK);
    key = (struct prefetch_key){.data_directory = data_directory,
                                .line = "6789abcdef012345",
                                .places = places,
                                .place_count = 2,
                                .segment_bytes = BYTES};
    ck_assert(prefetch_open(spool, &key, &window));
    ck_assert_int_eq(window.fd, -1);
    ck_assert(prefetch_make(&window));
}

static inline void prefetch_tear_down(void)
{
    prefetch_close(&window);
    spool_free(spool);
    scratch_remove(scratch);
}

/* A file of the window, of so many bytes. */
static inline void put(const char *name, size_t len)
{
    int fd = openat(window.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t) len), 0);
    (void) close(fd);
}

static inline void put_whole(uint64_t number, size_t repo, size_t len)
{
    const struct walfile f = segment(number);
    char name[PREFETCH_NAME_MAX];

    prefetch_whole_name(&f, repo, name);
    put(name, len);
}

static inline bool has(const char *name)
{
    return faccessat(window.fd, name, F_OK, 0) == 0;
}

static inline unsigned entries_in(const char *path)
{
    DIR *dir = opendir(path);
    unsigned count = 0;

    for (struct dirent *d = dir == NULL ? NULL : readdir(dir); d != NULL; d = readdir(dir))
        count += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    if (dir != NULL)
        (void) closedir(dir);
    return count;
}
