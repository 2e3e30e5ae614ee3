/*
 * cli/config.h - the configuration file: INI with sections [cluster NAME] and [repo NAME].
 *
 * Read by inih. A ';' or '#' at the beginning of a line or behind white space begins a comment. Whatever is not
 * understood is an error that names file and line: unknown sections and keys, values out of range, anything twice.
 * Indented lines are lines like all others, not continuations.
 */
#pragma once
#include "base/err.h"
#include "cli/setting.h"
#include <stdbool.h>
#include <stddef.h>

#define CONFIG_NAME_MAX 64 /* of a cluster or repository, with NUL */

struct config_section {
    enum option_section kind;
    char name[CONFIG_NAME_MAX];
    unsigned line; /* of its heading */
    struct settings settings;
};

struct config {
    char *path;                       /* absolute; NULL when no file is in use */
    struct config_section **sections; /* in order of the file; owned */
    size_t count;
};

/*
 * Read the file. required: a missing one is ERR_USAGE, else it is an empty configuration with path NULL. A file that
 * is there and can't be read is ERR_USAGE in any case. Cleared by the caller in any case.
 */
enum err_code config_read(const char *path, bool required, struct config *out, struct err *e);

/* The same from a text; path is what messages call it. */
enum err_code config_parse(const char *text, const char *path, struct config *out, struct err *e);
void config_clear(struct config *c);

/* The section of this kind and name, or NULL. */
const struct config_section *config_at(const struct config *c, enum option_section kind, const char *name);

/* How many sections of this kind there are. */
size_t config_count(const struct config *c, enum option_section kind);
