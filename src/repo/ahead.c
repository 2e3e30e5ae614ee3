/*
 * repo/ahead.c - see repo/ahead.h.
 */
#include "repo/ahead.h"

#include "base/clock.h"
#include "base/durable.h"
#include "base/hex.h"
#include "base/log.h"
#include "codec/crc32c.h"
#include "codec/sha256.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE_MAX  8192
#define PATH_SIZE 4096
#define CRC_TEXT  9 /* eight digits and a blank */

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
    CLEANUP(buf_clear) struct buf all = BUF_INIT((size_t) 1 << 20);
    uint8_t digest[SHA256_BYTES];
    struct err ignored = ERR_NONE;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        if (buf_append(&all, places[i], strlen(places[i]) + 1, &ignored) != ERR_OK)
            return;
    if (sha256(all.data, all.len, digest, &ignored) == ERR_OK)
        hex_format(digest, SHA256_BYTES, out);
}

/* ---- writing ---- */

static json_t *to_json(const char *places, const struct stat *file, const struct ahead_note *note)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct err ignored = ERR_NONE;
    json_t *made;

    if (note->has_facts && wal_facts_write(&note->facts, &d, &ignored) != ERR_OK)
        return NULL;
    made = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "line", note->line, "places", places,
                     "device", (json_int_t) file->st_dev, "inode", (json_int_t) file->st_ino, "size",
                     (json_int_t) file->st_size, "modified_ns", nanoseconds(&file->st_mtim), "changed_ns",
                     nanoseconds(&file->st_ctim), "noted", (json_int_t) now_seconds());
    if (made != NULL && note->has_facts && json_object_update(made, d.facts) != 0) {
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
        return ERR_OK;
    (void) snprintf(crc, sizeof(crc), "%08" PRIx32 " ", crc32c(0, text, strlen(text)));
    if (durable_mkdirs(dir, 0700, false, e) != ERR_OK || durable_open(&file, path, 0600, e) != ERR_OK ||
        durable_write_all(file.fd, crc, CRC_TEXT, path, e) != ERR_OK ||
        durable_write_all(file.fd, text, strlen(text), path, e) != ERR_OK)
        return e->code;
    return durable_commit_quick(&file, e);
}

void ahead_write(const struct spool *s, const char *name, const char *places, const struct stat *file,
                 const struct ahead_note *note)
{
    json_auto_t *json = to_json(places, file, note);
    CLEANUP(freep) char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    struct err why = ERR_NONE;

    if (text == NULL || places[0] == '\0')
        return;
    if (write_text(s, name, text, &why) != ERR_OK)
        log_debug("%s, ignoring", why.text);
}

/* ---- reading ---- */

static bool is_of_now(json_int_t noted)
{
    int64_t now = now_seconds();

    return noted <= now && now - noted < SPOOL_TRUST_SECONDS;
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

static bool from_json(json_t *json, const char *places, const struct stat *file, struct ahead_note *out)
{
    struct descriptor d = {.facts = json};
    struct ahead_note note = {.has_facts = json_object_get(json, "wal") != NULL};
    const char *line, *of_places;
    json_int_t noted;
    uint64_t identifier;
    struct err ignored = ERR_NONE;

    if (json_unpack(json, "{s:s, s:s, s:I}", "line", &line, "places", &of_places, "noted", &noted) != 0 ||
        strcmp(of_places, places) != 0 || places[0] == '\0' || !is_of_now(noted) || !is_of_file(json, file) ||
        line_parse(line, &identifier, &ignored) != ERR_OK ||
        (note.has_facts && wal_facts_read(&d, &note.facts, &ignored) != ERR_OK))
        return false;
    line_format(identifier, note.line);
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

bool ahead_has(const struct spool *s, const char *name, const char *places, const struct stat *file)
{
    struct ahead_note ignored;
    char path[PATH_SIZE];

    return path_of(s, name, path) && read_note(path, places, file, &ignored);
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

/* ---- sweeping ---- */

static void closedirp(DIR **dir)
{
    if (*dir != NULL)
        (void) closedir(*dir);
}

void ahead_sweep(const struct spool *s)
{
    char path[PATH_SIZE];
    CLEANUP(closedirp) DIR *dir = directory(s, path) ? opendir(path) : NULL;
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat st;

        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            (st.st_mtim.tv_sec > now_seconds() || now_seconds() - st.st_mtim.tv_sec >= SPOOL_TRUST_SECONDS))
            (void) unlinkat(dirfd(dir), entry->d_name, 0);
    }
}
