/*
 * ops/archive_file.h - one file of pg_wal that is to be archived: opened once, checked, read once.
 *
 * Header, size, digest and content are of one file, whatever the path names later. A file of up to ARCHIVE_FILE_PACKED
 * bytes is read once: hashed, its WAL records noted, and compressed in the same pass. A larger one (segments of up to 1
 * GiB) is read again when it is stored, and hashed again, so that one that changed in between is refused before its
 * object exists.
 */
#pragma once
#include "codec/packed.h"
#include "pg/walpage.h"
#include "pg/walseg.h"
#include "repo/wal_facts.h"
#include "stream/sink.h"
#include <sys/stat.h>

#define ARCHIVE_FILE_PACKED (UINT64_C(64) << 20)

/* Told before each piece of the pass what will be kept in memory behind it at most; may wait until there is room. */
struct archive_gate {
    void (*pass)(void *arg, uint64_t bytes);
    void *arg;
};

struct archive_file {
    const char *path; /* borrowed */
    const char *name; /* its last component */
    struct walfile file;
    int fd;
    struct stat stat; /* as it was opened */
    uint64_t size;
    const struct archive_gate *gate; /* borrowed; NULL = none, as it is opened */
    uint64_t system_identifier;
    unsigned major;
    struct walpage page; /* of a segment or .partial, like facts */
    struct wal_facts facts;
    uint8_t sha256[SHA256_BYTES];
    bool is_packed;
    struct packed content; /* all of it, when is_packed */
};

#define ARCHIVE_FILE_NONE ((struct archive_file){.fd = -1})

/*
 * Is it a file that PostgreSQL would have archived, of the cluster it lies in? f is to be cleared in any case.
 *   ERR_USAGE     no name of pg_wal's, no regular file
 *   ERR_CORRUPT   not what its name says
 *   ERR_REFUSED   of another cluster; or PostgreSQL has not asked for it, which still writes it
 */
enum err_code archive_file_open(struct archive_file *f, const char *path, struct err *e);

/*
 * The one pass: sets sha256, the facts of its records, and content, compressed by this codec. Damage inside a full
 * segment is a warning. ERR_IO when it changes meanwhile.
 */
enum err_code archive_file_read(struct archive_file *f, enum codec codec, int level, struct err *e);

/*
 * Push its bytes, read again, into `to`; an object_push of repo/object.h. ERR_IO when they are not those that were
 * hashed.
 */
enum err_code archive_file_push(void *archive_file, struct sink *to, struct err *e);

/* Does it lie in a directory with archive_status beside it: a server's own pg_wal? */
bool archive_file_has_status(const struct archive_file *f);

/* A segment or .partial: it has a page and facts. */
bool archive_file_is_wal(const struct archive_file *f);

/* The directory that it lies in. */
void archive_file_directory(const struct archive_file *f, char *out, size_t size);

/* The data directory that it lies in, "pg_wal/NAME" without its last two components. */
void archive_file_pgdata(const struct archive_file *f, char *out, size_t size);

void archive_file_clear(struct archive_file *f);
