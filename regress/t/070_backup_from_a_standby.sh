#!/bin/bash
# A backup taken from a standby: no segment switch at either end, WAL archived by the primary only. The backup waits
# for the primary's WAL, and restores like any other.
. "$(dirname "$0")/../lib.sh"
story "a backup from a standby waits for the primary's WAL and restores like any other"

cluster_init primary
{ section_cluster primary; section_local; } | write_config
cluster_start primary
must "the repository is set up" pitr init
sql primary "create table t (n int); insert into t values (1)"
must "a backup of the primary is taken" pitr backup --checkpoint fast
first=$out
sql primary "insert into t values (2)"
archive_all primary > /dev/null

# The standby itself is made by pitr, too.
must "a standby is restored" pitr restore --standby --pgdata "$SCRATCH/standby"
ok "it has a standby.signal" test -e "$SCRATCH/standby/standby.signal"
not_ok "and no recovery.signal" test -e "$SCRATCH/standby/recovery.signal"
cluster_adopt standby
echo "primary_conninfo = '$(cluster_conninfo primary)'" | as_pg tee -a "$SCRATCH/standby/postgresql.auto.conf" > /dev/null
cluster_start standby
streams() { [ "$(sql_quiet primary "select count(*) from pg_stat_replication where state = 'streaming'")" = 1 ]; }
ok "it catches up from the archive and streams" wait_until 60 streams
sql primary "insert into t values (3)"
sees() { [ "$(sql_quiet "$1" 'select max(n) from t')" = "$2" ]; }
ok "and follows the primary" wait_until 30 sees standby 3

{ section_cluster standby; section_local; } | write_config "$SCRATCH/standby.conf"
on_standby() { local command=$1; shift; as_pg "$PITR_BIN" "$command" --config "$SCRATCH/standby.conf" "$@"; }

# Nobody ends the primary's segment: the WAL of the backup does not arrive, and there is no backup.
sed -i 's/^wal-timeout.*/wal-timeout = 3s/' "$SCRATCH/standby.conf"
sql primary "checkpoint"
sql standby "checkpoint"
sql primary "insert into t values (4)"
wait_until 30 sees standby 4
run on_standby backup --checkpoint fast
exit_is "3 5" "while the primary does not end its segment the backup is no success"
like "$err" '0000000100000000[0-9A-F]{8}' "the segment it waited for is named"
is "$(backup_ids)" "$first" "and no backup becomes visible"

# With a primary that goes on, it arrives.
sed -i 's/^wal-timeout.*/wal-timeout = 60s/' "$SCRATCH/standby.conf"
go_on() { while sleep 1; do switch_wal primary; done; }
background go_on > /dev/null 2>&1
mover=$!
run on_standby backup --checkpoint fast
kill "$mover" && wait "$mover" 2>/dev/null
exit_is 0 "with a primary that goes on the backup succeeds"
backup=$out
is "$(backup_ids | wc -l)" 2 "and is the second one"
like "$(pitr list)" "$backup" "list shows it"

sql primary "insert into t values (5)"
sql primary "select pg_create_restore_point('five')" > /dev/null
sql primary "insert into t values (6)"
archive_all primary > /dev/null
must "the standby's backup is restored" pitr restore --pgdata "$SCRATCH/copy" --backup "$backup" --target-name five --target-action promote
not_ok "the standby's own signal file is gone" test -e "$SCRATCH/copy/standby.signal"
unlike "$(cat "$SCRATCH/copy/postgresql.auto.conf")" '^primary_conninfo' "its connection to the primary is stripped"
cluster_adopt copy
is "$(cluster_recover copy)" promoted "recovered"
is "$(sql copy "select string_agg(n::text, ' ' order by n) from t")" "1 2 3 4 5" "and ends at its target"
cluster_stop copy

# A standby that is promoted in the middle has no backup.
expect_log 'standby was promoted during online backup|terminating walreceiver process'
expect_log 'ERROR:  .*backup'
expect_log 'ERROR:  relation "bulk" does not exist' # asked for until it has come
sql primary "create table bulk as select g as n, repeat(md5(g::text), 20) as text from generate_series(1, 60000) g"
bulk_is_there() { [ "$(sql_quiet standby "select count(*) from bulk")" = 60000 ]; }
wait_until 60 bulk_is_there
visible=$(backup_ids)
background on_standby backup --checkpoint fast --max-rate 2MB > "$SCRATCH/tmp/promoted.out" 2>&1
backup_pid=$!
sends() { [ "$(sql_quiet standby 'select count(*) from pg_stat_progress_basebackup where backup_streamed > 4000000')" = 1 ]; }
ok "a slow backup runs on the standby" wait_until 60 sends
sql standby "select pg_promote()" > /dev/null
wait "$backup_pid"
rc=$? out='' err=$(cat "$SCRATCH/tmp/promoted.out")
unlike "$rc" '^0$' "a backup during which the standby is promoted is no success"
is "$(backup_ids)" "$visible" "and none becomes visible"

cluster_stop standby
cluster_stop primary
finish
