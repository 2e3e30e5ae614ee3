#!/bin/bash
# Which times can be restored? What list and plan print is tried, edge by edge.
. "$(dirname "$0")/../lib.sh"
story "the restorable windows and the holes between them are as printed: every edge is tried"

cluster_init source
{ section_cluster source; section_local; } | write_config
cluster_start source
must "the repository is set up" pitr init
sql source "create table t (n int)"
archive_all source > /dev/null

run pitr list
like "$out" 'Nothing can be restored on timeline 1$' "without a backup nothing can be restored"
like "$out" 'HOLE, LSN .*: no backup whose WAL is whole$' "and the reason is told"

# ------------------------------------------------------------------------------------------------- reading JSON
listed() { pitr list --json | jq -r ".repositories[0].lines[0].restorable[] | $1"; }
on() { listed "select(.timeline == $1) | $2"; } # TIMELINE FILTER
time_of() { sql source "select to_timestamp($1::numeric / 1000000)::timestamptz + interval '${2:-0} microseconds'"; }
reached() { # WHAT TIMELINE TIME OPTION…
    local what=$1 timeline=$2 time=$3
    shift 3
    run pitr plan --target-timeline "$timeline" --target-time "$time" "$@"
    exit_is 0 "$what, $time on timeline $timeline, can be reached"
}
not_reached() { # WHAT TIMELINE TIME
    run pitr plan --target-timeline "$2" --target-time "$3"
    exit_is 3 "$1, $3 on timeline $2, is refused"
}
# Every window's first moment and the last before its last transaction; that itself; and what lies around.
try_edges() { # TIMELINE
    local from last end
    while read -r from last end; do
        reached "a window's first moment" "$1" "$(time_of "$from")"
        not_reached "the moment before" "$1" "$(time_of "$from" -1)"
        reached "the moment before its last transaction" "$1" "$(time_of "$last" -1)"
        reached "its last transaction" "$1" "$(time_of "$last")" --or-latest
        is "$(pitr plan --json --target-timeline "$1" --or-latest --target-time "$(time_of "$last")" | jq .end.last_kept.commit_us)" \
            "$last" "which is the last kept"
        not_reached "what is behind it" "$1" "$(time_of "$last" 1)"
        run pitr plan --target-timeline "$1" --target-lsn "$end"
        exit_is 3 "the end of its WAL, $end, is behind its last record"
    done < <(on "$1" '.windows[] | "\(.from_us) \(.last_transaction_us) \(.to_lsn)"')
    while read -r from last; do
        not_reached "a time in a hole" "$1" "$(time_of "$(((from + last) / 2))")"
    done < <(on "$1" '.holes[] | select(.from_us and .to_us) | "\(.from_us) \(.to_us)"')
}

# ------------------------------------------------------------------------------------------------- one window
must "a backup is taken" pitr backup --checkpoint fast
first_backup=$out
run pitr list
like "$out" '^      [-0-9]{10} [:.0-9]+\+00 +only: no transaction follows +LSN .* from backup '"$first_backup"'$' \
    "a backup without anything behind it is a single moment"
like "$out" 'HOLE, LSN .*: WAL before the first backup$' "the WAL before it is of no use"
sql source "insert into t values (1)"
archive_all source > /dev/null
must "a second one is taken" pitr backup --checkpoint fast
sql source "insert into t values (2)"
last=$(sql source "select extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000 from t where n = 2")
archive_all source > /dev/null
is "$(on 1 '.windows | length')" 1 "backups in one stretch of WAL share a window"
is "$(on 1 '.windows[0].backup')" "$first_backup" "that begins with the first of them"
is "$(on 1 '.windows[0].backups')" 2 "and has both"
is "$(on 1 '.windows[0].last_transaction_us')" "${last%.*}" "it goes as far as the last transaction"
try_edges 1

# ------------------------------------------------------------------------------------------------- a hole
sql source "insert into t values (3)"
gap=$(archive_all source)
sql source "insert into t values (4)"
archive_all source > /dev/null
must "a third backup is taken" pitr backup --checkpoint fast
third_backup=$out
sql source "insert into t values (5)"
sql source "select pg_create_restore_point('fork')" > /dev/null
sql source "insert into t values (6)"
archive_all source > /dev/null
is "$(on 1 '.windows | length')" 1 "all is one window"
stored=$(stored_file "$gap")
mv "$stored" "$SCRATCH/tmp/gap"
is "$(on 1 '.windows | length')" 2 "a missing segment makes two of it"
is "$(on 1 '.windows[1].backup')" "$third_backup" "the second begins with the first backup behind the gap"
is "$(on 1 '.holes[] | select(.kind == "segments-missing") | .missing[0] | "\(.first) \(.last) \(.segments)"')" "$gap $gap 1" \
    "and the hole between has its cause"
is "$(on 1 '.holes[1].from_us')" "$(on 1 '.windows[0].last_transaction_us')" "it begins where the first window ends"
is "$(on 1 '.holes[1].to_us')" "$(on 1 '.windows[1].from_us')" "and ends where the second begins"
run pitr list
like "$out" "HOLE, LSN .*: segment $gap missing$" "the text says so too"
try_edges 1
run pitr plan
exit_is 0 "a plan of all there is begins behind the hole"
like "$out" '^Restorable on timeline 1; newest moment .* old$' "and tells first what can be restored"
like "$out" '^Restore plan for cluster' "then the plan"
unlike "$(pitr plan --target-immediate)" '^Restorable' "with a target it does not"
is "$(pitr plan --json | jq -c .restorable[0].windows | sed 's/"age_us":[0-9]*//g')" \
    "$(on 1 .windows | jq -c . | sed 's/"age_us":[0-9]*//g')" "and as JSON the same as list"

# ---------------------------------------------------------------------------------- timeline 2, beside timeline 1
must "restored to a restore point" pitr restore --pgdata "$SCRATCH/copy" --target-name fork --target-action promote --keep-archiving
cluster_adopt copy
is "$(cluster_recover copy)" promoted "and promoted"
sql copy "insert into t values (102)"
archive_all copy > /dev/null
ok "its history is archived" wait_for_archive copy 00000002.history
is "$(on 2 '"\(.parent) \(.windows | length) \(.holes | length)"')" "1 1 0" "timeline 2 has one window, which is not timeline 1's past"
is "$(on 2 '.windows[0] | "\(.backup) \(.backup_timeline)"')" "$third_backup 1" "it begins with timeline 1's backup"
run pitr list
like "$out" "^    Restorable on timeline 2, which left timeline 1 at [0-9A-F/]+; newest moment" "the text tells where it left"
like "$out" "from backup $third_backup on timeline 1$" "and whose backup it is"
try_edges 2
try_edges 1

# A gap at the end of a timeline: nothing behind it comes back without a backup.
sql copy "insert into t values (103)"
second_gap=$(archive_all copy)
sql copy "insert into t values (104)"
archive_all copy > /dev/null
mv "$(stored_file "$second_gap")" "$SCRATCH/tmp/second_gap"
is "$(on 2 '.holes[0] | "\(.kind) \(.missing[0].first)"')" "no-backup-behind-gap $second_gap" "a gap with no backup behind it is told as such"
run pitr plan
exit_is 3 "a plan of all there is refuses it"
like "$out" "HOLE, LSN .*: segment $second_gap missing, no backup behind it$" "and shows what can be restored"
like "$err" "$second_gap" "beside the reason"
run pitr plan --json
exit_is 3 "as JSON too"
is "$(jq -r '.restorable[1].windows | length' <<< "$out")" 1 "which says what can be restored"
try_edges 2

# ------------------------------------------------------------------------------- what is not whole gives no window
mv "$(stored_file "$(sql source "select pg_walfile_name('$(on 1 '.windows[1].from_lsn')'::pg_lsn - 1)")")" "$SCRATCH/tmp/own"
is "$(on 1 '.useless_backups[0].id')" "$third_backup" "a backup whose own WAL is not whole is told"
is "$(on 1 '.windows | length')" 1 "and begins no window"
is "$(on 2 '.windows | length')" 0 "on timeline 2 neither"
rm "$(stored_file 00000002.history)"
is "$(on 2 '.holes[0].kind')" "history-missing" "a timeline whose history file is lost is told"

cluster_stop copy
cluster_stop source
finish
