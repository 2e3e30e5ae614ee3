#!/bin/bash
# Restoring branches history. Every branch stays reachable, "latest" is the one PostgreSQL calls so, and the parent's
# WAL past a fork is never replayed on the child.
. "$(dirname "$0")/../lib.sh"
story "after a restore both timelines are archived, each can be restored, and the parent's tail never leaks into the child"

cluster_init source
{ section_cluster source; section_local; } | write_config
cluster_start source
must "the repository is set up" pitr init
sql source "create table t (n int); insert into t values (1), (2)"
must "a backup is taken on timeline 1" pitr backup --checkpoint fast
sql source "insert into t values (3)"
sql source "select pg_create_restore_point('fork')" > /dev/null
sql source "insert into t values (4)"
archive_all source > /dev/null
sql source "insert into t values (5)"
parent_last=$(archive_all source)

rows() { sql "$1" "select string_agg(n::text, ' ' order by n) from t"; }
branch() { # NAME OPTION…: restore, promote, and leave it running
    local name=$1
    shift
    must "$name: restored" pitr restore --pgdata "$SCRATCH/$name" --target-action promote "$@"
    cluster_adopt "$name"
    is "$(cluster_recover "$name")" promoted "$name: recovered and promoted"
}
timeline() { sql "$1" "select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"; }

# -------------------------------------------------------------------------- the first branch, timeline 2
branch first --target-name fork --keep-archiving
is "$(rows first)" "1 2 3" "first: ends at the restore point"
is "$(timeline first)" 2 "first: is timeline 2"
is "$(sql first 'show archive_mode')" on "first: --keep-archiving leaves archiving on"
sql first "insert into t values (103)"
sql first "select pg_create_restore_point('second fork')" > /dev/null
child_first=$(archive_all first)
sql first "insert into t values (104)"
child_last=$(archive_all first)
ok "first: its history file is archived" wait_for_archive first 00000002.history
is "${child_first:0:8}" 00000002 "first: its segments are of timeline 2"
run pitr list
exit_is 0 "list shows both timelines"
like "$out" '^ +1 +00000001[0-9A-F]{16} +00000001' "timeline 1 is listed"
like "$out" '^ +2 +00000002[0-9A-F]{16} +00000002' "timeline 2 is listed"
# A promoted server archives the old timeline's last segment as .partial; it is there for a human, recovery never asks.
partial=$(cd "$SCRATCH/first/pg_wal" && ls | grep '\.partial$' | head -1)
[ -z "$partial" ] || ok "first: the old timeline's .partial is archived" wait_for_archive first "$partial"

# ------------------------------------------------------------------------------- restores to each of them
branch latest
is "$(rows latest)" "1 2 3 103 104" "latest: all of timeline 2, nothing of timeline 1 after the fork"
is "$(sql latest 'show archive_mode')" off "latest: a restored copy does not archive by itself"
cluster_stop latest
branch parent --target-timeline 1
is "$(rows parent)" "1 2 3 4 5" "parent: all of timeline 1"
cluster_stop parent
branch current --target-timeline current
is "$(rows current)" "1 2 3 4 5" "current: the backup's own timeline"
cluster_stop current

# ------------------------------------------------------- a second restore after the first, to timeline 3
cluster_stop first
branch second --target-name 'second fork' --keep-archiving
is "$(rows second)" "1 2 3 103" "second: ends at the restore point of timeline 2"
is "$(timeline second)" 3 "second: is timeline 3"
sql second "insert into t values (203)"
archive_all second > /dev/null
ok "second: its history file is archived" wait_for_archive second 00000003.history
cluster_stop second
# The source on its abandoned branch makes the newest backup of all. It does not lie on the others' path.
run pitr backup --checkpoint fast
exit_is 0 "another backup is taken, on timeline 1 behind the forks"
branch third
is "$(rows third)" "1 2 3 103 203" "third: the newest timeline, through both forks"
cluster_stop third
branch middle --target-timeline 2
is "$(rows middle)" "1 2 3 103 104" "middle: timeline 2 can still be restored"
cluster_stop middle
branch oldest --target-timeline 1
is "$(rows oldest)" "1 2 3 4 5" "oldest: timeline 1 too"
cluster_stop oldest

# ---------------------------------------------- the child's first segment is lost: no falling back to the parent's
must "torn: restored while all was there" pitr restore --pgdata "$SCRATCH/torn" --target-timeline 2 --target-action promote
cluster_adopt torn
stored=$(stored_file "$child_first")
mv "$stored" "$SCRATCH/tmp/child"
expect_log 'FATAL:  could not restore file'
expect_log 'ERROR:  '
is "$(cluster_recover torn)" failed "torn: without the child's segment recovery fails"
like "$(cat "$(cluster_log torn)")" 'exit code 200' "torn: because pitr answered 200"
unlike "$(cat "$(cluster_log torn)")" 'selected new timeline|archive recovery complete' "torn: nothing was promoted"
run pitr restore --pgdata "$SCRATCH/planned" --target-timeline 2
exit_is 3 "planned: a new plan sees the gap and refuses"
like "$err" "$child_first" "planned: and names the segment"
mv "$SCRATCH/tmp/child" "$stored"
is "$(cluster_recover torn)" promoted "torn: with the segment back it recovers"
is "$(rows torn)" "1 2 3 103 104" "torn: to all of timeline 2"
cluster_stop torn

# The same at the command itself: the parent's segment at and past the fork is absent on the child's path.
line=$(basename "$(dirname "$(find "$SCRATCH/repo" -name line.json)")")
fork=$(sql source "select pg_walfile_name('$(awk '{print $2}' "$SCRATCH/first/pg_wal/00000002.history")'::pg_lsn)")
path="1:$(awk '{print $2}' "$SCRATCH/first/pg_wal/00000002.history"),2"
fetch() { (cd "$SCRATCH/first" && pitr fetch "$@" --line "$line" --path "$path" --until "$child_last"); }
run fetch "$parent_last" "$SCRATCH/tmp/got"
exit_is 1 "the parent's segment after the fork is absent on the child's path"
run fetch "$child_first" "$SCRATCH/tmp/got"
exit_is 0 "the child's segment is there"
cmp -s "$SCRATCH/tmp/got" "$SCRATCH/first/pg_wal/$child_first" || note "recycled since"
mv "$stored" "$SCRATCH/tmp/child"
run fetch "$child_first" "$SCRATCH/tmp/got"
exit_is 200 "where the child's segment has to be and is not, the answer is not absent"
run fetch "$fork" "$SCRATCH/tmp/got2"
exit_is "1 200" "nor is the parent's copy of the forked segment given instead"
mv "$SCRATCH/tmp/child" "$stored"
run fetch "000000020000000000000FEE" "$SCRATCH/tmp/got2"
exit_is "1 200" "behind the plan's end nothing is found"

cluster_stop source
finish
