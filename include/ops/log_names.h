/*
 * ops/log_names.h - what WAL's numbers were called: databases and relations, by the catalogs of backups.
 *
 * The catalog of the newest backup that ended at or before the moment knows all there was then; what came later, the
 * next one behind may know. A relation's file changes when it is rewritten or emptied, so one that neither knows was
 * made, or rewritten, and gone between two backups.
 */
#pragma once
#include "ops/log_source.h"
#include "pg/walevent.h"

#define LOG_NAME_MAX 800

struct log_names;

/* s: borrowed; backups are fetched into it as names are asked for. */
enum err_code log_names_new(struct log_source *s, struct log_names **out, struct err *e);
void log_names_free(struct log_names *n);
void log_names_freep(struct log_names **n);

struct log_relation {
    struct walevent_relation file;
    char kind;                /* pg_class.relkind; 0 = not known, and then there are no names */
    char name[LOG_NAME_MAX];  /* database.schema.relation, as SQL writes it */
    char table[LOG_NAME_MAX]; /* the same of the table that it is a part of: an index, TOAST; "" = of none */
    bool is_implied;          /* that table is in the list itself */
};

/* What an event's numbers were called. */
struct log_named {
    char database[LOG_NAME_MAX]; /* as SQL writes it; "" = not known, or not told */
    struct log_relation relations[WALEVENT_LIST_MAX];
    uint32_t relation_count; /* of those above */
    const char
        *backup; /* one not known came to be after this backup; NULL = no catalog is from before the event */
};

/*
 * Look up an event's numbers; borrowed until the next call. No catalog is no error; one that can't be read is warned
 * of, once, and counts as none.
 */
const struct log_named *log_names_look_up(struct log_names *n, const struct walevent *v);
