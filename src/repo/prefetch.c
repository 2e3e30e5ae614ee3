/*
 * repo/prefetch.c - see repo/prefetch.h.
 *
 * A file has its final name only when it is whole, so a call need not look into it; what it checks is the size, which a
 * server takes for fatal where it is wrong. Locks are those of open file descriptions: asking whether one is held takes
 * none, so that a question never keeps a helper from starting.
 *
 * The tag is FNV-1a over 64 bits: it has to tell apart the few recoveries of one host, not to withstand anyone; who can
 * write here is we ourselves.
 */
#include "repo/prefetch.h"

#include "base/clock.h"
#include "base/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_ID    "/proc/sys/kernel/random/boot_id"
#define BOOT_TEXT  8
#define GLANCE_US  2000 /* between two looks at a file that grows */
#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * FNV_PRIME;
    return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return mix(hash, text, strlen(text) + 1);
}

/* A directory that was removed and made anew may have its inode again, but not its birth. */
static bool tag_of(const struct prefetch_key *key, uint64_t *tag)
{
    struct statx dir;
    uint64_t identity[5];

    if (statx(AT_FDCWD, key->data_directory, 0, STATX_INO | STATX_BTIME, &dir) != 0)
        return false;
    identity[0] = (uint64_t) dir.stx_dev_major << 32 | dir.stx_dev_minor;
    identity[1] = dir.stx_ino;
    identity[2] = (dir.stx_mask & STATX_BTIME) != 0 ? (uint64_t) dir.stx_btime.tv_sec : 0;
    identity[3] = (dir.stx_mask & STATX_BTIME) != 0 ? dir.stx_btime.tv_nsec : 0;
    identity[4] = (uint64_t) key->segment_bytes << 1 | (key->accept_unencrypted ? 1 : 0);
    *tag = mix_text(mix(FNV_OFFSET, identity, sizeof(identity)), key->line);
    for (size_t i = 0; i < key->place_count; i++)
        *tag = mix_text(*tag, key->places[i]);
    return true;
}

static bool boot_of(char out[BOOT_TEXT + 1])
{
    int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, BOOT_TEXT);

    if (fd >= 0)
        (void) close(fd);
    out[BOOT_TEXT] = '\0';
    return got == BOOT_TEXT && strspn(out, "0123456789abcdef") == BOOT_TEXT;
}

static void open_directory(struct prefetch *w)
{
    w->fd = open(w->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool prefetch_open(const struct spool *s, const struct prefetch_key *key, struct prefetch *out)
{
    struct prefetch w = PREFETCH_NONE;
    char boot[BOOT_TEXT + 1];
    uint64_t tag;

    *out = w;
    if (s == NULL || spool_dir(s) == NULL || !boot_of(boot) || !tag_of(key, &tag) ||
        snprintf(w.path, sizeof(w.path), "%s/" PREFETCH_PREFIX "%016" PRIx64 "-%s", spool_dir(s), tag,
                 boot) >= (int) sizeof(w.path))
        return false;
    w.repo_count = key->place_count;
    w.segment_bytes = key->segment_bytes;
    open_directory(&w);
    *out = w;
    return true;
}

bool prefetch_make(struct prefetch *w)
{
    if (w->fd >= 0)
        return true;
    if (w->path[0] == '\0' || (mkdir(w->path, 0700) != 0 && errno != EEXIST))
        return false;
    open_directory(w);
    return w->fd >= 0;
}

void prefetch_close(struct prefetch *w)
{
    if (w->lock_fd >= 0)
        (void) close(w->lock_fd);
    if (w->fd >= 0)
        (void) close(w->fd);
    w->fd = w->lock_fd = -1;
}

/* ---- where recovery stands ------------------------------------------------------------------------------------- */

bool prefetch_read_note(const struct prefetch *w, struct prefetch_note *out)
{
    char text[PREFETCH_NOTE_TEXT + 1];
    int fd = w->fd < 0 ? -1 : openat(w->fd, PREFETCH_NOTE_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return false;
    got = read(fd, text, sizeof(text));
    (void) close(fd);
    return got >= 0 && prefetch_note_parse(text, (size_t) got, out);
}

/* Always of one length and in one write: a reader sees the old one or the new one, and the CRC tells if it does not. */
bool prefetch_write_note(const struct prefetch *w, const struct prefetch_note *n)
{
    char text[PREFETCH_NOTE_TEXT + 1];
    int fd =
        w->fd < 0 ? -1 : openat(w->fd, PREFETCH_NOTE_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool is_written;

    if (fd < 0)
        return false;
    prefetch_note_format(n, text);
    is_written = write(fd, text, PREFETCH_NOTE_TEXT) == PREFETCH_NOTE_TEXT;
    if (!is_written)
        (void) unlinkat(w->fd, PREFETCH_NOTE_FILE, 0);
    (void) close(fd);
    return is_written;
}

/* ---- taking ---------------------------------------------------------------------------------------------------- */

void prefetch_whole_name(const struct walfile *f, size_t repo, char out[PREFETCH_NAME_MAX])
{
    char name[WALFILE_NAME_MAX];

    walfile_format(f, name);
    (void) snprintf(out, PREFETCH_NAME_MAX, "%.24s.%02u", name, (unsigned) (repo % 100));
}

void prefetch_part_name(const struct walfile *f, char out[PREFETCH_NAME_MAX])
{
    char name[WALFILE_NAME_MAX];

    walfile_format(f, name);
    (void) snprintf(out, PREFETCH_NAME_MAX, "%.24s.part", name);
}

static bool is_whole(const struct prefetch *w, const char *name)
{
    struct stat st;

    return fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_size == (off_t) w->segment_bytes;
}

static bool copy_all(int from, int to, uint32_t bytes)
{
    for (size_t left = bytes; left > 0;) {
        ssize_t moved = sendfile(to, from, NULL, left);

        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return false;
        left -= (size_t) moved;
    }
    return true;
}

static bool copy_out(const struct prefetch *w, const char *name, const char *dest)
{
    CLEANUP(durable_discard) struct durable out = DURABLE_NONE;
    struct err ignored = ERR_NONE;
    int fd = openat(w->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool is_out = fd >= 0 && durable_open(&out, dest, 0600, &ignored) == ERR_OK &&
                  copy_all(fd, out.fd, w->segment_bytes) && durable_commit_quick(&out, &ignored) == ERR_OK;

    if (fd >= 0)
        (void) close(fd);
    if (is_out)
        (void) unlinkat(w->fd, name, 0);
    return is_out;
}

bool prefetch_take(const struct prefetch *w, const struct walfile *f, const char *dest, size_t *from)
{
    char name[PREFETCH_NAME_MAX];

    for (size_t repo = 0; w->fd >= 0 && repo < w->repo_count; repo++) {
        prefetch_whole_name(f, repo, name);
        if (!is_whole(w, name))
            continue;
        if (renameat(w->fd, name, AT_FDCWD, dest) == 0 || (errno == EXDEV && copy_out(w, name, dest))) {
            *from = repo;
            return true;
        }
    }
    return false;
}

/* ---- the helper, seen from outside ----------------------------------------------------------------------------- */

static int64_t time_us(const struct timespec *t)
{
    return (int64_t) t->tv_sec * 1000000 + t->tv_nsec / 1000;
}

/* By the wall clock, as files have it. A clock that was set makes it look old for a moment, which costs nothing. */
static bool is_recent(const struct timespec *when, int64_t limit_us)
{
    int64_t age_us = clock_now_us(&clock_system) - time_us(when);

    return age_us > -limit_us && age_us < limit_us;
}

/* Its lock is held; *pulse, unless NULL: is it at work, too? */
static bool look_at_helper(const struct prefetch *w, bool *pulse)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = w->fd < 0 ? -1 : openat(w->fd, PREFETCH_LOCK_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    bool is_held;

    if (fd < 0)
        return false;
    is_held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (pulse != NULL)
        *pulse = is_held && fstat(fd, &st) == 0 && is_recent(&st.st_mtim, PREFETCH_PATIENCE_US);
    (void) close(fd);
    return is_held;
}

bool prefetch_has_helper(const struct prefetch *w)
{
    return look_at_helper(w, NULL);
}

bool prefetch_is_off(const struct prefetch *w)
{
    struct stat st;

    return w->fd >= 0 && fstatat(w->fd, PREFETCH_OFF_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           is_recent(&st.st_ctim, PREFETCH_OFF_US);
}

static bool is_there(const struct prefetch *w, const struct walfile *f)
{
    char name[PREFETCH_NAME_MAX];

    for (size_t repo = 0; repo < w->repo_count; repo++) {
        prefetch_whole_name(f, repo, name);
        if (is_whole(w, name))
            return true;
    }
    return false;
}

bool prefetch_await(const struct prefetch *w, const struct walfile *f)
{
    const struct clock *clock = &clock_system;
    int64_t grown_us = clock_mono_us(clock);
    char part[PREFETCH_NAME_MAX];
    off_t size = -1;
    struct stat st;
    bool pulse;

    prefetch_part_name(f, part);
    while (w->fd >= 0 && fstatat(w->fd, part, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (st.st_size != size)
            grown_us = clock_mono_us(clock);
        size = st.st_size;
        if (!look_at_helper(w, &pulse) || !pulse || clock_mono_us(clock) - grown_us > PREFETCH_PATIENCE_US)
            return false;
        clock_sleep_us(clock, GLANCE_US);
    }
    return w->fd >= 0 && is_there(w, f);
}
