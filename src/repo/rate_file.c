/*
 * repo/rate_file.c - see repo/rate_file.h.
 *
 * Overwritten in place: a fetch writes one, and a rename over a file makes ext4 write the new one out at once. What is
 * torn, by a crash or by two that write at once, is none.
 */
#include "repo/rate_file.h"

#include "base/durable.h"
#include "base/log.h"
#include "codec/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CRC_TEXT 8
#define FILE_MAX (RATE_TEXT_MAX + CRC_TEXT + 2)

/* False when the text is too long. */
static bool sign(const char *place, const char *text, char out[FILE_MAX])
{
    int len = snprintf(out, FILE_MAX, "%s ", text);
    uint32_t crc;

    if (len < 0 || len > RATE_TEXT_MAX)
        return false;
    crc = crc32c(crc32c(0, place, strlen(place) + 1), out, (size_t) len);
    (void) snprintf(out + len, (size_t) (FILE_MAX - len), "%08" PRIx32 "\n", crc);
    return true;
}

bool rate_file_read(const struct spool *s, const char *name, const char *place, char text[RATE_TEXT_MAX])
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096);
    CLEANUP(buf_clear) struct buf file = BUF_INIT(FILE_MAX);
    struct err ignored = ERR_NONE;
    char again[FILE_MAX];
    size_t len;

    if (!spool_rate_path(s, name, place, &path) ||
        buf_read_file(&file, buf_cstr(&path), &ignored) != ERR_OK || file.len < CRC_TEXT + 2)
        return false;
    len = file.len - (CRC_TEXT + 2);
    if (len >= RATE_TEXT_MAX || memchr(file.data, '\0', len) != NULL)
        return false;
    memcpy(text, file.data, len);
    text[len] = '\0';
    return sign(place, text, again) && memcmp(again, file.data, file.len) == 0;
}

static enum err_code overwrite(const char *path, const char *bytes, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum err_code code = ERR_OK;

    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "could not open file \"%s\"", path);
    if (durable_write_all(fd, bytes, strlen(bytes), path, e) != ERR_OK)
        code = e->code;
    else if (ftruncate(fd, (off_t) strlen(bytes)) != 0)
        code = err_sys(e, ERR_IO, errno, "could not truncate file \"%s\"", path);
    (void) close(fd);
    return code;
}

void rate_file_write(const struct spool *s, const char *name, const char *place, const char *text)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096);
    char bytes[FILE_MAX];
    struct err why = ERR_NONE;

    if (spool_rate_path(s, name, place, &path) && sign(place, text, bytes) &&
        overwrite(buf_cstr(&path), bytes, &why) != ERR_OK)
        log_debug("%s, ignoring", why.text);
}
