/*
 * write_pack.h - a pack of chunks that lie one behind the other, stored in one call.
 */
#pragma once
#include "repo/pack.h"

struct pack_place {
    uint64_t offset;
    uint32_t stored;
};

static inline enum err_code add_frame(struct pack *p, const struct repo *r, const uint8_t *plain,
                                      uint32_t length, struct pack_place *place, struct err *e)
{
    CLEANUP(buf_clear) struct buf packed = BUF_INIT(FRAME_PLAIN_MAX);
    struct frame_payload payload = {.bytes = plain, .len = length, .plain_len = length};
    struct index_chunk c;
    bool has_room;

    if (codec_compress(r->codec, r->level, plain, length, &packed, &payload.is_raw, e) != ERR_OK)
        return e->code;
    if (!payload.is_raw) {
        payload.bytes = packed.data;
        payload.len = (uint32_t) packed.len;
    }
    if (pack_reserve(p, payload.len, &c, &has_room, e) != ERR_OK)
        return e->code;
    ck_assert(has_room);
    *place = (struct pack_place){c.offset, c.stored};
    return pack_fill(p, &c, &payload, e);
}

/* places and stored receive where the frames lie, and the size of the object. */
static inline enum err_code pack_write(struct repo *r, const struct layout *l, const char *backup_id,
                                       uint32_t number, const uint8_t *plain, const uint32_t *lengths,
                                       size_t count, struct pack_place *places, uint64_t *stored,
                                       struct err *e)
{
    const struct pack_options o = {.repo = r,
                                   .layout = l,
                                   .backup_id = backup_id,
                                   .max_bytes = (size_t) 64 << 20,
                                   .frame_plain_max = 1 << 20};
    struct pack *p = NULL;
    enum err_code code;

    code = pack_new(&o, &p, e);
    if (code == ERR_OK)
        code = pack_begin(p, number, e);
    for (size_t i = 0; code == ERR_OK && i < count; plain += lengths[i], i++)
        code = add_frame(p, r, plain, lengths[i], &places[i], e);
    if (code == ERR_OK)
        code = pack_store(p, stored, e);
    pack_free(p);
    return code;
}
