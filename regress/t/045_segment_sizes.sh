#!/bin/bash
# Segments need not have 16 MiB. With the smallest and with a large size a cluster is archived, backed up and restored to
# a moment like any other.
. "$(dirname "$0")/../lib.sh"
story "clusters with segments of 1 MiB and of 64 MiB are archived, backed up and restored"

cycle() { # NAME MEBIBYTES ROWS
    local name=$1 rows=$3 moment segment
    as_pg mkdir "$SCRATCH/repo/$name"
    cluster_init "$name" --wal-segsize="$2"
    cluster_set "$name" max_wal_size 1GB
    cluster_set "$name" wal_keep_size 0
    { section_cluster "$name"; section_local local "$SCRATCH/repo/$name"; } | write_config
    cluster_start "$name"
    must "$name: the repository is set up" pitr init
    sql "$name" "create table t as select g as n, md5(g::text) as text from generate_series(1, $rows) g"
    must "$name: a backup is taken" pitr backup --checkpoint fast
    sql "$name" "insert into t select n + $rows, text from t"
    moment=$(sql "$name" "select now()")
    dump_to "$name" "$SCRATCH/tmp/$name.sql"
    sleep 0.1
    sql "$name" "drop table t"
    segment=$(archive_all "$name") || fail "$name: all of its WAL is archived"
    run in_pgdata "$name" fetch "$segment" "$SCRATCH/tmp/got"
    exit_is 0 "$name: a segment can be fetched"
    is "$(stat -c %s "$SCRATCH/tmp/got")" $(($2 << 20)) "$name: and has its size"
    rm -f "$SCRATCH/tmp/got"
    run pitr plan --json --target-time "$moment"
    ok "$name: the plan spans several segments" test "$(jq .wal.segments <<< "$out")" -gt 1
    must "$name: restored" pitr restore --pgdata "$SCRATCH/copy-$name" --target-time "$moment" --target-action promote
    cluster_stop "$name"
    cluster_adopt "copy-$name"
    is "$(cluster_recover "copy-$name")" promoted "$name: recovered"
    dump_equal "$SCRATCH/tmp/$name.sql" "copy-$name" "$name: and equals the source at the target"
    cluster_stop "copy-$name"
}
in_pgdata() { (cd "$SCRATCH/$1" && shift && pitr "$@"); }

cycle small 1 40000
cycle large 64 400000
finish
