/*
 * pg/walpage.c - see pg/walpage.h for the bytes. What PostgreSQL's own reader checks is checked here too
 * (flags, address, sizes), so that a file which is not WAL, or not this segment, is refused before it is
 * archived.
 */
#include "pg/walpage.h"

#include "codec/le.h"

#include <inttypes.h>
#include <stdbool.h>

#define INFO_LONG_HEADER 0x0002
#define INFO_ALL \
    0x000F /* first-is-contrecord, long header, backup removable, first-is-overwrite-contrecord */

#define PAGE_MIN_BYTES 1024
#define PAGE_MAX_BYTES 65536

static const struct {
    uint16_t magic;
    unsigned major;
} magics[] = {{0xD106, 13}, {0xD10D, 14}, {0xD110, 15}, {0xD113, 16}, {0xD116, 17}, {0xD118, 18}};

static unsigned major_of(uint16_t magic)
{
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if (magics[i].magic == magic)
            return magics[i].major;
    return 0;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static bool page_size_is_valid(uint32_t bytes)
{
    return bytes >= PAGE_MIN_BYTES && bytes <= PAGE_MAX_BYTES && (bytes & (bytes - 1)) == 0;
}

/* Fields that no server writes. */
static enum err_code fields_check(const struct walpage *p, struct err *e)
{
    if ((p->info & INFO_LONG_HEADER) == 0)
        return err_set(e, ERR_CORRUPT, "first WAL page has no long header (flags 0x%04X)",
                       (unsigned) p->info);
    if ((p->info & ~INFO_ALL) != 0)
        return err_set(e, ERR_CORRUPT, "first WAL page has unknown flags 0x%04X", (unsigned) p->info);
    if (!walseg_size_is_valid(p->segment_bytes))
        return err_set(e, ERR_CORRUPT, "first WAL page tells an impossible segment size of %" PRIu32 " bytes",
                       p->segment_bytes);
    if (!page_size_is_valid(p->page_bytes))
        return err_set(e, ERR_CORRUPT, "first WAL page tells an impossible page size of %" PRIu32 " bytes",
                       p->page_bytes);
    if (p->address % p->segment_bytes != 0) {
        char address[LSN_TEXT_MAX];

        lsn_format(p->address, address);
        return err_set(e, ERR_CORRUPT, "first WAL page has address %s, which is not the start of a segment",
                       address);
    }
    if (p->tli == 0)
        return err_set(e, ERR_CORRUPT, "first WAL page is of timeline 0, which does not exist");
    return ERR_OK;
}

enum err_code walpage_parse(const uint8_t *bytes, size_t len, struct walpage *out, struct err *e)
{
    struct walpage p;

    if (len < WALPAGE_LONG_HEADER)
        return err_set(e, ERR_CORRUPT, "WAL file ends after %zu bytes, inside the header of its first page",
                       len);
    if (is_zero(bytes, WALPAGE_LONG_HEADER))
        return err_set(e, ERR_CORRUPT, "WAL file begins with zeros instead of a page header");
    p = (struct walpage){.magic = le16_get(bytes),
                         .info = le16_get(bytes + 2),
                         .tli = le32_get(bytes + 4),
                         .address = le64_get(bytes + 8),
                         .system_identifier = le64_get(bytes + 24),
                         .segment_bytes = le32_get(bytes + 32),
                         .page_bytes = le32_get(bytes + 36)};
    p.major = major_of(p.magic);
    if (p.major == 0) {
        (void) err_set(e, ERR_CORRUPT, "WAL page magic 0x%04X is not that of PostgreSQL %u to %u",
                       (unsigned) p.magic, magics[0].major,
                       magics[sizeof(magics) / sizeof(magics[0]) - 1].major);
        return err_hint(e, "The file is no WAL segment, or was written by another PostgreSQL version or on a "
                           "machine of other byte order.");
    }
    if (fields_check(&p, e) != ERR_OK)
        return e->code;
    *out = p;
    return ERR_OK;
}

enum err_code walpage_check_name(const struct walpage *p, const struct walfile *name, struct err *e)
{
    char wanted[WALFILE_NAME_MAX], found[WALFILE_NAME_MAX];
    uint64_t number = 0;

    if (walseg_of_file(name, p->segment_bytes, &number, e) != ERR_OK)
        return e->code;
    walfile_format(name, wanted);
    walseg_name(p->tli, walseg_number(p->address, p->segment_bytes), p->segment_bytes, found);
    if (walseg_start(number, p->segment_bytes) != p->address) {
        (void) err_set(e, ERR_CORRUPT, "WAL file \"%s\" contains the first page of segment \"%s\"", wanted,
                       found);
        return err_hint(
            e, "A recycled segment that was not yet written looks like this; so does a renamed file.");
    }
    if (p->tli > name->tli)
        return err_set(e, ERR_CORRUPT,
                       "WAL file \"%s\" begins with a page of timeline %" PRIu32
                       ", which is later than its own",
                       wanted, p->tli);
    return ERR_OK;
}
