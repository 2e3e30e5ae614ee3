/*
 * cli/print_log_json.c - see cli/print_log_json.h. docs/CONTRACT.md lists the members.
 */
#include "cli/print_log_json.h"

#include "cli/output.h"

#include <stdlib.h>
#include <string.h>

static const char *type_name(enum walevent_type type)
{
    static const char *const names[] = {
        [WALEVENT_COMMIT] = "commit",
        [WALEVENT_ABORT] = "abort",
        [WALEVENT_PREPARE] = "prepare",
        [WALEVENT_RESTORE_POINT] = "restore_point",
        [WALEVENT_BACKUP_END] = "backup_end",
        [WALEVENT_END_OF_RECOVERY] = "end_of_recovery",
        [WALEVENT_DROP_DATABASE] = "drop_database",
        [WALEVENT_SWITCH] = "switch",
        [WALEVENT_CHECKPOINT] = "checkpoint",
        [WALEVENT_RELATION_CREATE] = "relation_create",
        [WALEVENT_CREATE_DATABASE] = "create_database",
        [WALEVENT_DROP_TABLESPACE] = "drop_tablespace",
        [WALEVENT_IN_PLACE] = "in_place",
        [WALEVENT_RUNNING] = "running",
    };

    return names[type];
}

static const char *did_name(const struct log_entry *entry)
{
    bool is_swap = entry->did == WALDROPS_TRUNCATE || entry->did == WALDROPS_TRUNCATE_OR_REWRITE;

    return is_swap && entry->is_index_only ? "reindex" : waldrops_kind_name(entry->did);
}

static json_t *name_or_null(const char *name)
{
    return name[0] == '\0' ? json_null() : json_text(name);
}

static json_t *relation_to_json(const struct log_relation *r)
{
    return json_pack("{s:I, s:I, s:I, s:o, s:o}", "tablespace_oid", (json_int_t) r->file.tablespace,
                     "database_oid", (json_int_t) r->file.database, "relfilenode",
                     (json_int_t) r->file.relfilenode, "name", name_or_null(r->name), "part_of",
                     name_or_null(r->table));
}

static void set_end(json_t *o, const struct log_entry *entry)
{
    const struct walevent *v = entry->event;
    json_t *relations;

    (void) json_object_set_new(o, "prepared", json_boolean(v->is_prepared));
    (void) json_object_set_new(o, "subtransactions", json_integer(v->subxact_count));
    if (entry->did == WALDROPS_NONE)
        return;
    relations = json_array();
    for (uint32_t i = 0; i < entry->named->relation_count; i++)
        (void) json_array_append_new(relations, relation_to_json(&entry->named->relations[i]));
    (void) json_object_set_new(o, "did", json_string(did_name(entry)));
    (void) json_object_set_new(o, "files", json_integer(v->relation_count));
    (void) json_object_set_new(o, "relations", relations);
    (void) json_object_set_new(o, "unknown_since_backup",
                               entry->named->backup == NULL ? json_null()
                                                            : json_string(entry->named->backup));
}

static void set_own(json_t *o, const struct log_entry *entry)
{
    const struct walevent *v = entry->event;

    if (v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT)
        set_end(o, entry);
    if (v->type == WALEVENT_RESTORE_POINT)
        (void) json_object_set_new(o, "name", json_text(v->name));
    if (v->type == WALEVENT_DROP_DATABASE)
        (void) json_object_set_new(o, "remnant", json_boolean(entry->is_remnant));
    if (v->type == WALEVENT_DROP_TABLESPACE)
        (void) json_object_set_new(o, "tablespace_oid", json_integer(v->tablespace));
    if (v->type == WALEVENT_CHECKPOINT)
        json_set_lsn(o, "redo_lsn", v->redo);
}

json_t *log_entry_to_json(const struct log_entry *entry)
{
    const struct walevent *v = entry->event;
    json_t *o =
        json_pack("{s:s, s:I}", "event", type_name(v->type), "timeline", (json_int_t) entry->timeline);

    json_set_lsn(o, "lsn", v->start);
    json_set_lsn(o, "end_lsn", v->end);
    if (entry->time_us != 0)
        json_set_moment(o, entry->has_own_time ? "event" : "after", entry->time_us);
    if (v->xid != 0)
        (void) json_object_set_new(o, "xid", json_integer(v->xid));
    if (v->database != 0) {
        (void) json_object_set_new(o, "database_oid", json_integer(v->database));
        (void) json_object_set_new(o, "database", name_or_null(entry->named->database));
    }
    set_own(o, entry);
    if (entry->can_undo)
        json_set_lsn(o, "undo_target_lsn_exclusive", entry->undo);
    return o;
}

json_t *log_timeline_to_json(uint32_t timeline, lsn begin)
{
    json_t *o = json_pack("{s:s, s:I}", "event", "timeline", "timeline", (json_int_t) timeline);

    json_set_lsn(o, "lsn", begin);
    return o;
}

json_t *log_hole_to_json(const struct log_hole *hole)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "event", hole->damage == NULL ? "missing" : "damaged",
                          "first_segment", hole->first, "last_segment", hole->last, "segments",
                          (json_int_t) hole->segments);

    if (hole->damage != NULL)
        (void) json_object_set_new(o, "why", json_text(hole->damage));
    return o;
}

enum err_code log_json_line(json_t *object, FILE *out, struct err *e)
{
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

    json_decref(object);
    if (text == NULL)
        return err_nomem(e, "the answer");
    (void) fprintf(out, "%s\n", text);
    free(text);
    return ERR_OK;
}
