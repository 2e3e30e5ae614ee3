/*
 * codec/compress.c - see codec/compress.h.
 *
 * LZ4: one frame with its content size and independent blocks as large as the input needs (4 MiB at most), no
 * checksums of its own: the frame around it has one. zstd: one frame with its content size.
 * Both libraries keep a context per thread, made on first use and freed by the thread's end.
 */
#include "codec/compress.h"

#include "codec/le.h"

#include <lz4frame.h>
#include <lz4hc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define LZ4_MAGIC          0x184D2204u
#define ZSTD_FASTEST_LEVEL (-7) /* below it the gain over LZ4 is gone */

struct contexts {
    ZSTD_CCtx *zstd_pack;
    ZSTD_DCtx *zstd_unpack;
    LZ4F_cctx *lz4_pack;
    LZ4F_dctx *lz4_unpack;
};

static pthread_key_t contexts_key;
static int contexts_key_error;
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;

static void contexts_free(void *arg)
{
    struct contexts *c = arg;

    ZSTD_freeCCtx(c->zstd_pack);
    ZSTD_freeDCtx(c->zstd_unpack);
    (void) LZ4F_freeCompressionContext(c->lz4_pack);
    (void) LZ4F_freeDecompressionContext(c->lz4_unpack);
    free(c);
}

static void contexts_key_make(void)
{
    contexts_key_error = pthread_key_create(&contexts_key, contexts_free);
}

/* This thread's contexts, not yet filled; NULL when there is no memory. */
static struct contexts *contexts_of_thread(void)
{
    struct contexts *c;

    (void) pthread_once(&contexts_once, contexts_key_make);
    if (contexts_key_error != 0)
        return NULL;
    c = pthread_getspecific(contexts_key);
    if (c != NULL)
        return c;
    c = calloc(1, sizeof(*c));
    if (c != NULL && pthread_setspecific(contexts_key, c) != 0) {
        free(c);
        return NULL;
    }
    return c;
}

const char *codec_name(enum codec c)
{
    switch (c) {
    case CODEC_NONE:
        return "none";
    case CODEC_LZ4:
        return "lz4";
    case CODEC_ZSTD:
        return "zstd";
    }
    return "unknown";
}

enum err_code codec_parse(const char *name, enum codec *out, struct err *e)
{
    static const enum codec all[] = {CODEC_NONE, CODEC_LZ4, CODEC_ZSTD};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(name, codec_name(all[i])) == 0) {
            *out = all[i];
            return ERR_OK;
        }
    return err_set(e, ERR_USAGE, "unknown compression \"%s\"", name);
}

void codec_levels(enum codec c, int *min, int *max)
{
    *min = c == CODEC_ZSTD ? ZSTD_FASTEST_LEVEL : c == CODEC_LZ4 ? 1 : 0;
    *max = c == CODEC_ZSTD ? ZSTD_maxCLevel() : c == CODEC_LZ4 ? LZ4HC_CLEVEL_MAX : 0;
}

/*
 * Room for the worst case behind out's bytes, even above its ceiling: the ceiling is for what is kept, and a library
 * that compresses into a shorter place refuses or slows down.
 */
static enum err_code reserve_scratch(struct buf *out, size_t worst, struct err *e)
{
    size_t ceiling = out->max;
    enum err_code code;

    out->max = out->len + worst > ceiling ? out->len + worst : ceiling;
    code = buf_reserve(out, worst, e);
    out->max = ceiling;
    return code;
}

static LZ4F_blockSizeID_t lz4_block(size_t len)
{
    return len <= 64 << 10     ? LZ4F_max64KB
           : len <= 256 << 10  ? LZ4F_max256KB
           : len <= 1024 << 10 ? LZ4F_max1MB
                               : LZ4F_max4MB;
}

static enum err_code lz4_pack(int level, const void *plain, size_t len, struct buf *out, size_t *packed,
                              struct err *e)
{
    struct contexts *c = contexts_of_thread();
    LZ4F_compressOptions_t whole = {.stableSrc = 1};
    LZ4F_preferences_t how = {
        .frameInfo = {.blockSizeID = lz4_block(len), .blockMode = LZ4F_blockIndependent, .contentSize = len},
        .compressionLevel = level,
        .autoFlush = 1};
    size_t room = LZ4F_compressFrameBound(len, &how);
    size_t head, body, tail;

    if (c == NULL ||
        (c->lz4_pack == NULL && LZ4F_isError(LZ4F_createCompressionContext(&c->lz4_pack, LZ4F_VERSION))))
        return err_nomem(e, "an LZ4 context");
    if (reserve_scratch(out, room, e) != ERR_OK)
        return e->code;
    uint8_t *to = out->data + out->len;
    head = LZ4F_compressBegin(c->lz4_pack, to, room, &how);
    if (LZ4F_isError(head))
        return err_set(e, ERR_IO, "could not compress: %s", LZ4F_getErrorName(head));
    body = LZ4F_compressUpdate(c->lz4_pack, to + head, room - head, plain, len, &whole);
    if (LZ4F_isError(body))
        return err_set(e, ERR_IO, "could not compress: %s", LZ4F_getErrorName(body));
    tail = LZ4F_compressEnd(c->lz4_pack, to + head + body, room - head - body, &whole);
    if (LZ4F_isError(tail))
        return err_set(e, ERR_IO, "could not compress: %s", LZ4F_getErrorName(tail));
    *packed = head + body + tail;
    return ERR_OK;
}

static enum err_code zstd_pack(int level, const void *plain, size_t len, struct buf *out, size_t *packed,
                               struct err *e)
{
    struct contexts *c = contexts_of_thread();
    size_t room = ZSTD_compressBound(len);
    size_t got;

    if (c == NULL || (c->zstd_pack == NULL && (c->zstd_pack = ZSTD_createCCtx()) == NULL))
        return err_nomem(e, "a zstd context");
    if (reserve_scratch(out, room, e) != ERR_OK)
        return e->code;
    (void) ZSTD_CCtx_reset(c->zstd_pack, ZSTD_reset_session_and_parameters);
    got = ZSTD_CCtx_setParameter(c->zstd_pack, ZSTD_c_compressionLevel, level);
    if (!ZSTD_isError(got))
        got = ZSTD_compress2(c->zstd_pack, out->data + out->len, room, plain, len);
    if (ZSTD_isError(got))
        return err_set(e, ERR_IO, "could not compress: %s", ZSTD_getErrorName(got));
    *packed = got;
    return ERR_OK;
}

enum err_code codec_compress(enum codec c, int level, const void *plain, size_t len, struct buf *out,
                             bool *stored_raw, struct err *e)
{
    enum err_code code;
    size_t packed = len;

    if (c == CODEC_NONE || len == 0) {
        *stored_raw = true;
        return ERR_OK;
    }
    code = c == CODEC_LZ4 ? lz4_pack(level, plain, len, out, &packed, e)
                          : zstd_pack(level, plain, len, out, &packed, e);
    if (code != ERR_OK)
        return code;
    if (packed < len) {
        if (buf_reserve(out, packed, e) != ERR_OK) /* the ceiling holds for what is kept */
            return e->code;
        out->len += packed;
    }
    *stored_raw = packed >= len;
    return ERR_OK;
}

static enum err_code corrupt(struct err *e, const char *why)
{
    return err_set(e, ERR_CORRUPT, "could not decompress: %s", why);
}

static enum err_code lz4_unpack(const uint8_t *packed, size_t packed_len, uint8_t *plain, size_t plain_len,
                                struct err *e)
{
    struct contexts *c = contexts_of_thread();
    LZ4F_decompressOptions_t whole = {.stableDst = 1};
    size_t in = 0, out = 0, wants, took, gave;

    if (c == NULL || (c->lz4_unpack == NULL &&
                      LZ4F_isError(LZ4F_createDecompressionContext(&c->lz4_unpack, LZ4F_VERSION))))
        return err_nomem(e, "an LZ4 context");
    if (packed_len < 4 || le32_get(packed) != LZ4_MAGIC)
        return corrupt(e, "not an LZ4 frame"); /* a skippable one is not either */
    LZ4F_resetDecompressionContext(c->lz4_unpack);
    do {
        took = packed_len - in;
        gave = plain_len - out;
        wants = LZ4F_decompress(c->lz4_unpack, plain + out, &gave, packed + in, &took, &whole);
        if (LZ4F_isError(wants))
            return corrupt(e, LZ4F_getErrorName(wants));
        in += took;
        out += gave;
    } while (wants != 0 && (took > 0 || gave > 0));
    if (wants != 0 || in != packed_len || out != plain_len)
        return corrupt(e, "LZ4 frame of another length");
    return ERR_OK;
}

static enum err_code zstd_unpack(const uint8_t *packed, size_t packed_len, uint8_t *plain, size_t plain_len,
                                 struct err *e)
{
    struct contexts *c = contexts_of_thread();
    size_t got;

    if (c == NULL || (c->zstd_unpack == NULL && (c->zstd_unpack = ZSTD_createDCtx()) == NULL))
        return err_nomem(e, "a zstd context");
    if (packed_len < 4 || le32_get(packed) != ZSTD_MAGICNUMBER)
        return corrupt(e, "not a zstd frame");                          /* a skippable one is not either */
    if (ZSTD_findFrameCompressedSize(packed, packed_len) != packed_len) /* an error's number never is */
        return corrupt(e, "zstd frame of another length");
    got = ZSTD_decompressDCtx(c->zstd_unpack, plain, plain_len, packed, packed_len);
    if (ZSTD_isError(got))
        return corrupt(e, ZSTD_getErrorName(got));
    return got == plain_len ? ERR_OK : corrupt(e, "zstd frame of another length");
}

enum err_code codec_decompress(enum codec c, const void *packed, size_t packed_len, void *plain,
                               size_t plain_len, struct err *e)
{
    switch (c) {
    case CODEC_LZ4:
        return lz4_unpack(packed, packed_len, plain, plain_len, e);
    case CODEC_ZSTD:
        return zstd_unpack(packed, packed_len, plain, plain_len, e);
    case CODEC_NONE:
        break;
    }
    return corrupt(e, "compressed frame in an object without compression");
}
