/*
 * pg/walpages.c - see pg/walpages.h.
 */
#include "pg/walpages.h"

#include "codec/le.h"

#define SHORT_HEADER     24
#define SHORT_INFO_FLAGS 0x000D /* all but the long header's */

static bool is_segment_start(const struct walpages *p, lsn address)
{
    return address % p->segment_bytes == 0;
}

uint32_t walpages_header_bytes(const struct walpages *p, lsn address)
{
    return is_segment_start(p, address) ? WALPAGE_LONG_HEADER : SHORT_HEADER;
}

/* A long header tells the sizes and the cluster; those of later segments must be the first one's. */
static bool accept_long(struct walpages *p, lsn address, const uint8_t *header)
{
    struct walpage page;
    struct err e;

    if (walpage_parse(header, WALPAGE_LONG_HEADER, &page, &e) != ERR_OK)
        return false;
    if (page.address != address || page.segment_bytes != p->segment_bytes || page.tli < p->tli)
        return false;
    if (p->page_bytes != 0 && (page.page_bytes != p->page_bytes || page.magic != p->magic ||
                               page.system_identifier != p->system_identifier))
        return false;
    p->page_bytes = page.page_bytes;
    p->major = page.major;
    p->magic = page.magic;
    p->tli = page.tli;
    p->system_identifier = page.system_identifier;
    return true;
}

static bool accept_short(struct walpages *p, lsn address, const uint8_t *header)
{
    uint32_t tli = le32_get(header + 4);

    if (p->page_bytes == 0 || le16_get(header) != p->magic ||
        (le16_get(header + 2) & ~SHORT_INFO_FLAGS) != 0 || le64_get(header + 8) != address || tli < p->tli)
        return false;
    p->tli = tli;
    return true;
}

bool walpages_accept(struct walpages *p, lsn address, const uint8_t *header, struct walpages_header *out)
{
    if (!(is_segment_start(p, address) ? accept_long(p, address, header) : accept_short(p, address, header)))
        return false;
    *out = (struct walpages_header){.info = le16_get(header + 2), .rem_len = le32_get(header + 16)};
    return true;
}
