/*
 * storage/posix.h - objects as files below a directory.
 *
 * Place     key "wal/00000001/x" is the file DIR/wal/00000001/x, mode 0600 in directories of mode 0700. A file becomes
 *           visible complete and fsynced, together with every directory above it up to DIR, or not at all.
 * Names     a component beginning with DURABLE_TMP_PREFIX or longer than the filesystem takes is ERR_USAGE. A key can't
 *           be both an object and the directory of others ("a" and "a/b"): whichever comes second is ERR_REFUSED.
 *           Files whose names can't be keys (lost+found) and temporaries are not listed.
 * Links     symbolic links below DIR are never followed; where an object or directory should be they are ERR_CORRUPT.
 * Absence   an object is ERR_ABSENT only while DIR is still the directory that was opened: one that was removed,
 *           renamed or covered by a mount since is ERR_UNREACHABLE. What can't be told from here is a disk that was
 *           not mounted when the store was opened: its empty mount point looks like an empty repository. The
 *           repository floor guards against that by insisting on line.json before it believes any absence.
 * Errors    EACCES, EPERM, EROFS are ERR_DENIED; a lost network mount (ESTALE, ENOTCONN, ETIMEDOUT, …) ERR_UNREACHABLE;
 *           a full disk ERR_IO, and nothing of that object stays behind.
 * Needs     a filesystem with hard links, or with renameat2(2)'s RENAME_NOREPLACE in their place. Atomic creation
 *           holds over NFS as well (link(2)). Where directories can't be fsynced a new name may be lost in a crash.
 */
#pragma once
#include "storage/store.h"

/*
 * Open the store below dir, an absolute path. A directory that is missing is ERR_UNREACHABLE: a disk not mounted, more
 * likely than anything else. With create, for writers, it is made (0700) when only its last component is missing.
 */
enum err_code posix_store_open(const char *dir, bool create, struct store **out, struct err *e);
