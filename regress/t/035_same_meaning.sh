#!/bin/bash
# Two standbys archive the segment in which their primary's timeline ended. Behind that end one has zeros, the other what
# was in the file before: other bytes, the same WAL. The old primary comes back and goes on in that segment: other WAL.
. "$(dirname "$0")/../lib.sh"
story "the same WAL with other filler behind its end is taken as archived, other WAL is refused, and either copy restores"

expect_log 'FATAL:  (the database system is shutting down|terminating walreceiver process|could not (connect to the primary|send end-of-streaming|receive data from WAL))'
cluster_init primary
cluster_set primary wal_keep_size 0 # segments are recycled
{ section_cluster primary; section_local; } | write_config
cluster_start primary
standby_of() { # NAME UPSTREAM ARCHIVE-MODE
    must "$1 is copied from $2" as_pg pg_basebackup -D "$SCRATCH/$1" -h "$SCRATCH/sock" -p "${CLUSTER_PORT[$2]}" -U postgres -c fast
    as_pg touch "$SCRATCH/$1/standby.signal"
    cluster_adopt "$1"
    cluster_set "$1" primary_conninfo "$(cluster_conninfo "$2")"
    cluster_set "$1" archive_mode "$3"
    cluster_start "$1"
}
written() { sql primary "select pg_current_wal_flush_lsn()"; }
has() { [ "$(sql "$1" "select pg_last_wal_replay_lsn() >= '$2'::pg_lsn")" = t ]; }
sql primary "create table t (n int)"
must "a backup is taken" pitr backup --checkpoint fast
standby_of heir primary off
standby_of used heir always

# One standby has lived long enough to write into recycled files, the other has not.
for round in 1 2 3 4 5; do
    sql primary "insert into t select 0 from generate_series(1, 200000)"
    archive_all primary > /dev/null
    sql primary checkpoint
    ok "the standbys follow, round $round" eval "wait_until 60 has used $(written)"
    sql used checkpoint
done
as_pg cp -a "$SCRATCH/repo" "$SCRATCH/second"
{
    section_cluster primary
    section_local
    section_local second "$SCRATCH/second"
} | write_config "$SCRATCH/both.conf"
standby_of fresh heir off
cluster_stop fresh
cluster_set fresh archive_command "while [ ! -e $SCRATCH/tmp/go ]; do sleep 0.1; done; $PITR_BIN archive --config $SCRATCH/both.conf %p"
cluster_set fresh archive_mode always

# ------------------------------------------------------------------------------------ the end of timeline 1
sql primary "insert into t values (1)"
archive_all primary > /dev/null
sql primary "insert into t values (2)"
end=$(written)
last=$(sql primary "select pg_walfile_name('$end')")
cluster_start fresh
ok "the standbys have it all" eval "wait_until 60 has heir $end && wait_until 60 has used $end && wait_until 60 has fresh $end"
cluster_crash primary # a shutdown would end its segment with a switch
sql heir "select pg_promote()" > /dev/null
sql heir "insert into t values (3)"
ok "the first standby archives the segment in which timeline 1 ends" wait_for_archive used "$last"
as_pg touch "$SCRATCH/tmp/go"
ok "the second one does, too" wait_for_archive fresh "$last"
not_ok "their bytes differ" cmp -s "$SCRATCH/used/pg_wal/$last" "$SCRATCH/fresh/pg_wal/$last"
notices() { grep -F "\"$last\" was stored already in repository" "$(cluster_log fresh)"; }
like "$(notices)" 'in repository "local", with the same WAL up to its end at LSN [0-9A-F/]+ and other filler' "and is told what it met"
is "$(notices | wc -l)" 1 "in that repository only"
stored_sha() { head -c 4096 "$1" | grep -aoE '"sha256":"[0-9a-f]{64}"' | cut -d '"' -f 4; }
is "$(stored_sha "$(stored_file "$last")")" "$(sha256sum < "$SCRATCH/used/pg_wal/$last" | cut -c 1-64)" "the first one's copy stays"
is "$(stored_sha "$(stored_file "$last" "$SCRATCH/second")")" "$(sha256sum < "$SCRATCH/fresh/pg_wal/$last" | cut -c 1-64)" "the other repository has the second one's"
archive_from() { (cd "$SCRATCH/$1" && as_pg "$PITR_BIN" archive --config "$2" "pg_wal/$last"); }
for server in used fresh; do
    run archive_from "$server" "$CONF"
    exit_is 0 "$server: pushed again"
done

# -------------------------------------------------------------------------------- the old primary comes back
expect_log 'archive command failed with exit code 3'
expect_log 'ERROR:  .*is already stored with other content'
cluster_start primary
sql primary "insert into t values (4)"
is "$(switch_wal primary)" "$last" "the old primary goes on in that segment"
refused() { grep -qF "\"$last\" is already stored with other content" "$(cluster_log primary)"; }
ok "and is refused" wait_until 60 refused
like "$(grep -F "\"$last\" is already stored" "$(cluster_log primary)")" \
    'there from .*, where valid WAL ends at LSN .*; here from .*, where valid WAL ends at LSN ' "both ends are named"
cluster_crash primary

# --------------------------------------------------------------------------------------- either copy restores
restored() { # NAME DIR
    { section_cluster heir; section_local local "$2"; } | write_config
    must "$1: restored to the end of timeline 1" pitr restore --pgdata "$SCRATCH/$1" --target-timeline 1 --target-action promote
    cluster_adopt "$1"
    is "$(cluster_recover "$1")" promoted "$1: recovered"
    is "$(sql "$1" "select string_agg(n::text, ' ' order by n) from t where n > 0")" "1 2" "$1: has it all"
    cluster_stop "$1"
}
restored from_local "$SCRATCH/repo"
restored from_second "$SCRATCH/second"

cluster_stop used
cluster_stop fresh
cluster_stop heir
finish
