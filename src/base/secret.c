/*
 * base/secret.c - see base/secret.h.
 *
 * Room for the whole secret is made before it is read, so that no realloc leaves a copy behind in freed memory;
 * what a failed read had brought in is wiped. Core dumps and swap are beyond this file.
 */
#include "base/secret.h"

#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX_BYTES   65536
#define COMMAND_TIMEOUT_MS 10000

void secret_wipe(void *bytes, size_t len)
{
    explicit_bzero(bytes, len);
}

void secret_clear(struct buf *b)
{
    if (b == NULL)
        return;
    if (b->data != NULL)
        secret_wipe(b->data, b->cap);
    buf_clear(b);
}

static void close_fdp(int *fd)
{
    if (*fd >= 0)
        (void) close(*fd);
}

/* The most that a secret may be here. */
static size_t room_for_secret(const struct buf *out)
{
    size_t room = out->max - out->len;

    return room < SECRET_MAX_BYTES ? room : SECRET_MAX_BYTES;
}

/* Back to the first `keep` bytes; what had come behind them is wiped. */
static void forget(struct buf *out, size_t keep)
{
    if (out->data != NULL && out->cap > keep)
        secret_wipe(out->data + keep, out->cap - keep);
    out->len = keep;
}

static void cut_newline(struct buf *out, size_t before)
{
    if (out->len > before && out->data[out->len - 1] == '\n')
        out->len--;
}

static enum err_code check_private(int fd, const char *path, const char *what, struct err *e)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return err_sys(e, ERR_IO, errno, "could not stat file \"%s\" of \"%s\"", path, what);
    if (!S_ISREG(info.st_mode))
        return err_set(e, ERR_USAGE, "file \"%s\" of \"%s\" is not a regular file", path, what);
    if (info.st_uid != geteuid() && info.st_uid != 0) {
        err_set(e, ERR_USAGE, "file \"%s\" of \"%s\" belongs to another user", path, what);
        return err_hint(e, "It must belong to the user who runs this program, or to root.");
    }
    if ((info.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)) != 0) {
        err_set(e, ERR_USAGE, "file \"%s\" of \"%s\" has group or world access", path, what);
        return err_hint(e, "Set its permissions to 0600: chmod 600 \"%s\".", path);
    }
    return ERR_OK;
}

static enum err_code read_to_end(int fd, const char *path, const char *what, struct buf *out, struct err *e)
{
    size_t limit = out->len + room_for_secret(out);

    for (;;) {
        uint8_t probe;
        size_t room = limit - out->len;
        ssize_t got = room > 0 ? read(fd, out->data + out->len, room) : read(fd, &probe, 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(e, ERR_IO, errno, "could not read file \"%s\" of \"%s\"", path, what);
        if (got == 0)
            return ERR_OK;
        if (room == 0)
            return err_set(e, ERR_USAGE, "file \"%s\" of \"%s\" is too long for a secret", path, what);
        out->len += (size_t) got;
    }
}

enum err_code secret_read_file(const char *path, const char *what, struct buf *out, struct err *e)
{
    size_t before = out->len;
    /* O_NONBLOCK: a FIFO is refused below instead of being waited for. */
    CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return err_sys(e, errno == ENOENT || errno == EACCES ? ERR_USAGE : ERR_IO, errno,
                       "could not open file \"%s\" of \"%s\"", path, what);
    if (check_private(fd, path, what, e) != ERR_OK || buf_reserve(out, room_for_secret(out), e) != ERR_OK)
        return e->code;
    if (read_to_end(fd, path, what, out, e) != ERR_OK) {
        forget(out, before);
        return e->code;
    }
    cut_newline(out, before);
    return ERR_OK;
}

enum err_code secret_read_command(const char *command, const char *what, struct buf *out, struct err *e)
{
    size_t before = out->len, max = out->max;
    enum err_code code;

    if (buf_reserve(out, room_for_secret(out), e) != ERR_OK)
        return e->code;
    out->max = before + room_for_secret(out);
    code = proc_capture(command, what, COMMAND_TIMEOUT_MS, out, e);
    out->max = max;
    if (code != ERR_OK) {
        forget(out, before);
        return e->code;
    }
    cut_newline(out, before);
    return ERR_OK;
}
