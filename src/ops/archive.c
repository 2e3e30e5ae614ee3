/*
 * ops/archive.c - see ops/archive.h.
 */
#include "ops/archive.h"

#include "ops/archive_batch.h"
#include "ops/archive_noted.h"
#include "ops/archive_push.h"

enum err_code ops_archive(struct cluster *c, const struct archive_options *o, const char *path, struct err *e)
{
    CLEANUP(archive_file_clear) struct archive_file f = ARCHIVE_FILE_NONE;
    CLEANUP(archive_push_clear) struct archive_push push = ARCHIVE_PUSH_NONE;

    if (archive_file_open(&f, path, e) != ERR_OK)
        return e->code;
    if (archive_noted_take(c, &f))
        return ERR_OK;
    if (cluster_connect(c, e) != ERR_OK || archive_push_open(&push, c, &f, e) != ERR_OK)
        return e->code;
    return archive_batch_push(&push, &f, o, e);
}
