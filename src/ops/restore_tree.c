/*
 * ops/restore_tree.c - see ops/restore_tree.h.
 */
#include "ops/restore_tree.h"

#include "base/durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as Linux follows */

static enum err_code absolute(const char *path, char **out, struct err *e)
{
    char cwd[TREE_PATH_MAX];
    size_t len;

    if (path[0] == '/') {
        *out = strdup(path);
    } else {
        if (getcwd(cwd, sizeof(cwd)) == NULL)
            return err_sys(e, ERR_IO, errno, "could not get the working directory");
        if (asprintf(out, "%s/%s", cwd, path) < 0)
            *out = NULL;
    }
    if (*out == NULL)
        return err_nomem(e, "a path");
    for (len = strlen(*out); len > 1 && (*out)[len - 1] == '/'; len--)
        (*out)[len - 1] = '\0';
    return ERR_OK;
}

/* Absent, or a directory with nothing in it. */
static enum err_code check_empty(const char *path, const char *what, struct err *e)
{
    DIR *d = opendir(path);
    const struct dirent *entry;
    enum err_code code = ERR_OK;

    if (d == NULL)
        return errno == ENOENT ? ERR_OK
                               : err_sys(e, errno == ENOTDIR ? ERR_REFUSED : ERR_IO, errno,
                                         "could not open %s directory \"%s\"", what, path);
    while ((errno = 0, entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        code = err_set(e, ERR_REFUSED, "%s directory \"%s\" is not empty", what, path);
        err_hint(e, "A restore never writes over anything. Name another directory, or move this one away.");
        break;
    }
    if (entry == NULL && errno != 0)
        code = err_sys(e, ERR_IO, errno, "could not read %s directory \"%s\"", what, path);
    (void) closedir(d);
    return code;
}

/* Where the mappings put this path; NULL when they do not. */
static const char *mapped(const struct restore_options *o, const char *old_path)
{
    for (size_t i = 0; i < o->tablespace_count; i++)
        if (strcmp(o->tablespaces[i].old_path, old_path) == 0)
            return o->tablespaces[i].new_path;
    return NULL;
}

static enum err_code check_mappings(const struct backup_info *b, const struct restore_options *o,
                                    struct err *e)
{
    for (size_t i = 0; i < o->tablespace_count; i++) {
        bool known = false;

        for (size_t k = 0; k < b->tablespace_count && !known; k++)
            known = strcmp(o->tablespaces[i].old_path, b->tablespaces[k].path) == 0;
        if (!known) {
            err_set(e, ERR_USAGE, "option --tablespace: backup \"%s\" has no tablespace at \"%s\"", b->id,
                    o->tablespaces[i].old_path);
            return err_hint(
                e, "It is written OLD=NEW, where OLD is the directory on the server that was backed up; "
                   "\"pitr plan\" shows them.");
        }
    }
    return ERR_OK;
}

static enum err_code place_tablespace(struct tree_tablespace *to, const struct backup_tablespace *t,
                                      const struct restore_options *o, struct err *e)
{
    const char *map = mapped(o, t->path);
    char below[TREE_PATH_MAX];
    enum err_code code;

    to->oid = t->oid;
    if (t->path[0] != '/')
        return ERR_OK; /* in place: a directory of the data directory itself */
    if (map == NULL && o->tablespace_root != NULL) {
        if (snprintf(below, sizeof(below), "%s/%" PRIu32, o->tablespace_root, t->oid) >= (int) sizeof(below))
            return err_set(e, ERR_USAGE, "directory name \"%.64s…\" is too long", o->tablespace_root);
        map = below;
    }
    if (absolute(map != NULL ? map : t->path, &to->directory, e) != ERR_OK)
        return e->code;
    code = check_empty(to->directory, "tablespace", e);
    if (code == ERR_REFUSED)
        err_hint(e,
                 "On the server that was backed up this is its own tablespace. Put the copy elsewhere with "
                 "--tablespace %s=NEW or --tablespace-root DIR.",
                 t->path);
    return code;
}

/* One name more behind `done`; when it is a link, its target comes in front of `rest` instead. False: no end to it. */
static bool enter(char *done, char *rest, const char *name, unsigned *links)
{
    char step[TREE_PATH_MAX], target[TREE_PATH_MAX], onward[TREE_PATH_MAX];
    ssize_t len;

    if (snprintf(step, sizeof(step), "%s/%s", done, name) >= (int) sizeof(step))
        return false;
    len = readlink(step, target, sizeof(target) - 1);
    if (len < 0) {
        memcpy(done, step, strlen(step) + 1);
        return true;
    }
    target[len] = '\0';
    if (target[0] == '/')
        done[0] = '\0';
    if (++*links > LINKS_MAX ||
        snprintf(onward, sizeof(onward), "%s/%s", target, rest) >= (int) sizeof(onward))
        return false;
    memcpy(rest, onward, strlen(onward) + 1);
    return true;
}

/* Take the first name off `rest`. `done` has no links in it, so ".." is the name before. */
static bool resolve_name(char *done, char *rest, unsigned *links)
{
    char name[TREE_PATH_MAX];
    size_t len = strcspn(rest, "/");
    const char *behind = rest + len + (rest[len] == '/');

    memcpy(name, rest, len);
    name[len] = '\0';
    memmove(rest, behind, strlen(behind) + 1);
    if (len == 0 || strcmp(name, ".") == 0)
        return true;
    if (strcmp(name, "..") != 0)
        return enter(done, rest, name, links);
    if (done[0] != '\0')
        *strrchr(done, '/') = '\0';
    return true;
}

/*
 * Where an absolute path leads, "" for the root; out: TREE_PATH_MAX bytes. Not realpath(3): what is missing is still
 * to be made, and a link to it leads there then.
 */
static enum err_code resolve(const char *path, char *out, struct err *e)
{
    char rest[TREE_PATH_MAX];
    unsigned links = 0;
    bool good = snprintf(rest, sizeof(rest), "%s", path) < (int) sizeof(rest);

    out[0] = '\0';
    while (good && rest[0] != '\0')
        good = resolve_name(out, rest, &links);
    return good ? ERR_OK : err_set(e, ERR_USAGE, "could not follow the links of directory \"%.256s\"", path);
}

static bool is_inside(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* By where they lead, links followed: what is written into one must not appear in the other. */
static enum err_code check_pair(const char *tablespace, const char *what, const char *other, struct err *e)
{
    char one[TREE_PATH_MAX], two[TREE_PATH_MAX];

    if (resolve(tablespace, one, e) != ERR_OK || resolve(other, two, e) != ERR_OK)
        return e->code;
    if (!is_inside(one, two) && !is_inside(two, one))
        return ERR_OK;
    err_set(e, ERR_USAGE, "tablespace directory \"%s\" and %s directory \"%s\" lie one inside the other",
            tablespace, what, other);
    if (strcmp(one, tablespace) != 0 || strcmp(two, other) != 0)
        err_hint(e, "They lead to \"%s\" and \"%s\".", one, two);
    return e->code;
}

static enum err_code check_apart(const struct restore_tree *t, struct err *e)
{
    for (size_t i = 0; i < t->tablespace_count; i++) {
        const char *one = t->tablespaces[i].directory;

        if (one == NULL)
            continue;
        if (check_pair(one, "data", t->pgdata, e) != ERR_OK)
            return e->code;
        for (size_t k = 0; k < i; k++)
            if (t->tablespaces[k].directory != NULL &&
                check_pair(one, "tablespace", t->tablespaces[k].directory, e) != ERR_OK)
                return e->code;
    }
    return ERR_OK;
}

enum err_code restore_tree_init(struct restore_tree *t, const struct backup_info *backup,
                                const struct restore_options *o, struct err *e)
{
    *t = (struct restore_tree){0};
    if (check_mappings(backup, o, e) != ERR_OK || absolute(o->pgdata, &t->pgdata, e) != ERR_OK ||
        check_empty(t->pgdata, "data", e) != ERR_OK)
        return e->code;
    t->tablespaces = calloc(backup->tablespace_count + 1, sizeof(*t->tablespaces));
    if (t->tablespaces == NULL)
        return err_nomem(e, "a list of tablespaces");
    t->tablespace_count = backup->tablespace_count; /* a place half settled is released too */
    for (size_t i = 0; i < t->tablespace_count; i++)
        if (place_tablespace(&t->tablespaces[i], &backup->tablespaces[i], o, e) != ERR_OK)
            return e->code;
    return check_apart(t, e);
}

void restore_tree_clear(struct restore_tree *t)
{
    for (size_t i = 0; i < t->tablespace_count; i++)
        free(t->tablespaces[i].directory);
    free(t->tablespaces);
    free(t->pgdata);
    *t = (struct restore_tree){0};
}

static enum err_code make_private(const char *path, struct err *e)
{
    if (durable_mkdirs(path, 0700, true, e) != ERR_OK)
        return e->code;
    return chmod(path, 0700) == 0 ? ERR_OK
                                  : err_sys(e, ERR_IO, errno, "could not set permissions of \"%s\"", path);
}

enum err_code restore_tree_create(const struct restore_tree *t, struct err *e)
{
    if (make_private(t->pgdata, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < t->tablespace_count; i++)
        if (t->tablespaces[i].directory != NULL && make_private(t->tablespaces[i].directory, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* The tablespace that a path "pg_tblspc/<oid>" or "pg_tblspc/<oid>/…" belongs to; *rest is what follows the oid. */
static const struct tree_tablespace *tablespace_of(const struct restore_tree *t, const char *path,
                                                   const char **rest)
{
    static const char front[] = "pg_tblspc/";
    char *end;
    unsigned long oid;

    if (strncmp(path, front, strlen(front)) != 0)
        return NULL;
    oid = strtoul(path + strlen(front), &end, 10);
    for (size_t i = 0; i < t->tablespace_count; i++)
        if (t->tablespaces[i].oid == oid && t->tablespaces[i].directory != NULL &&
            (*end == '/' || *end == '\0')) {
            *rest = end;
            return &t->tablespaces[i];
        }
    return NULL;
}

enum err_code restore_tree_path(const struct restore_tree *t, const char *path, char *out, struct err *e)
{
    const char *rest = "";
    const struct tree_tablespace *ts = tablespace_of(t, path, &rest);
    int len;

    if (strcmp(path, TREE_CONTROL) == 0)
        path = TREE_CONTROL_PENDING;
    if (ts != NULL && rest[0] == '/')
        len = snprintf(out, TREE_PATH_MAX, "%s%s", ts->directory, rest);
    else
        len = snprintf(out, TREE_PATH_MAX, "%s/%s", t->pgdata, path);
    return len < TREE_PATH_MAX ? ERR_OK : err_set(e, ERR_CORRUPT, "path \"%.64s…\" is too long", path);
}

const char *restore_tree_link(const struct restore_tree *t, const char *path)
{
    const char *rest = "";
    const struct tree_tablespace *ts = tablespace_of(t, path, &rest);

    return ts != NULL && rest[0] == '\0' ? ts->directory : NULL;
}

enum err_code restore_tree_finish(const struct restore_tree *t, mode_t mode, struct err *e)
{
    char pending[TREE_PATH_MAX], control[TREE_PATH_MAX], global[TREE_PATH_MAX];

    if (chmod(t->pgdata, mode) != 0)
        return err_sys(e, ERR_IO, errno, "could not set permissions of \"%s\"", t->pgdata);
    (void) snprintf(pending, sizeof(pending), "%s/%s", t->pgdata, TREE_CONTROL_PENDING);
    (void) snprintf(control, sizeof(control), "%s/%s", t->pgdata, TREE_CONTROL);
    (void) snprintf(global, sizeof(global), "%s/global", t->pgdata);
    if (rename(pending, control) != 0)
        return err_sys(e, ERR_IO, errno, "could not rename \"%s\"", pending);
    return durable_sync_dir(global, e);
}
