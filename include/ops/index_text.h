/*
 * ops/index_text.h - index records in a temporary file without a name, written through a buffer, read as often as wanted.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "repo/backup_index.h"
#include "stream/sink.h"

struct index_text {
    int fd;
    struct buf buffer;
    struct sink *sink; /* into the buffer */
};

#define INDEX_TEXT_NONE ((struct index_text){.fd = -1})

/* Create the file in dir and write the first line. It is gone when closed. */
enum err_code index_text_open(struct index_text *t, const char *dir, const char *backup_id, struct err *e);
/* For CLEANUP; one that is not open is fine. */
void index_text_close(struct index_text *t);

enum err_code index_text_write(struct index_text *t, const struct index_record *r, struct err *e);
/* Bring the buffer into the file. Before pushing. */
enum err_code index_text_flush(struct index_text *t, struct err *e);
/* Push the whole file from its beginning, not finishing `to`. An object_push. */
enum err_code index_text_push(void *text, struct sink *to, struct err *e);
