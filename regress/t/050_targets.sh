#!/bin/bash
# Every kind of target ends where it should, inclusive and exclusive. Transaction n inserts row n and nothing else, so
# the highest n of a restored copy says where its recovery ended.
. "$(dirname "$0")/../lib.sh"
story "a restore to a time, an LSN, an xid, a name, immediate and latest ends exactly there"

cluster_init source
cluster_set source autovacuum off # no transactions but ours
{ section_cluster source; section_local; } | write_config
cluster_start source
must "the repository is set up" pitr init
sql source "create table t (n int primary key); insert into t values (1)"
sql source "insert into t values (2)"
must "a backup is taken" pitr backup --checkpoint fast

insert() { # N: notes the transaction's xid, its commit time, and the LSN after its commit
    xid[$1]=$(sql source "insert into t values ($1) returning xmin")
    after[$1]=$(sql source "select pg_current_wal_insert_lsn()")
    time[$1]=$(sql source "select pg_xact_commit_timestamp('${xid[$1]}')")
    sleep 0.05
}
for n in 3 4 5; do insert $n; done
archive_all source > /dev/null
insert 6
sql source "select pg_create_restore_point('after six')" > /dev/null
insert 7
# An aborted transaction has a time and an xid too.
expect_log 'ERROR:  division by zero'
aborted_xid=$(sql source "begin; insert into t values (70); select pg_current_xact_id(); rollback")
sub_xid=$(sql source "begin; savepoint s; create table sub (n int); insert into sub values (1) returning xmin; commit")
insert 8
archive_all source > /dev/null
insert 9
last=$(archive_all source)

# Where the commit record of a transaction begins, from PostgreSQL's own reader.
first=$(ls "$SCRATCH/source/pg_wal" | grep -E '^[0-9A-F]{24}$' | head -1)
commit_lsn() { # XID
    as_pg pg_waldump -p "$SCRATCH/source/pg_wal" -r Transaction "$first" "$last" 2>/dev/null |
        sed -nE "s|.* tx: +$1, lsn: ([0-9A-F]+/[0-9A-F]+), .* desc: COMMIT.*|\1|p"
}
six=$(commit_lsn "${xid[6]}")
like "$six" '^[0-9A-F]+/[0-9A-F]+$' "the WAL shows where transaction 6 commits"
between=$(sql source "select '${time[6]}'::timestamptz + ('${time[7]}'::timestamptz - '${time[6]}'::timestamptz) / 2")
zoneless=$(sql source "select to_char('${time[6]}'::timestamptz at time zone 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI:SS.US')")
iso=$(sql source "select to_char('${time[6]}'::timestamptz at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")

copies=0
ends_at() { # EXPECTED-N WHAT OPTION…
    local expected=$1 what=$2 name=copy$((copies += 1))
    shift 2
    run pitr restore --pgdata "$SCRATCH/$name" --target-action promote "$@"
    exit_is 0 "$what: restored"
    [ "$rc" = 0 ] || return
    cluster_adopt $name
    is "$(cluster_recover $name)" promoted "$what: recovered"
    is "$(sql $name 'select max(n), count(*) from t')" "$expected|$expected" "$what: ends after row $expected"
    cluster_crash $name
    rm -rf "${SCRATCH:?}/$name"
}
ends_at 9 "latest"
ends_at 2 "immediate" --target-immediate
ends_at 6 "name" --target-name 'after six'
ends_at 6 "xid" --target-xid "${xid[6]}"
ends_at 5 "xid, exclusive" --target-xid "${xid[6]}" --exclusive
ends_at 7 "xid of an aborted transaction" --target-xid "$aborted_xid"
ends_at 6 "LSN of a commit record" --target-lsn "$six"
ends_at 5 "LSN of a commit record, exclusive" --target-lsn "$six" --exclusive
ends_at 6 "LSN after a commit" --target-lsn "${after[6]}"
ends_at 6 "LSN after a commit, exclusive" --target-lsn "${after[6]}" --exclusive
ends_at 6 "time of a commit" --target-time "${time[6]}"
ends_at 5 "time of a commit, exclusive" --target-time "${time[6]}" --exclusive
ends_at 6 "time between two commits" --target-time "$between"
ends_at 6 "time between two commits, exclusive" --target-time "$between" --exclusive
ends_at 6 "time in ISO form" --target-time "$iso"
ends_at 6 "time with --timezone" --target-time "$zoneless" --timezone Asia/Kolkata
ends_at 9 "time after the end, --or-latest" --target-time '2099-01-01 00:00:00+00' --or-latest
for target in --target-immediate --target-name=x ''; do
    # shellcheck disable=SC2086
    run pitr plan $target --exclusive
    exit_is 2 "${target:-latest} knows no exclusive"
done
# PostgreSQL looks at the xids of whole transactions only, and would go on to the end of the WAL.
run pitr plan --target-xid "$sub_xid"
exit_is 3 "xid of a savepoint: refused"
like "$err" "A savepoint .* has an xid of its own" "xid of a savepoint: with the reason"
ends_at 6 "a named backup" --backup "$(backup_ids | head -1)" --target-xid "${xid[6]}"

# ------------------------------------------------------------------------------ what happens at the target
must "pause: restored without --target-action" pitr restore --pgdata "$SCRATCH/paused" --target-name 'after six'
cluster_adopt paused
is "$(cluster_recover paused)" paused "pause: recovery waits at its target"
is "$(sql paused 'select max(n) from t')" 6 "pause: where one can look"
sql paused "select pg_wal_replay_resume()" > /dev/null
promoted() { [ "$(sql_quiet paused 'select pg_is_in_recovery()')" = f ]; }
ok "pause: and resuming promotes" wait_until 60 promoted
is "$(sql paused 'select max(n) from t')" 6 "pause: with the same rows"
cluster_crash paused

must "shutdown: restored" pitr restore --pgdata "$SCRATCH/down" --target-name 'after six' --target-action shutdown
cluster_adopt down
expect_log 'FATAL:  .*(terminating|shut)'
is "$(cluster_recover down)" shutdown "shutdown: the server goes down at its target"

# A dropped database comes back: the reason why a time becomes an LSN.
sql source "create database doomed"
sql source "create table keep (n int); insert into keep values (42)" doomed
insert 10
sql source "drop database doomed"
insert 11
archive_all source > /dev/null
must "drop database: restored to the time before" pitr restore --pgdata "$SCRATCH/undropped" --target-time "${time[10]}" --target-action promote
cluster_adopt undropped
is "$(cluster_recover undropped)" promoted "drop database: recovered"
is "$(sql undropped 'select n from keep' doomed)" 42 "drop database: it is back with its rows"
cluster_crash undropped

cluster_stop source
finish
