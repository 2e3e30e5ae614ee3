/*
 * codec/compress.h - compression of one frame at a time: none, LZ4 frame format, Zstandard.
 *
 * Each frame is a complete LZ4 frame or zstd frame by itself, so the lz4 and zstd command-line tools can read one.
 * Source    lz4 doc/lz4_Frame_format.md; RFC 8878.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

enum codec { CODEC_NONE, CODEC_LZ4, CODEC_ZSTD };

/* "none", "lz4", "zstd". Parse: ERR_USAGE naming the text. */
const char *codec_name(enum codec c);
enum err_code codec_parse(const char *name, enum codec *out, struct err *e);
/* The allowed levels (0 = the codec's default is always allowed). */
void codec_levels(enum codec c, int *min, int *max);

/*
 * Append the compressed form of plain to out, unless it would not be smaller than plain: then *stored_raw is true
 * and nothing is appended. CODEC_NONE is always raw. Contexts are kept per thread.
 */
enum err_code codec_compress(enum codec c, int level, const void *plain, size_t len, struct buf *out,
                             bool *stored_raw, struct err *e);

/* Decompress to exactly plain_len bytes at plain; anything else (more, fewer, trailing bytes) is ERR_CORRUPT. */
enum err_code codec_decompress(enum codec c, const void *packed, size_t packed_len, void *plain, size_t plain_len,
                               struct err *e);
