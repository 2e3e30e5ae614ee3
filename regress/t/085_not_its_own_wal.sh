#!/bin/bash
# A server that was set back to an earlier state meets the WAL of its other life in the repository. The names are those it
# needs: a backup must not take that WAL for its own.
. "$(dirname "$0")/../lib.sh"
story "a backup does not rest on the WAL of another life of the server"

cluster_init source
{ section_cluster source; section_local; } | write_config
cluster_start source
must "the repository is set up" pitr init
sql source "create table t (n int)"
must "a backup is taken" pitr backup --checkpoint fast
sql source "insert into t values (1)"
archive_all source > /dev/null
cluster_stop source
as_pg cp -a "$SCRATCH/source" "$SCRATCH/snapshot"
as_pg cp -a "$SCRATCH/spool" "$SCRATCH/spool.then"

# One life goes on for a while.
cluster_start source
for n in 2 3 4 5 6 7; do
    sql source "insert into t values ($n)"
    archive_all source > /dev/null
done
must "its backup is taken" pitr backup --checkpoint fast
ids() { pitr list --json 2> /dev/null | grep -oE '"id": *"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}"' | sort -u; }
before=$(ids)
is "$(wc -l <<< "$before")" 2 "both are listed"
cluster_stop source

# The other begins where the first one was.
mv "$SCRATCH/source" "$SCRATCH/lost"
mv "$SCRATCH/snapshot" "$SCRATCH/source"
rm -rf "$SCRATCH/spool"
mv "$SCRATCH/spool.then" "$SCRATCH/spool"
expect_log 'archive command failed|is already stored with other content'
cluster_start source
sql source "insert into t values (1000)"
run pitr backup --checkpoint fast
exit_is 3 "a backup of the other life is refused"
like "$err" "the server's own archiver fails at" "and says why"
is "$(ids)" "$before" "no backup becomes visible"
cluster_stop source
finish
