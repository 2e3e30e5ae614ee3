/*
 * cli/print_backup.c - see cli/print_backup.h.
 */
#include "cli/print_backup.h"

#include "cli/output.h"

#include <inttypes.h>

static json_t *tablespaces_to_json(const struct backup_info *b)
{
    json_t *list = json_array();

    for (size_t i = 0; i < b->tablespace_count; i++)
        (void) json_array_append_new(list,
                                     json_pack("{s:I, s:o, s:I}", "oid", (json_int_t) b->tablespaces[i].oid,
                                               "path", json_text(b->tablespaces[i].path), "bytes",
                                               (json_int_t) b->tablespaces[i].bytes));
    return list;
}

json_t *backup_to_json(const struct backup_info *b)
{
    char identifier[32], version[OUTPUT_TEXT_MAX];
    json_t *o;

    (void) snprintf(identifier, sizeof(identifier), "%" PRIu64, b->system_identifier);
    output_server_version(b->server_version, version);
    o = json_pack("{s:s, s:o*, s:I, s:s, s:s, s:I, s:b, s:b}", "id", b->id, "label", json_text(b->label),
                  "timeline", (json_int_t) b->timeline, "system_identifier", identifier, "server_version",
                  version, "server_version_num", (json_int_t) b->server_version, "from_standby",
                  b->from_standby, "checksums", b->checksums);
    json_set_lsn(o, "start_lsn", b->start_lsn);
    json_set_lsn(o, "stop_lsn", b->stop_lsn);
    json_set_moment(o, "start", b->start_us);
    json_set_moment(o, "stop", b->stop_us);
    json_set_bytes(o, "data_bytes", b->data_bytes);
    json_set_bytes(o, "stored_bytes", b->stored_bytes);
    json_set_bytes(o, "files", b->files);
    (void) json_object_set_new(o, "tablespaces", tablespaces_to_json(b));
    return o;
}
