#!/bin/bash
# However a backup ends before its end, no backup becomes visible, and the next one works.
. "$(dirname "$0")/../lib.sh"
story "an interrupted backup leaves no visible backup, and the next one works"

cluster_init source
cluster_set source autovacuum off # nothing but the story touches the page that is to be damaged
{ section_cluster source; section_local; } | write_config
cluster_start source
must "the repository is set up" pitr init
sql source "create table t as select g as n, repeat(md5(g::text), 20) as text from generate_series(1, 60000) g"

# A backup at 4 MB/s of some 70 MB takes long enough to be met in the middle.
slow_backup() {
    background pitr backup --checkpoint fast --max-rate 4MB > "$SCRATCH/tmp/backup.out" 2> "$SCRATCH/tmp/backup.err"
    backup_pid=$!
    sends() { [ "$(sql_quiet source 'select count(*) from pg_stat_progress_basebackup where backup_streamed > 8000000')" = 1 ]; }
    ok "$1: a backup is on its way" wait_until 60 sends
}
nothing_visible() { # WHAT
    is "$(backup_ids)" "" "$1: no backup is visible"
    is "$(find "$SCRATCH/repo" -name backup.json)" "" "$1: nor a record of one"
    run pitr plan
    exit_is 3 "$1: nothing can be planned on it"
}
expect_log 'could not send data|connection to client lost|base backup could not|could not receive data|terminating connection|unexpected EOF'

slow_backup "pitr killed"
kill -9 "$backup_pid"
wait "$backup_pid" 2>/dev/null
nothing_visible "pitr killed"

slow_backup "pitr interrupted"
kill -INT "$backup_pid"
wait "$backup_pid" 2>/dev/null
rc=$?
unlike "$rc" '^0$' "pitr interrupted: it is no success"
nothing_visible "pitr interrupted"

slow_backup "server crashed"
cluster_crash source
wait "$backup_pid"
rc=$? out=$(cat "$SCRATCH/tmp/backup.out") err=$(cat "$SCRATCH/tmp/backup.err")
exit_is "5 6" "server crashed: the backup fails"
is "$out" "" "server crashed: no ID is printed"
like "$err" 'server|connection' "server crashed: the message says that the server went away"
nothing_visible "server crashed"
cluster_start source

slow_backup "backend terminated"
sql source "select pg_terminate_backend(pid) from pg_stat_progress_basebackup" > /dev/null
wait "$backup_pid"
rc=$?
unlike "$rc" '^0$' "backend terminated: the backup fails"
nothing_visible "backend terminated"

# A damaged page: the server tells only after it has sent everything.
cluster_stop source
as_pg pg_checksums --enable -D "$SCRATCH/source" > /dev/null 2>&1
cluster_start source
file=$SCRATCH/source/$(sql source "select pg_relation_filepath('t')")
sql source "checkpoint"
expect_log 'checksum|invalid page'
cp -p "$file" "$SCRATCH/tmp/page"
printf '\xff\x00\xff\x00' | dd of="$file" bs=1 seek=$((8192 * 10 + 4000)) conv=notrunc status=none
run pitr backup --checkpoint fast
unlike "$rc" '^0$' "damaged page: a backup with a wrong page checksum is no success"
like "$err" checksum "damaged page: the message says so"
nothing_visible "damaged page"
cluster_stop source
cp -p "$SCRATCH/tmp/page" "$file"
cluster_start source

run pitr backup --checkpoint fast
exit_is 0 "the next backup works"
backup=$out
is "$(backup_ids)" "$backup" "and is the only one to be seen"
archive_all source > /dev/null
must "it is restored" pitr restore --pgdata "$SCRATCH/copy"
cluster_adopt copy
is "$(cluster_recover copy)" promoted "recovered"
dump_equal source copy "and equals its source"
run pitr backup --checkpoint fast
exit_is 0 "and so does another one"
is "$(backup_ids | wc -l)" 2 "beside the first"
cluster_stop copy
cluster_stop source
finish
