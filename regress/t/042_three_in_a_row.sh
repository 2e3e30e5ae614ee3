#!/bin/bash
# Restored, promoted, gone on, three times over, as it happens when the first restore was not the right one yet. All of
# it from one backup; nobody touches the archive or its configuration in between, and every branch stays reachable.
# versions: all
. "$(dirname "$0")/../lib.sh"
story "three restores in a row, each of the timeline that the last one began, end as predicted; each branch stays"

cluster_init source
cluster_set source autovacuum off
{ section_cluster source; section_local; } | write_config
cluster_start source
must "the repository is set up" pitr init
sql source "create table t (n int primary key); insert into t values (1)"
must "a backup is taken, the only one" pitr backup --checkpoint fast

rows() { sql "$1" "select string_agg(n::text, ' ' order by n) from t"; }
timeline() { sql "$1" "select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"; }
# Three transactions; the moment wished for is the one between the second and the third.
work_on() { # CLUSTER FIRST
    kept=$(sql "$1" "insert into t values ($2)" && sql "$1" "insert into t values ($(($2 + 1))) returning xmin")
    wished=$(sql "$1" "select clock_timestamp()")
    lost=$(sql "$1" "insert into t values ($(($2 + 2))) returning xmin")
    archive_all "$1" > /dev/null || die "$1 does not archive"
}
# The server goes away, a restored one takes its place and goes on archiving.
replace() { # OLD NEW TIMELINE ROWS
    run pitr plan --json --target-time "$wished"
    exit_is 0 "$2: planned"
    is "$(jq -r '.end | "\(.last_kept.xid) \(.first_discarded.xid)"' <<< "$out")" "$kept $lost" \
        "$2: with the transactions around the moment"
    cluster_stop "$1"
    must "$2: restored" pitr restore --pgdata "$SCRATCH/$2" --target-time "$wished" --target-action promote \
        --keep-archiving
    cluster_adopt "$2"
    is "$(cluster_recover "$2")" promoted "$2: recovered and promoted"
    is "$(timeline "$2")" "$3" "$2: to timeline $3"
    is "$(rows "$2")" "$4" "$2: with the rows up to that moment"
    is "$(sql "$2" "select pg_xact_status('$kept')")" committed "$2: the last kept transaction is committed"
    is "$(sql "$2" "select xmin from t where n = (select max(n) from t)")" "$kept" "$2: and wrote the last row"
    ok "$2: its history is archived" wait_for_archive "$2" "0000000$3.history"
}
work_on source 2
replace source first 2 "1 2 3"
work_on first 102
replace first second 3 "1 2 3 102 103"
work_on second 202
replace second third 4 "1 2 3 102 103 202 203"
work_on third 302
cluster_stop third

run pitr list
exit_is 0 "all of it is listed"
for n in 1 2 3 4; do like "$out" "Restorable on timeline $n[;,]" "timeline $n can be restored"; done
copies=0
branch() { # TIMELINE ROWS OPTION…
    local name=copy$((copies += 1)) what="timeline $1${3:+, a moment of it}"
    must "$what: restored" pitr restore --pgdata "$SCRATCH/$name" --target-timeline "$1" --target-action promote \
        "${@:3}"
    cluster_adopt $name
    is "$(cluster_recover $name)" promoted "$what: recovered"
    is "$(rows $name)" "$2" "$what: has its rows and no others"
    cluster_crash $name
    rm -rf "${SCRATCH:?}/$name"
}
branch 1 "1 2 3 4"
branch 2 "1 2 3 102 103 104"
branch 3 "1 2 3 102 103 202 203 204"
branch 4 "1 2 3 102 103 202 203 302 303 304"
branch 4 "1 2 3 102 103 202 203 302 303" --target-time "$wished"
finish
