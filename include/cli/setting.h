/*
 * cli/setting.h - values of options: read by the row's type, and knowing where they came from.
 */
#pragma once
#include "base/err.h"
#include "cli/options.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum origin_kind { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_ARGUMENT };

struct origin {
    enum origin_kind kind;
    const char *name; /* file, variable or option; borrowed; NULL for a default */
    unsigned line;    /* of a file */
};

#define ORIGIN_TEXT_MAX 512

/* 'option --jobs', 'environment variable PITR_JOBS', 'file "/etc/pitr/pitr.conf", line 12', 'default'. */
void origin_format(const struct origin *o, char out[ORIGIN_TEXT_MAX]);

struct setting {
    bool is_given;
    struct origin origin;
    char *text;     /* as given (a PATH made absolute); owned                                  */
    int64_t number; /* INT; BOOL and FLAG (count); SIZE, bytes; DURATION, ms; ENUM, position   */
    char **items;   /* LIST, REPEATED; owned                                                   */
    size_t item_count;
};

/* One for each option, whether given or not. */
struct settings {
    struct setting at[OPTION_COUNT];
};

/*
 * Read a value. text: the value, or NULL for a FLAG given as an argument. Refuses with ERR_USAGE and the origin:
 * values that are not of the type or out of range, and a second value for an option that may have one only.
 */
enum err_code settings_give(struct settings *s, enum option_id id, const char *text,
                            const struct origin *origin, struct err *e);

/* Give every option that has a fallback its own. */
enum err_code settings_defaults(struct settings *s, struct err *e);

/*
 * Give every option what its environment variable says; set but empty is not set. lookup: getenv, or a test's.
 */
typedef const char *settings_lookup(const char *variable);
enum err_code settings_environment(struct settings *s, settings_lookup *lookup, struct err *e);

void settings_clear(struct settings *s);

/* Layers of settings, the strongest first; NULL ones are passed over. */
#define SETTINGS_LAYERS_MAX 4
struct settings_layers {
    const struct settings *layer[SETTINGS_LAYERS_MAX];
};

/* The strongest value given, or one with is_given false. Never NULL; borrowed from its layer. */
const struct setting *settings_pick(const struct settings_layers *l, enum option_id id);
const char *settings_text(const struct settings_layers *l, enum option_id id); /* NULL when not given  */
int64_t settings_number(const struct settings_layers *l, enum option_id id);   /* 0 when not given     */

/* Sizes and durations as text, for messages and help: "64KiB", "10min". out: SETTING_NUMBER_MAX bytes. */
#define SETTING_NUMBER_MAX 32
void size_format(int64_t bytes, char out[SETTING_NUMBER_MAX]);
void duration_format(int64_t ms, char out[SETTING_NUMBER_MAX]);
