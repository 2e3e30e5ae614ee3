/*
 * ops/wal_digest.c - see ops/wal_digest.h.
 *
 *   piece   scan it; if a whole record ended inside it: hash up to there, note the digest; hash the rest
 *
 * The end of a record may be padding that the next piece brings: then it is noted there.
 */
#include "ops/wal_digest.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES ((size_t) 256 << 10)

struct wal_digest {
    struct sink base; /* next hashes all bytes */
    struct walscan *scan;
    lsn start;
    lsn at;        /* of the next byte        */
    lsn valid_end; /* of the bytes in `valid` */
    uint8_t valid[SHA256_BYTES];
};

static enum err_code take(struct wal_digest *d, const uint8_t *bytes, size_t len, struct err *e)
{
    size_t valid = 0;
    lsn end;

    if (walscan_push(d->scan, bytes, len, e) != ERR_OK)
        return e->code;
    end = walscan_whole_end(d->scan);
    if (end > d->at && end - d->at <= len) {
        valid = (size_t) (end - d->at);
        if (sink_write(d->base.next, bytes, valid, e) != ERR_OK ||
            sha256_sink_so_far(d->base.next, d->valid, e) != ERR_OK)
            return e->code;
        d->valid_end = end;
    }
    d->at += len;
    return sink_write(d->base.next, bytes + valid, len - valid, e);
}

static enum err_code wal_digest_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    const uint8_t *from = bytes;

    while (len > 0) {
        size_t n = len < PIECE_BYTES ? len : PIECE_BYTES;

        if (take((struct wal_digest *) s, from, n, e) != ERR_OK)
            return e->code;
        from += n;
        len -= n;
    }
    return ERR_OK;
}

static enum err_code wal_digest_finish(struct sink *s, struct err *e)
{
    return sink_finish(s->next, e);
}

static void wal_digest_free(struct sink *s)
{
    free(s);
}

static const struct sink_ops wal_digest_ops = {wal_digest_write, wal_digest_finish, wal_digest_free};

enum err_code wal_digest_sink_new(struct walscan *scan, lsn start, struct sink **out, struct err *e)
{
    struct wal_digest *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return err_nomem(e, "a sink");
    d->base.ops = &wal_digest_ops;
    d->scan = scan;
    d->start = d->at = d->valid_end = start;
    if (sha256_sink_new(NULL, &d->base.next, e) != ERR_OK) {
        free(d);
        return e->code;
    }
    *out = &d->base;
    return ERR_OK;
}

enum err_code wal_digest_whole(struct sink *s, uint8_t digest[SHA256_BYTES], struct err *e)
{
    return sha256_sink_digest(s->next, digest, e);
}

bool wal_digest_valid(const struct sink *s, uint8_t digest[SHA256_BYTES])
{
    const struct wal_digest *d = (const struct wal_digest *) s;
    lsn end = walscan_end(d->scan);

    if (end != d->valid_end || end <= d->start || end >= d->at)
        return false;
    memcpy(digest, d->valid, SHA256_BYTES);
    return true;
}
