/*
 * repo/pack.c - see repo/pack.h.
 *
 * A frame's length is known once its payload is compressed, so its room is taken then, and sealing can go on in several
 * rooms at once.
 */
#include "repo/pack.h"

#include "base/grow.h"
#include "base/secret.h"
#include "codec/seal.h"
#include "repo/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pack_name(const char *backup_id, uint32_t number, char out[PACK_NAME_MAX])
{
    (void) snprintf(out, PACK_NAME_MAX, "%s/pack-%06" PRIu32, backup_id, number);
}

/* Behind the data frames come table and footer; the table is compressed in place, which may take more than it has. */
static size_t tail_room(size_t frames)
{
    return 4 * frames + frames / 32 + 4096;
}

struct pack {
    struct pack_options o;
    struct buf object; /* never moves: all its memory is taken at once */
    struct frame_seal seal;
    uint32_t number;
    uint32_t *lengths; /* of the frames */
    size_t count, room;
};

enum err_code pack_new(const struct pack_options *o, struct pack **out, struct err *e)
{
    struct pack *p = calloc(1, sizeof(*p));
    size_t least = DESCRIPTOR_HEAD + DESCRIPTOR_JSON_MAX + FRAME_HEAD + (size_t) o->frame_plain_max +
                   FRAME_TAG_MAX + tail_room(1);

    if (p == NULL)
        return err_nomem(e, "a pack");
    p->o = *o;
    buf_init(&p->object, o->max_bytes > least ? o->max_bytes : least);
    if (buf_reserve(&p->object, p->object.max, e) != ERR_OK) {
        pack_free(p);
        return e->code;
    }
    *out = p;
    return ERR_OK;
}

void pack_free(struct pack *p)
{
    if (p == NULL)
        return;
    secret_wipe(&p->seal, sizeof(p->seal));
    buf_clear(&p->object);
    free(p->lengths);
    free(p);
}

enum err_code pack_begin(struct pack *p, uint32_t number, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    char name[PACK_NAME_MAX];

    buf_reset(&p->object);
    p->count = 0;
    p->number = number;
    pack_name(p->o.backup_id, number, name);
    return object_describe_new(p->o.repo, "pack", name, &d, e) == ERR_OK
               ? seal_begin(&d, &p->o.repo->recipients, &p->seal, &p->object, e)
               : e->code;
}

enum err_code pack_reserve(struct pack *p, uint32_t len, struct index_chunk *c, bool *has_room, struct err *e)
{
    size_t whole = frame_whole(&p->seal, len);

    *has_room = p->count == 0 || (p->count < FRAME_COUNT_MAX &&
                                  p->object.len + whole + tail_room(p->count + 1) <= p->o.max_bytes);
    if (!*has_room)
        return ERR_OK;
    if (grow(&p->lengths, p->count, &p->room, sizeof(*p->lengths), "a frame table", e) != ERR_OK)
        return e->code;
    c->pack = p->number;
    c->frame = (uint32_t) p->count;
    c->offset = p->object.len;
    c->stored = (uint32_t) whole;
    p->lengths[p->count++] = c->stored;
    p->object.len += whole;
    return ERR_OK;
}

enum err_code pack_fill(struct pack *p, const struct index_chunk *c, const struct frame_payload *payload,
                        struct err *e)
{
    return frame_seal_payload(&p->seal, c->frame, payload, p->object.data + c->offset, e);
}

enum err_code pack_store(struct pack *p, uint64_t *stored, struct err *e)
{
    char key[STORE_KEY_MAX + 1];

    layout_backup_pack(p->o.layout, p->o.backup_id, p->number, key);
    if (frame_table_write(&p->seal, p->lengths, p->count, &p->object, e) != ERR_OK)
        return e->code;
    *stored = p->object.len;
    return object_put_own(p->o.repo, key, p->object.data, p->object.len, e);
}
