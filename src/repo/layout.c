/*
 * repo/layout.c - see repo/layout.h. Every key has a fixed longest form, far below STORE_KEY_MAX.
 */
#include "repo/layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_DIGITS 16

static bool is_hex_lower(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

enum err_code layout_check_cluster(const char *cluster, struct err *e)
{
    size_t len = strlen(cluster);
    bool good = len > 0 && len < CLUSTER_NAME_MAX && cluster[0] != '_' && cluster[0] != '-';

    for (size_t i = 0; good && i < len; i++)
        good = (cluster[i] >= 'a' && cluster[i] <= 'z') || (cluster[i] >= '0' && cluster[i] <= '9') ||
               cluster[i] == '_' || cluster[i] == '-';
    if (!good) {
        err_set(e, ERR_USAGE, "invalid cluster name \"%.*s\"", CLUSTER_NAME_MAX, cluster);
        return err_hint(
            e,
            "A cluster's name has at most %d lower-case letters, digits, \"-\" and \"_\", and begins "
            "with a letter or digit.",
            CLUSTER_NAME_MAX - 1);
    }
    return ERR_OK;
}

enum err_code layout_init(struct layout *l, const char *cluster, uint64_t system_identifier, struct err *e)
{
    if (layout_check_cluster(cluster, e) != ERR_OK)
        return e->code;
    (void) snprintf(l->cluster, sizeof(l->cluster), "%s", cluster);
    line_format(system_identifier, l->line);
    return ERR_OK;
}

void line_format(uint64_t system_identifier, char out[LINE_TEXT_MAX])
{
    (void) snprintf(out, LINE_TEXT_MAX, "%016" PRIx64, system_identifier);
}

enum err_code line_parse(const char *text, uint64_t *system_identifier, struct err *e)
{
    size_t len = strlen(text);
    bool good = len == LINE_DIGITS;

    for (size_t i = 0; good && i < len; i++)
        good = is_hex_lower(text[i]);
    if (!good)
        return err_set(e, ERR_USAGE, "invalid line \"%.32s\": expected 16 lower-case hexadecimal digits",
                       text);
    *system_identifier = strtoull(text, NULL, 16);
    return ERR_OK;
}

/* "20261120T021500Z-1a2b" */
bool backup_id_is_valid(const char *id)
{
    static const char form[] = "ddddddddTddddddZ-hhhh";

    if (strlen(id) != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        bool good = form[i] == 'd'   ? id[i] >= '0' && id[i] <= '9'
                    : form[i] == 'h' ? is_hex_lower(id[i])
                                     : id[i] == form[i];
        if (!good)
            return false;
    }
    return true;
}

void layout_line_json(const struct layout *l, char *out)
{
    (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/line.json", l->cluster, l->line);
}

void layout_wal_dir(const struct layout *l, char *out)
{
    (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/wal/", l->cluster, l->line);
}

void layout_wal_timeline(const struct layout *l, uint32_t tli, char *out)
{
    (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/wal/%08" PRIX32 "/", l->cluster, l->line, tli);
}

void layout_wal_file(const struct layout *l, const struct walfile *f, char *out)
{
    char name[WALFILE_NAME_MAX];

    walfile_format(f, name);
    if (f->kind == WALFILE_HISTORY)
        (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/wal/%s", l->cluster, l->line, name);
    else
        (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/wal/%08" PRIX32 "/%08" PRIX32 "/%s", l->cluster,
                        l->line, f->tli, f->log, name);
}

void layout_backup_dir(const struct layout *l, char *out)
{
    (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/backup/", l->cluster, l->line);
}

void layout_backup_pack(const struct layout *l, const char *id, uint32_t n, char *out)
{
    (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/backup/%s/pack-%06" PRIu32, l->cluster, l->line, id, n);
}

void layout_backup_index(const struct layout *l, const char *id, char *out)
{
    (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/backup/%s/index", l->cluster, l->line, id);
}

void layout_backup_catalog(const struct layout *l, const char *id, char *out)
{
    (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/backup/%s/catalog", l->cluster, l->line, id);
}

void layout_backup_json(const struct layout *l, const char *id, char *out)
{
    (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/backup/%s/backup.json", l->cluster, l->line, id);
}

void layout_probe(const struct layout *l, const char *name, char *out)
{
    (void) snprintf(out, STORE_KEY_MAX + 1, "%s/%s/probe/%s", l->cluster, l->line, name);
}

const char *layout_kind(enum walfile_kind kind)
{
    static const char *const kinds[] = {[WALFILE_SEGMENT] = "wal",
                                        [WALFILE_PARTIAL] = "partial",
                                        [WALFILE_BACKUP_HISTORY] = "backup-history",
                                        [WALFILE_HISTORY] = "history"};

    return kinds[kind];
}

const char *layout_base_name(const char *key)
{
    const char *slash = strrchr(key, '/');

    return slash == NULL ? key : slash + 1;
}

bool layout_dir_name(const struct store_object *entry, char *out, size_t size)
{
    size_t len = strlen(entry->key), begin;

    if (!entry->is_prefix || len == 0)
        return false;
    for (begin = len - 1; begin > 0 && entry->key[begin - 1] != '/'; begin--)
        ;
    if (len - 1 - begin >= size)
        return false;
    memcpy(out, entry->key + begin, len - 1 - begin);
    out[len - 1 - begin] = '\0';
    return true;
}
