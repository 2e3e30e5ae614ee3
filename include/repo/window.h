/*
 * repo/window.h - segments that lie ready ahead of a recovery, as a call of fetch sees them. What keeps them there is
 * repo/window_keep.h.
 *
 * <spool>/<cluster>/window-<tag>-<boot>/    of one recovery, since the machine was started last
 *     <SEGMENT>.<n>   whole and verified, from the n-th repository of the configuration
 *     <SEGMENT>.part  on its way, by the helper
 *     position        where recovery stands (repo/window_note.h)
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
#include "repo/spool.h"
#include "repo/window_note.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_PREFIX    "window-" /* of its directory's name */
#define WINDOW_NOTE_FILE "position"
#define WINDOW_LOCK_FILE "lock"
#define WINDOW_OFF_FILE  "off"
#define WINDOW_PATH_MAX  4096
#define WINDOW_PULSE_US  INT64_C(500000) /* between two beats of the helper */
/* A helper without a pulse for so long, or a file that does not grow, is not waited for. */
#define WINDOW_PATIENCE_US (INT64_C(5) * 1000000)
#define WINDOW_OFF_US      (INT64_C(3600) * 1000000)

struct window_key {
    const char *data_directory;
    const char *line;
    const char *const *places; /* of the repositories, in order */
    size_t place_count;
    bool accept_unencrypted; /* what is taken for a good copy */
    uint32_t segment_bytes;
};

struct window {
    int fd;      /* of the directory; -1: there is none, and everything below finds nothing */
    int lock_fd; /* the helper's */
    char path[WINDOW_PATH_MAX];
    size_t repo_count;
    uint32_t segment_bytes;
};
#define WINDOW_NONE ((struct window){.fd = -1, .lock_fd = -1})

/* Fill in where it lies, and open it if it is there. False: this recovery can't have one (no spool, no boot_id). */
bool window_open(const struct spool *s, const struct window_key *key, struct window *out);
/* Make the directory where it is not there. False when that can't be done. */
bool window_make(struct window *w);
/* For CLEANUP. Lets go of the lock. */
void window_close(struct window *w);

/* False when there is none as it was written. Writing overwrites in place; false when that can't be done: a full disk. */
bool window_read_note(const struct window *w, struct window_note *out);
bool window_write_note(const struct window *w, const struct window_note *n);

/*
 * Move a segment that lies there whole to dest: by rename, or beside it by copy and rename where that is another file
 * system. *from: which repository it is from. It is not there any more afterwards: a file that the server has, and may
 * recycle by writing into it, must not be handed out a second time. False: it is not there, dest is as it was.
 */
bool window_take(const struct window *w, const struct walfile *f, const char *dest, size_t *from);

/*
 * Is the helper downloading exactly this segment? Then wait until it is there, and true; false at once when it is not,
 * and after WINDOW_PATIENCE_US when neither the file grows nor the pulse goes.
 */
bool window_await(const struct window *w, const struct walfile *f);

/* Does a helper hold the lock, whether it works or hangs? */
bool window_has_helper(const struct window *w);
/* Has one given up within the hour? */
bool window_is_off(const struct window *w);

/* Names in the directory; 40 bytes are enough. repo < 100. */
#define WINDOW_NAME_MAX 40
void window_whole_name(const struct walfile *f, size_t repo, char out[WINDOW_NAME_MAX]);
void window_part_name(const struct walfile *f, char out[WINDOW_NAME_MAX]);
