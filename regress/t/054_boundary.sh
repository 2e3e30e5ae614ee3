#!/bin/bash
# What a plan predicts is what the restored server has: the last transaction that is kept is committed there, at the
# time that was told, and the first that is lost is not. Transaction n inserts row n and nothing else.
# versions: all
. "$(dirname "$0")/../lib.sh"
story "the last kept and first lost transaction of a plan are those of the restored server, for every kind of target"

cluster_init source
cluster_set source autovacuum off # no transactions but ours
{ section_cluster source; section_local; } | write_config
cluster_start source
must "the repository is set up" pitr init

declare -A xid=() us=() from=() to=()
insert_in() { # CLUSTER N: notes the transaction's xid, its commit time, and the positions its records lie between
    from[$2]=$(sql "$1" "select pg_current_wal_insert_lsn()")
    xid[$2]=$(sql "$1" "insert into t values ($2) returning xmin")
    to[$2]=$(sql "$1" "select pg_current_wal_insert_lsn()")
    us[$2]=$(sql "$1" "select (extract(epoch from pg_xact_commit_timestamp('${xid[$2]}')) * 1000000)::bigint")
}
insert() { insert_in source "$1"; }
time_of() { # MICROSECONDS
    sql source "select timestamptz 'epoch' + interval '1 microsecond' * $1"
}
between() { time_of $(((${us[$1]} + ${us[$2]}) / 2)); } # N N

sql source "create table t (n int primary key)"
insert 1
must "a backup is taken" pitr backup --checkpoint fast
backup=$out
for n in 2 3; do insert $n; done
archive_all source > /dev/null
for n in 4 5; do insert $n; done
# Nobody works: segments without a transaction.
archive_all source > /dev/null
archive_all source > /dev/null
idle=$(sql source "select clock_timestamp()")
archive_all source > /dev/null
archive_all source > /dev/null
insert 6
sql source "begin; insert into t values (60); rollback"
sql source "select pg_create_restore_point('after six')" > /dev/null
insert 7
archive_all source > /dev/null
for n in 8 9; do insert $n; done
archive_all source > /dev/null

# ----------------------------------------------------------------------------- told, and found on the restored server
is_transaction() { # MEMBER-OF-THE-PLAN N WHAT
    IFS='|' read -r got_xid got_us got_lsn <<< "$(jq -r ".end.$1 | \"\\(.xid)|\\(.commit_us)|\\(.lsn)\"" <<< "$plan")"
    is "$got_xid $got_us" "${xid[$2]} ${us[$2]}" "$3: the plan tells xid and time of transaction $2"
    is "$(sql source "select '${from[$2]}' < '$got_lsn'::pg_lsn and '$got_lsn'::pg_lsn < '${to[$2]}'")" t \
        "$3: and where its commit lies"
}
# What the restored server itself says of a transaction: committed when, or why not.
said_of() { # CLUSTER XID
    sql "$1" "select case when '$2'::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) then 'unborn'
        when pg_xact_status('$2') = 'committed'
            then 'committed at ' || (extract(epoch from pg_xact_commit_timestamp('$2')) * 1000000)::bigint
        else pg_xact_status('$2') end"
}
copies=0
predicted() { # WHAT ROWS KEPT LOST OPTION…: ROWS are all that have to be there; LOST may be -, for none
    local what=$1 rows=$2 kept=$3 lost=$4 name=copy$((copies += 1)) n
    shift 4
    run pitr plan --json "$@"
    exit_is 0 "$what: planned"
    plan=$out
    is_transaction last_kept "$kept" "$what"
    if [ "$lost" = - ]; then
        is "$(jq .end.first_discarded <<< "$plan")" null "$what: the plan tells that nothing is lost"
    else
        is_transaction first_discarded "$lost" "$what"
    fi
    run pitr restore --pgdata "$SCRATCH/$name" --target-action promote "$@"
    exit_is 0 "$what: restored"
    [ "$rc" = 0 ] || return
    cluster_adopt $name
    is "$(cluster_recover $name)" promoted "$what: recovered"
    is "$(said_of $name "${xid[$kept]}")" "committed at ${us[$kept]}" "$what: the last kept is committed, at that time"
    if [ "$lost" != - ]; then
        is "$(said_of $name "${xid[$lost]}")" unborn "$what: the server has not come as far as the first lost"
    fi
    is "$(sql $name "select string_agg(n::text, ' ' order by n) from t")" "$rows" "$what: nothing is between them"
    is "$(sql $name "select string_agg(xmin || ' ' ||
            (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint, ', ' order by n) from t")" \
        "$(for n in $rows; do echo "${xid[$n]} ${us[$n]}"; done | paste -sd, | sed 's/,/, /g')" \
        "$what: each of them as it was"
    cluster_crash $name
    rm -rf "${SCRATCH:?}/$name"
}
predicted "a time between commits" "1 2 3" 3 4 --target-time "$(between 3 4)"
predicted "a commit's time" "1 2 3 4" 4 5 --target-time "$(time_of "${us[4]}")"
predicted "a commit's time, exclusive" "1 2 3" 3 4 --target-time "$(time_of "${us[4]}")" --exclusive
predicted "a time when nobody worked" "1 2 3 4 5" 5 6 --target-time "$idle"
predicted "an LSN" "1 2 3 4 5 6" 6 7 --target-lsn "${to[6]}"
predicted "an xid" "1 2 3 4" 4 5 --target-xid "${xid[4]}"
predicted "an xid, exclusive" "1 2 3 4 5 6" 6 7 --target-xid "${xid[7]}" --exclusive
predicted "a restore point" "1 2 3 4 5 6" 6 7 --target-name 'after six'
predicted "the moment before the last commit" "1 2 3 4 5 6 7 8" 8 9 --target-time "$(time_of $((${us[9]} - 1)))"
predicted "the very end" "1 2 3 4 5 6 7 8 9" 9 - --target-time "$(time_of "${us[9]}")" --or-latest
predicted "all there is" "1 2 3 4 5 6 7 8 9" 9 -

# -------------------------------------------------------------------------------------- too early for any backup
run pitr plan --target-time "$(time_of "${us[1]}")"
exit_is 3 "a time before the backup's end is refused"
like "$err" "The earliest moment that can be restored .* backup $backup" "and the earliest that can be had is told"
earliest=$(sed -nE 's/.*The earliest moment that can be restored is ([0-9-]+ [0-9:.]+\+00) .*/\1/p' <<< "$err")
run pitr plan --target-time "$earliest"
exit_is 0 "which indeed can be planned"
run pitr restore --pgdata "$SCRATCH/early" --target-time "$(time_of "${us[1]}")"
exit_is 3 "restore refuses it too"
not_ok "and writes nothing" test -e "$SCRATCH/early/PG_VERSION"
run pitr plan --target-time "$(time_of "${us[9]}")"
exit_is 3 "a time that no transaction follows is refused without --or-latest"
like "$err" "is archived: the last one is of $(time_of "${us[9]}" | sed 's/[.+].*//')" \
    "and the last moment is told"

# ------------------------------------------------------------------------------- the same time on two timelines
must "a copy that goes on archiving is restored" pitr restore --pgdata "$SCRATCH/other" --target-name 'after six' \
    --target-action promote --keep-archiving
cluster_adopt other
is "$(cluster_recover other)" promoted "and promoted, to timeline 2"
insert_in other 102
insert 10
insert_in other 103
both=$(sql source "select clock_timestamp()")
insert 11
insert_in other 104
archive_all source > /dev/null
archive_all other > /dev/null
ok "its history is archived" wait_for_archive other 00000002.history
run pitr plan --target-time "$both"
exit_is 0 "a time that lies on two timelines is planned"
like "$out" "^Ends at .* on timeline 2" "on the newest of them"
like "$out" "the target time lies on timeline 1 too" "and the other is named"
predicted "a time on both, by default" "1 2 3 4 5 6 102 103" 103 104 --target-time "$both"
predicted "the same on the abandoned timeline" "1 2 3 4 5 6 7 8 9 10" 10 11 --target-time "$both" --target-timeline 1
predicted "the same on timeline 2" "1 2 3 4 5 6 102 103" 103 104 --target-time "$both" --target-timeline 2
cluster_stop other
cluster_stop source
finish
