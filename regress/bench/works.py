"""works.py - the names of works and tools, and the limits that pitr is to keep."""
import collections

TITLES = {
    "push1": "Push of one segment",
    "push": "Push of waiting segments",
    "fetch": "Fetch of segments in order",
    "recovery": "Recovery over segments",
    "backup": "Backup to S3",
    "restore": "Restore from S3",
    "again": "Backup again to S3, nothing changed",
    "backup-dir": "Backup into a directory",
    "restore-dir": "Restore from a directory",
    "again-dir": "Backup again into a directory, nothing changed",
    "backup-big": "Backup to S3 of the big cluster",
    "restore-big": "Restore from S3 of the big cluster",
}
COUNTED = {"push", "fetch", "recovery"}  # works on many things, one command each
FLOORS = {
    "push1": "lz4+sha256sum+curl",
    "push": "lz4+sha256sum+curl",
    "fetch": "curl+lz4",
    "recovery": "cp from a directory",
    "backup": "pg_basebackup -Ft to disk",
    "restore": "cp -a and sync",
    "backup-dir": "pg_basebackup -Ft to disk",
    "restore-dir": "cp -a and sync",
}
TOOLS = ["pitr", "pgbackrest", "pgbackrest-async", "wal-g", "floor"]

# pitr's median of a figure (wall, cpu, peak in MiB, requests) is at most `most` times that of a tool; without one, at
# most `most`, and `per_item` for each segment.
Limit = collections.namedtuple("Limit", "work delay figure tool most per_item", defaults=[0])

LIMITS = [
    Limit("push1", 0, "wall", "floor", 1.1),
    Limit("push1", 0, "wall", "pgbackrest", 0.7),
    Limit("push1", 0, "cpu", "pgbackrest", 0.7),
    Limit("push1", 0, "requests", None, 1),
    Limit("push1", 0, "peak", None, 48),
    Limit("push", 0, "wall", "pgbackrest-async", 0.6),
    Limit("push", 0, "cpu", "pgbackrest-async", 0.6),
    Limit("push", 30, "wall", "pgbackrest-async", 0.35),
    Limit("push", 0, "requests", None, 0, 1),
    Limit("push", 0, "peak", None, 48),
    Limit("fetch", 0, "wall", "pgbackrest-async", 0.5),
    Limit("fetch", 0, "requests", None, 2, 1),
    Limit("recovery", 0, "wall", "floor", 1.1),
    Limit("backup-dir", 0, "wall", "floor", 0.9),
    Limit("backup-dir", 0, "wall", "pgbackrest", 1.0),
    Limit("backup", 0, "wall", "pgbackrest", 0.7),
    Limit("backup", 0, "requests", None, 30),
    Limit("restore-dir", 0, "wall", "pgbackrest", 0.7),
    Limit("restore", 0, "wall", "pgbackrest", 0.7),
    Limit("restore", 0, "requests", None, 30),
] + [Limit(work, 0, "peak", None, 384)
     for work in ("backup", "backup-dir", "backup-big", "restore", "restore-dir", "restore-big")]
