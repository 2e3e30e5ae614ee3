/*
 * repo/spool.c - see repo/spool.h.
 *
 * Everything here is a cache: a line that can't be read or written is as if it were not there. What must not happen
 * is that another user's directory is trusted, so the directory is opened without following a link and its owner
 * and mode are checked. Nor must knowledge outlive its truth for long: a repository may be emptied or moved under our
 * feet, and WAL stored below a line without line.json is WAL that fetch will not call complete.
 */
#include "repo/spool.h"

#include "base/clock.h"
#include "base/durable.h"
#include "base/hex.h"
#include "base/log.h"
#include "codec/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAG_BYTES      8
#define TAG_TEXT       (2 * TAG_BYTES + 1)
#define LINES_FILE_MAX (64u << 10)
#define ENTRY_MAX      128

struct spool {
    char *dir; /* <spool>/<cluster>, or NULL */
};

/* False when it can't be computed: then nothing is known of the repository, rather than the same of all. */
static bool tag_format(const char *repo_place, char out[TAG_TEXT])
{
    uint8_t digest[SHA256_BYTES];
    struct err ignored = ERR_NONE;

    if (sha256(repo_place, strlen(repo_place), digest, &ignored) != ERR_OK)
        return false;
    hex_format(digest, TAG_BYTES, out);
    return true;
}

/* Ours, a directory, closed to others. */
static enum err_code check_private(const char *dir, struct err *e)
{
    struct stat st;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) != 0) {
        err_sys(e, ERR_IO, errno, "could not open spool directory \"%s\"", dir);
        if (fd >= 0)
            (void) close(fd);
        return e->code;
    }
    (void) close(fd);
    if (st.st_uid != geteuid())
        return err_set(e, ERR_USAGE, "spool directory \"%s\" belongs to another user", dir);
    if ((st.st_mode & 077) != 0)
        return err_set(e, ERR_USAGE, "spool directory \"%s\" is open to other users", dir);
    return ERR_OK;
}

static enum err_code make_private(const char *dir, struct err *e)
{
    return durable_mkdirs(dir, 0700, false, e) != ERR_OK ? e->code : check_private(dir, e);
}

/* <base>/<cluster>, both private; what stands above base is not looked at. A slash at its end would follow a link. */
static enum err_code prepare(const char *base, const char *cluster, char **out, struct err *e)
{
    char *dir = NULL;
    size_t len = strlen(base);

    while (len > 1 && base[len - 1] == '/')
        len--;
    if (asprintf(&dir, "%.*s/%s", (int) len, base, cluster) < 0)
        return err_nomem(e, "a path");
    dir[len] = '\0';
    if (make_private(dir, e) == ERR_OK) {
        dir[len] = '/';
        if (make_private(dir, e) == ERR_OK) {
            *out = dir;
            return ERR_OK;
        }
    }
    free(dir);
    return e->code;
}

enum err_code spool_none(struct spool **out, struct err *e)
{
    *out = calloc(1, sizeof(**out));
    return *out != NULL ? ERR_OK : err_nomem(e, "a spool");
}

enum err_code spool_open(const char *dir, const char *cluster, struct spool **out, struct err *e)
{
    struct spool *s = calloc(1, sizeof(*s));
    char fallback[64];
    struct err why = ERR_NONE;

    if (s == NULL)
        return err_nomem(e, "a spool");
    (void) snprintf(fallback, sizeof(fallback), "/var/tmp/pitr-%lu", (unsigned long) geteuid());
    if (prepare(dir ? dir : fallback, cluster, &s->dir, &why) != ERR_OK) {
        if (dir != NULL) {
            *e = why;
            free(s);
            return err_hint(e, "The spool must be a directory of the user that runs pitr, with mode 0700.");
        }
        log_debug("%s, going on without a spool", why.text);
    }
    *out = s;
    return ERR_OK;
}

void spool_free(struct spool *s)
{
    if (s == NULL)
        return;
    free(s->dir);
    free(s);
}

const char *spool_dir(const struct spool *s)
{
    return s->dir;
}

static bool read_lines(const struct spool *s, struct buf *out)
{
    char path[4096];
    struct err ignored = ERR_NONE;

    if (s->dir == NULL || snprintf(path, sizeof(path), "%s/lines", s->dir) >= (int) sizeof(path))
        return false;
    return buf_read_file(out, path, &ignored) == ERR_OK;
}

/* When was this entry of the file, "<tag> <LINE> <learnt>", learnt? False when it is not of that form. */
static bool entry_learnt(const char *entry, size_t len, int64_t *learnt)
{
    char text[ENTRY_MAX], tail;

    if (len >= sizeof(text))
        return false;
    memcpy(text, entry, len);
    text[len] = '\0';
    return sscanf(text, "%*16[0-9a-f] %*16[0-9a-f] %" SCNd64 "%c", learnt, &tail) == 1;
}

/* The newest time of an entry that begins with `front`, or -1; the other good entries are copied, unless NULL. */
static enum err_code sift(struct buf *known, const char *front, struct buf *others, int64_t *newest,
                          struct err *e)
{
    const char *at = buf_cstr(known), *end;
    int64_t learnt;

    *newest = -1;
    for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        if (!entry_learnt(at, (size_t) (end - at), &learnt))
            continue;
        if (strncmp(at, front, strlen(front)) == 0)
            *newest = learnt > *newest ? learnt : *newest;
        else if (others != NULL && buf_append(others, at, (size_t) (end - at) + 1, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

static bool front_format(const char *repo_place, const char *line, char out[ENTRY_MAX])
{
    char tag[TAG_TEXT];

    return tag_format(repo_place, tag) && snprintf(out, ENTRY_MAX, "%s %s ", tag, line) < ENTRY_MAX;
}

/* When the line was learnt last, or -1. */
static int64_t line_learnt(const struct spool *s, const char *repo_place, const char *line)
{
    CLEANUP(buf_clear) struct buf known = BUF_INIT(LINES_FILE_MAX);
    struct err ignored = ERR_NONE;
    char front[ENTRY_MAX];
    int64_t newest = -1;

    if (front_format(repo_place, line, front) && read_lines(s, &known))
        (void) sift(&known, front, NULL, &newest, &ignored);
    return newest;
}

static int64_t now_seconds(void)
{
    return clock_now_us(&clock_system) / 1000000;
}

bool spool_knows_line(const struct spool *s, const char *repo_place, const char *line)
{
    int64_t learnt = line_learnt(s, repo_place, line), now = now_seconds();

    return learnt >= 0 && learnt <= now && now - learnt < SPOOL_TRUST_SECONDS;
}

bool spool_knew_line(const struct spool *s, const char *repo_place, const char *line)
{
    return line_learnt(s, repo_place, line) >= 0;
}

void spool_learn_line(struct spool *s, const char *repo_place, const char *line)
{
    CLEANUP(buf_clear) struct buf known = BUF_INIT(LINES_FILE_MAX);
    CLEANUP(buf_clear) struct buf lines = BUF_INIT(LINES_FILE_MAX);
    char front[ENTRY_MAX], path[4096];
    int64_t newest;
    struct err why = ERR_NONE;

    if (s->dir == NULL || snprintf(path, sizeof(path), "%s/lines", s->dir) >= (int) sizeof(path) ||
        !front_format(repo_place, line, front))
        return;
    (void) read_lines(s, &known);
    if (sift(&known, front, &lines, &newest, &why) != ERR_OK) /* full: begin anew */
        buf_reset(&lines);
    if (buf_printf(&lines, &why, "%s%" PRId64 "\n", front, now_seconds()) != ERR_OK ||
        durable_write_file(path, lines.data, lines.len, 0600, &why) != ERR_OK)
        log_debug("%s, ignoring", why.text);
}

/* "<dir>/<cluster>/<what>-<tag>" */
static bool path_of(const struct spool *s, const char *what, const char *repo_place, struct buf *out)
{
    char tag[TAG_TEXT];
    struct err ignored = ERR_NONE;

    return s != NULL && s->dir != NULL && tag_format(repo_place, tag) &&
           buf_printf(out, &ignored, "%s/%s-%s", s->dir, what, tag) == ERR_OK;
}

bool spool_index_path(const struct spool *s, const char *repo_place, struct buf *out)
{
    return path_of(s, "index", repo_place, out);
}

bool spool_run_path(const struct spool *s, const char *repo_place, struct buf *out)
{
    return path_of(s, "run", repo_place, out);
}

bool spool_rate_path(const struct spool *s, const char *name, const char *repo_place, struct buf *out)
{
    return path_of(s, name, repo_place, out);
}
