#!/bin/bash
# A full disk at any point costs a retry, never a segment: no success is reported for what is not there whole.
. "$(dirname "$0")/../lib.sh"
story "a full disk loses nothing: repository, spool, pg_wal and restore target"

small_disk "$SCRATCH/disk" 24m || skip_story "this container may not mount a tmpfs"
as_pg mkdir "$SCRATCH/disk/repo"
cluster_init source
cluster_set source archive_command /bin/true
{
    section_cluster source
    echo "compress = none"
    section_local local "$SCRATCH/disk/repo"
} | write_config
cluster_start source
sql source "create table t as select g as n, md5(g::text) as text from generate_series(1, 50000) g"
segment=$(switch_wal source)
sql source "insert into t select n, text from t"
next=$(switch_wal source)
in_pgdata() { (cd "$SCRATCH/source" && pitr "$@"); }
must "the repository is set up on a small disk" in_pgdata init

# ------------------------------------------------------------------- the repository's disk, at every write
# An uncompressed segment takes a little more than 16 MiB: each of these leaves it at another point.
for free in 0 4096 8192 12288 65536 1048576 8388608 16773120 16777216; do
    fill_disk "$SCRATCH/disk" $free
    run in_pgdata archive "pg_wal/$segment"
    unlike "$rc" '^0$' "with $free bytes free the push is no success"
    ok "with $free bytes free the status is one after which PostgreSQL tries again" test "$rc" -le 125
    like "$err" "No space left" "with $free bytes free the message says so"
    run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
    exit_is 1 "with $free bytes free nothing of the segment is there"
    is "$(find "$SCRATCH/disk/repo" -type f -size +1000k)" "" "with $free bytes free no torn file stays"
done
rm "$SCRATCH/disk/ballast"
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "with room again the same push succeeds"
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
ok "and the segment is whole" cmp "$SCRATCH/source/pg_wal/$segment" "$SCRATCH/tmp/got"
rm -f "$SCRATCH/tmp/got"

# ---------------------------------------------------------------------------------- the server's own view
expect_log 'archive command failed with exit code'
expect_log 'ERROR:  .*No space left'
cluster_set source archive_command "$(archive_command)"
cluster_reload source
more=$(switch_wal source)
ok "the server meets the full disk" wait_until 60 grep -q "No space left" "$(cluster_log source)"
not_ok "and keeps the segment" wal_is_archived source "$more"
small_disk_resize "$SCRATCH/disk" 400m
ok "with a larger disk it archives what it kept" wait_for_archive source "$more" 120
run in_pgdata fetch "$more" "$SCRATCH/tmp/got"
ok "byte for byte" cmp "$SCRATCH/source/pg_wal/$more" "$SCRATCH/tmp/got"
rm -f "$SCRATCH/tmp/got"

# --------------------------------------------------------------------------------------- during a backup
expect_log 'connection to client lost|could not send data|base backup could not'
fill_disk "$SCRATCH/disk" 4194304
run pitr backup --checkpoint fast
unlike "$rc" '^0$' "a backup for which there is no room is no success"
rm "$SCRATCH/disk/ballast"
is "$(backup_ids)" "" "and none is visible"
run pitr backup --checkpoint fast
exit_is 0 "with room again a backup succeeds"
sql source "insert into t values (-1, 'after the backup')"
last=$(archive_all source)

# ------------------------------------------------------------------------------------- fetch's destination
small_disk "$SCRATCH/little" 20m || die "one disk could be mounted, the second not"
for free in 0 4096 65536 8388608 16773120; do
    fill_disk "$SCRATCH/little" $free
    run in_pgdata fetch "$last" "$SCRATCH/little/RECOVERYXLOG"
    exit_is 200 "a fetch onto a disk with $free bytes free is no end of WAL"
    is "$(ls -A "$SCRATCH/little")" ballast "a fetch onto a disk with $free bytes free leaves nothing there"
done
rm -f "$SCRATCH/little/ballast"

# ------------------------------------------------------------------------------------------------ restore
run pitr restore --pgdata "$SCRATCH/little/copy"
exit_is 6 "a restore onto a disk that is too small fails"
like "$err" "No space left" "and says so"
not_ok "and cannot be started" test -e "$SCRATCH/little/copy/global/pg_control"

# -------------------------------------------------------------------------------------------------- spool
# The spool is a cache. Whatever a full one does to a command, its answer has to be true.
rm -rf "${SCRATCH:?}/little/copy"
as_pg mkdir -m 700 "$SCRATCH/little/spool"
sed -i "s|^spool = .*|spool = $SCRATCH/little/spool|" "$CONF"
cluster_set source archive_command /bin/true
cluster_reload source
fill_disk "$SCRATCH/little" 0
segment=$(switch_wal source)
run in_pgdata archive "pg_wal/$segment"
archived=$rc
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
if [ "$archived" = 0 ]; then
    ok "archived with a full spool, it is there" cmp "$SCRATCH/source/pg_wal/$segment" "$SCRATCH/tmp/got"
else
    ok "refused with a full spool, PostgreSQL tries again" test "$archived" -le 125
fi
rm -f "$SCRATCH/tmp/got"
rm "$SCRATCH/little/ballast"
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "with room in the spool the push succeeds"
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
ok "and the segment is whole" cmp "$SCRATCH/source/pg_wal/$segment" "$SCRATCH/tmp/got"

cluster_stop source
finish
