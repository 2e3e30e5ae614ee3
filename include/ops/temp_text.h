/*
 * ops/temp_text.h - a text in a temporary file without a name: written through a buffer, read as often as wanted,
 * stored as an object.
 *
 * Memory    1 MiB of buffer, however long the text.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "codec/sha256.h"
#include "repo/repo.h"
#include "stream/sink.h"
#include <stdint.h>

struct temp_text {
    struct sink sink; /* to write to; neither finished nor freed: not for the front of a chain */
    int fd;
    struct buf buffer;
};

#define TEMP_TEXT_NONE ((struct temp_text){.fd = -1})

/* Create the file in dir. It is gone when closed. */
enum err_code temp_text_open(struct temp_text *t, const char *dir, struct err *e);
/* For CLEANUP; one that is not open is fine. */
void temp_text_close(struct temp_text *t);

/* Bring the buffer into the file. Before pushing. */
enum err_code temp_text_flush(struct temp_text *t, struct err *e);
/* Push the whole file from its beginning, not finishing `to`. An object_push. */
enum err_code temp_text_push(void *text, struct sink *to, struct err *e);

/* Flush, and store the whole as a sealed object. digest: NULL, or receives the SHA-256 of the plain text. */
enum err_code temp_text_store(struct temp_text *t, struct repo *r, const char *key, const char *kind,
                              const char *name, uint8_t digest[SHA256_BYTES], struct err *e);
