/*
 * repo/prefetch.h - segments that lie ready ahead of a recovery, as a call of fetch sees them. What keeps them there is
 * repo/prefetch_keep.h.
 *
 * <spool>/<cluster>/window-<tag>-<boot>/    of one recovery, since the machine was started last
 *     <SEGMENT>.<n>   whole and verified, from the n-th repository of the configuration
 *     <SEGMENT>.part  on its way, by the helper
 *     position        where recovery stands (repo/prefetch_note.h)
 *     lock            locked by the helper for as long as it lives; its time is the helper's pulse
 *     off             the lock of a helper that had to give up: none is started for an hour
 * tag: of what makes a file of this name the right one: data directory (device, inode, birth), line, repositories.
 * boot: the first 8 characters of the kernel's boot_id, since nothing here is synced: what a crash of the machine may
 * have torn is never looked at again.
 *
 * A cache, like all of the spool. Nothing here is an error: what can't be had from the window is had from a repository.
 * Each function does a fixed number of steps, whatever lies in the directory.
 */
#pragma once
#include "pg/walseg.h"
#include "repo/prefetch_note.h"
#include "repo/spool.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PREFETCH_PREFIX    "window-" /* of its directory's name */
#define PREFETCH_NOTE_FILE "position"
#define PREFETCH_LOCK_FILE "lock"
#define PREFETCH_OFF_FILE  "off"
#define PREFETCH_PATH_MAX  4096
#define PREFETCH_PULSE_US  INT64_C(500000) /* between two beats of the helper */
/* A helper without a pulse for so long, or a file that does not grow, is not waited for. */
#define PREFETCH_PATIENCE_US (INT64_C(5) * 1000000)
#define PREFETCH_OFF_US      (INT64_C(3600) * 1000000)

struct prefetch_key {
    const char *data_directory;
    const char *line;
    const char *const *places; /* of the repositories, in order */
    size_t place_count;
    bool accept_unencrypted; /* what is taken for a good copy */
    uint32_t segment_bytes;
};

struct prefetch {
    int fd;      /* of the directory; -1: there is none, and everything below finds nothing */
    int lock_fd; /* the helper's */
    char path[PREFETCH_PATH_MAX];
    size_t repo_count;
    uint32_t segment_bytes;
};
#define PREFETCH_NONE ((struct prefetch){.fd = -1, .lock_fd = -1})

/* Fill in where it lies, and open it if it is there. False: this recovery can't have one (no spool, no boot_id). */
bool prefetch_open(const struct spool *s, const struct prefetch_key *key, struct prefetch *out);
/* Make the directory where it is not there. False when that can't be done. */
bool prefetch_make(struct prefetch *w);
/* For CLEANUP. Lets go of the lock. */
void prefetch_close(struct prefetch *w);

/*
 * False when there is none as it was written. Writing overwrites in place; false when that can't be done: a full disk.
 */
bool prefetch_read_note(const struct prefetch *w, struct prefetch_note *out);
bool prefetch_write_note(const struct prefetch *w, const struct prefetch_note *n);

/*
 * Move a segment that lies there whole to dest: by rename, or beside it by copy and rename where that is another file
 * system. *from: which repository it is from. It is not there any more afterwards: a file that the server has, and may
 * recycle by writing into it, must not be handed out a second time. False: it is not there, dest is as it was.
 */
bool prefetch_take(const struct prefetch *w, const struct walfile *f, const char *dest, size_t *from);

/*
 * Is the helper downloading exactly this segment? Then wait until it is there, and true; false at once when it is not,
 * and after PREFETCH_PATIENCE_US when neither the file grows nor the pulse goes.
 */
bool prefetch_await(const struct prefetch *w, const struct walfile *f);

/* Does a helper hold the lock, whether it works or hangs? */
bool prefetch_has_helper(const struct prefetch *w);
/* Has one given up within the hour? */
bool prefetch_is_off(const struct prefetch *w);

/* Names in the directory; 40 bytes are enough. repo < 100. */
#define PREFETCH_NAME_MAX 40
void prefetch_whole_name(const struct walfile *f, size_t repo, char out[PREFETCH_NAME_MAX]);
void prefetch_part_name(const struct walfile *f, char out[PREFETCH_NAME_MAX]);
