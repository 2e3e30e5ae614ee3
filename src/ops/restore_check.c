/*
 * ops/restore_check.c - see ops/restore_check.h.
 *
 * The bytes of every file were proven against the index, chunk by chunk, when they were written. What is compared here
 * is the word of the index with that of the server: the index has the CRC-32C that the backup reckoned over the same
 * bytes as the hashes of the chunks.
 */
#include "ops/restore_check.h"

#include "pg/manifest.h"

#include <string.h>

#define MANIFEST_NAME "backup_manifest"
#define MANIFEST_MAX  ((size_t) 1 << 30)

static enum err_code check_file(const struct manifest *m, const struct restore_file *f, struct err *e)
{
    const struct manifest_file *promised = manifest_find(m, f->path);

    if (promised == NULL)
        return err_set(e, ERR_CORRUPT, "file \"%s\" is not in the server's manifest", f->path);
    if (promised->size != f->size ||
        (promised->algorithm == MANIFEST_CRC32C && !manifest_has_crc32c(promised, f->crc)))
        return err_set(e, ERR_CORRUPT, "file \"%s\" is not what the server's manifest promises", f->path);
    return ERR_OK;
}

/* backup.json lies in the clear; what it says of the WAL must be what the sealed manifest says. */
static enum err_code check_summary(const struct manifest *m, const struct backup_info *b, struct err *e)
{
    const struct manifest_range *newest = &m->ranges[0], *oldest = &m->ranges[m->range_count - 1];

    if (oldest->start == b->start_lsn && newest->end == b->stop_lsn && newest->tli == b->timeline)
        return ERR_OK;
    return err_set(e, ERR_CORRUPT,
                   "the summary of backup \"%s\" is not that of its files: timeline or LSNs differ", b->id);
}

enum err_code restore_check(const struct restore_files *f, const struct backup_info *backup, struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(MANIFEST_MAX);
    CLEANUP(manifest_clear) struct manifest m = MANIFEST_EMPTY;
    char path[TREE_PATH_MAX];
    size_t seen = 0;

    if (restore_tree_path(f->tree, MANIFEST_NAME, path, e) != ERR_OK ||
        buf_read_file(&text, path, e) != ERR_OK || manifest_parse(text.data, text.len, &m, e) != ERR_OK ||
        check_summary(&m, backup, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < f->file_count; i++) {
        if (strcmp(f->files[i].path, MANIFEST_NAME) == 0)
            continue;
        if (check_file(&m, &f->files[i], e) != ERR_OK)
            return e->code;
        seen++;
    }
    if (seen != m.file_count)
        return err_set(e, ERR_CORRUPT, "the server's manifest names %zu files, the index %zu", m.file_count,
                       seen);
    return ERR_OK;
}
