/*
 * repo/ahead.c - see repo/ahead.h.
 */
#include "repo/ahead.h"

#include "base/clock.h"
#include "base/durable.h"
#include "base/log.h"
#include "codec/crc32c.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NOTE_MAX  16384
#define PATH_SIZE 4096
#define LOCK_NAME "lock" /* no file of pg_wal's */
#define CRC_TEXT  9      /* eight digits and a blank */

static void freep(char **text)
{
    free(*text);
}

static bool directory(const struct spool *s, char out[PATH_SIZE])
{
    return spool_dir(s) != NULL && snprintf(out, PATH_SIZE, "%s/ahead", spool_dir(s)) < PATH_SIZE;
}

static bool path_of(const struct spool *s, const char *name, char out[PATH_SIZE])
{
    return spool_dir(s) != NULL && snprintf(out, PATH_SIZE, "%s/ahead/%s", spool_dir(s), name) < PATH_SIZE;
}

static int64_t now_seconds(void)
{
    return clock_now_us(&clock_system) / 1000000;
}

static json_int_t nanoseconds(const struct timespec *t)
{
    return (json_int_t) t->tv_sec * 1000000000 + t->tv_nsec;
}

void ahead_places(const char *const *places, size_t count, char out[AHEAD_PLACES_MAX])
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(out + used, AHEAD_PLACES_MAX - used, "%s\n", places[i]);

        if (len < 0 || (size_t) len >= AHEAD_PLACES_MAX - used) {
            out[0] = '\0';
            return;
        }
        used += (size_t) len;
    }
}

/* ---- writing ---- */

static json_t *to_json(const char *places, const struct stat *file, const struct ahead_note *note)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct err ignored = ERR_NONE;
    char crossing[WAL_CROSSING_TEXT_MAX];
    json_t *made;

    if (note->has_facts && wal_facts_write(&note->facts, &d, &ignored) != ERR_OK)
        return NULL;
    made = json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "line", note->line, "places", places,
                     "beyond", note->is_beyond, "device", (json_int_t) file->st_dev, "inode",
                     (json_int_t) file->st_ino, "size", (json_int_t) file->st_size, "modified_ns",
                     nanoseconds(&file->st_mtim), "changed_ns", nanoseconds(&file->st_ctim), "noted",
                     (json_int_t) now_seconds());
    wal_crossing_format(&note->facts.crossing, crossing);
    if (made != NULL && note->has_facts &&
        (json_object_update(made, d.facts) != 0 ||
         json_object_set_new(made, "crossing", json_string(crossing)) != 0)) {
        json_decref(made);
        made = NULL;
    }
    return made;
}

static enum err_code write_text(const struct spool *s, const char *name, const char *text, struct err *e)
{
    CLEANUP(durable_discard) struct durable file = DURABLE_NONE;
    char dir[PATH_SIZE], path[PATH_SIZE], crc[CRC_TEXT + 1];

    if (!directory(s, dir) || !path_of(s, name, path))
        return err_set(e, ERR_IO, "there is no spool");
    (void) snprintf(crc, sizeof(crc), "%08" PRIx32 " ", crc32c(0, text, strlen(text)));
    if (durable_mkdirs(dir, 0700, false, e) != ERR_OK || durable_open(&file, path, 0600, e) != ERR_OK ||
        durable_write_all(file.fd, crc, CRC_TEXT, path, e) != ERR_OK ||
        durable_write_all(file.fd, text, strlen(text), path, e) != ERR_OK)
        return e->code;
    return durable_commit_quick(&file, e);
}

bool ahead_write(const struct spool *s, const char *name, const char *places, const struct stat *file,
                 const struct ahead_note *note)
{
    json_auto_t *json = to_json(places, file, note);
    CLEANUP(freep) char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    struct err why = ERR_NONE;

    if (text == NULL || places[0] == '\0')
        return false;
    if (write_text(s, name, text, &why) == ERR_OK)
        return true;
    log_debug("%s, ignoring", why.text);
    return false;
}

/* ---- reading ---- */

static bool is_of_now(json_int_t noted)
{
    int64_t now = now_seconds();

    return noted <= now && now - noted < AHEAD_TRUST_SECONDS;
}

static bool is_of_file(json_t *json, const struct stat *file)
{
    json_int_t device, inode, size, modified, changed;

    return json_unpack(json, "{s:I, s:I, s:I, s:I, s:I}", "device", &device, "inode", &inode, "size", &size,
                       "modified_ns", &modified, "changed_ns", &changed) == 0 &&
           device == (json_int_t) file->st_dev && inode == (json_int_t) file->st_ino &&
           size == file->st_size && modified == nanoseconds(&file->st_mtim) &&
           changed == nanoseconds(&file->st_ctim);
}

/* What a segment's note tells besides: for another file there is nothing to be read. */
static bool read_facts(json_t *json, struct ahead_note *note)
{
    struct descriptor d = {.facts = json};
    struct err ignored = ERR_NONE;
    const char *crossing;

    note->has_facts = json_object_get(json, "wal") != NULL;
    return !note->has_facts || (wal_facts_read(&d, &note->facts, &ignored) == ERR_OK &&
                                json_unpack(json, "{s:s}", "crossing", &crossing) == 0 &&
                                wal_crossing_parse(crossing, &note->facts.crossing));
}

static bool from_json(json_t *json, const char *places, const struct stat *file, struct ahead_note *out)
{
    struct ahead_note note = {.has_facts = false};
    const char *line, *of_places;
    json_int_t noted;
    int is_beyond;
    uint64_t identifier;
    struct err ignored = ERR_NONE;

    if (json_unpack(json, "{s:s, s:s, s:b, s:I}", "line", &line, "places", &of_places, "beyond", &is_beyond,
                    "noted", &noted) != 0 ||
        strcmp(of_places, places) != 0 || places[0] == '\0' || !is_of_now(noted) || !is_of_file(json, file) ||
        line_parse(line, &identifier, &ignored) != ERR_OK || !read_facts(json, &note))
        return false;
    line_format(identifier, note.line);
    note.is_beyond = is_beyond != 0;
    *out = note;
    return true;
}

static bool read_note(const char *path, const char *places, const struct stat *file, struct ahead_note *out)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(NOTE_MAX);
    json_auto_t *json = NULL;
    struct err ignored = ERR_NONE;
    const char *body;
    char crc[CRC_TEXT + 1];

    if (buf_read_file(&text, path, &ignored) != ERR_OK || text.len <= CRC_TEXT)
        return false;
    body = buf_cstr(&text) + CRC_TEXT;
    (void) snprintf(crc, sizeof(crc), "%08" PRIx32 " ", crc32c(0, body, text.len - CRC_TEXT));
    if (memcmp(crc, text.data, CRC_TEXT) != 0)
        return false;
    json = json_loadb(body, text.len - CRC_TEXT, JSON_REJECT_DUPLICATES, NULL);
    return json != NULL && from_json(json, places, file, out);
}

bool ahead_read(const struct spool *s, const char *name, const char *places, const struct stat *file,
                struct ahead_note *out)
{
    char path[PATH_SIZE];

    return path_of(s, name, path) && read_note(path, places, file, out);
}

bool ahead_take(const struct spool *s, const char *name, const char *places, const struct stat *file,
                struct ahead_note *out)
{
    char path[PATH_SIZE];
    bool fits;

    if (!path_of(s, name, path))
        return false;
    fits = read_note(path, places, file, out);
    (void) unlink(path);
    return fits;
}

/* ---- the lock, and sweeping ---- */

static void closedirp(DIR **dir)
{
    if (*dir != NULL)
        (void) closedir(*dir);
}

/* Notes older than that, temporary files too; 0: all. */
static void sweep(const char *path, int64_t seconds)
{
    CLEANUP(closedirp) DIR *dir = opendir(path);
    const struct dirent *entry;
    int64_t now = now_seconds();

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat st;

        if (strcmp(entry->d_name, LOCK_NAME) != 0 &&
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            (st.st_mtim.tv_sec > now || now - st.st_mtim.tv_sec >= seconds))
            (void) unlinkat(dirfd(dir), entry->d_name, 0);
    }
}

void ahead_forget(const struct spool *s)
{
    char dir[PATH_SIZE];

    if (directory(s, dir))
        sweep(dir, 0);
}

static bool has_room(const char *dir)
{
    struct statvfs disk;

    return statvfs(dir, &disk) == 0 && (uint64_t) disk.f_bavail * disk.f_frsize >= AHEAD_SPARE_BYTES;
}

int ahead_lock(const struct spool *s)
{
    char dir[PATH_SIZE], path[PATH_SIZE];
    struct err ignored = ERR_NONE;
    int fd;

    if (!directory(s, dir) || !path_of(s, LOCK_NAME, path) ||
        durable_mkdirs(dir, 0700, false, &ignored) != ERR_OK || !has_room(dir))
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        sweep(dir, AHEAD_TRUST_SECONDS);
        return fd;
    }
    if (fd >= 0)
        (void) close(fd);
    return -1;
}
