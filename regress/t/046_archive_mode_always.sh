#!/bin/bash
# A standby with archive_mode = always pushes what its primary pushes, and the segment in which its primary left the
# timeline: full in name and size, with an end inside it that is no damage.
. "$(dirname "$0")/../lib.sh"
story "a standby that archives too meets its primary's segments, and archives the end of a timeline without alarm"

expect_log 'FATAL:  (the database system is shutting down|terminating walreceiver process|could not (connect to the primary|send end-of-streaming|receive data from WAL))'
cluster_init primary
{ section_cluster primary; section_local; } | write_config
cluster_start primary
sql primary "create table t (n int)"
standby_of() { # NAME UPSTREAM ARCHIVE-MODE
    must "$1 is copied from $2" as_pg pg_basebackup -D "$SCRATCH/$1" -h "$SCRATCH/sock" -p "${CLUSTER_PORT[$2]}" -U postgres -c fast
    as_pg touch "$SCRATCH/$1/standby.signal"
    cluster_adopt "$1"
    cluster_set "$1" primary_conninfo "$(cluster_conninfo "$2")"
    cluster_set "$1" archive_mode "$3"
    cluster_start "$1"
}
standby_of heir primary off
standby_of archiving heir always

# ------------------------------------------------------------------------------------ the primary's segments
sql primary "insert into t select generate_series(1, 300000)"
segment=$(archive_all primary)
ok "the standby archives what the primary has archived" wait_until 60 test -e \
    "$SCRATCH/archiving/pg_wal/archive_status/$segment.done"
is "$(stored_file "$segment" | wc -l)" 1 "and meets its object"

# --------------------------------------------------------------------------------------- the end of timeline 1
sql primary "insert into t select generate_series(1, 1000)"
caught_up() { [ "$(sql "$1" "select pg_last_wal_replay_lsn() >= '$written'::pg_lsn")" = t ]; }
written=$(sql primary "select pg_current_wal_flush_lsn()")
ok "the standbys have it all" eval 'wait_until 30 caught_up heir && wait_until 30 caught_up archiving'
last=$(sql primary "select pg_walfile_name('$written')")
cluster_crash primary # a shutdown would end its segment with a switch
sql heir "select pg_promote()" > /dev/null
sql heir "insert into t select generate_series(1, 1000)"
ok "the standby archives the segment in which timeline 1 ends" wait_for_archive archiving "$last"
is "$(find "$SCRATCH/repo" -name "$last" | wc -l)" 1 "under its full name"
unlike "$(cat "$(cluster_log archiving)")" 'valid WAL ends' "and its end is not taken for damage"
ok "with the history that tells of it" wait_for_archive archiving 00000002.history

cluster_stop archiving
cluster_stop heir
finish
