#!/bin/bash
# pitr log: what happened, by name, and what undoes it. What it prints is typed in as it stands. What it is held against
# are the version's own readers: pg_waldump where there is one (PITR_TEST_WALDUMP_17 names that of PostgreSQL 17),
# pg_walinspect from 15 on, logical decoding before.
# versions: all
. "$(dirname "$0")/../lib.sh"
story "pitr log tells of every transaction, finds the drop by name, and its own line undoes it"

cluster_init source
cluster_set source autovacuum off
cluster_set source max_prepared_transactions 5
[ "$PG_MAJOR" -ge 15 ] || cluster_set source wal_level logical
{ section_cluster source; section_local; } | write_config
cluster_start source
waldump=PITR_TEST_WALDUMP_$PG_MAJOR
waldump=${!waldump:-$([ ! -x "$PGBIN/pg_waldump" ] || echo "$PGBIN/pg_waldump")}
[ "$PG_MAJOR" -lt 15 ] || sql source "create extension pg_walinspect"
must "the repository is set up" pitr init
sql source "create schema app; create schema old"
sql source "create table orders (n int primary key, v text); insert into orders values (1, 'kept')"
sql source "create table emptied (n int); insert into emptied values (2)"
sql source "create table \"Odd \"\" name\" (n int); insert into \"Odd \"\" name\" values (3)"
sql source "create table sub (n int); insert into sub values (4)"
sql source "create table prepared (n int); insert into prepared values (5)"
sql source "create table old.a (n int); create table old.b (n int); insert into old.a values (6)"
sql source "create database shop"
sql source "create table goods (n int); insert into goods values (7)" shop
mkdir "$SCRATCH/space"
chown "$PG_USER" "$SCRATCH/space"
sql source "create tablespace fast location '$SCRATCH/space'"
must "a backup is taken" pitr backup --checkpoint fast
[ "$PG_MAJOR" -ge 15 ] || sql source "select pg_create_logical_replication_slot('decoded', 'test_decoding')" > /dev/null
since=$(sql source "select now()")

# --------------------------------------------------------------------------------------- what is done to it
insert() { sql source "insert into app.journal values ($1)"; }
sql source "create table app.journal (n int)"
insert 1
sql source "drop table orders"
insert 2
sql source "truncate emptied"
insert 3
sql source "drop table \"Odd \"\" name\""
insert 4
sql source "begin; savepoint s; drop table sub; release s; commit"
insert 5
sql source "begin; drop table prepared; prepare transaction 'later'"
insert 6
sql source "commit prepared 'later'"
insert 7
sql source "drop schema old cascade" 2> /dev/null
insert 8
# Others go on committing while DROP DATABASE waits for its checkpoint: to end before its record is too late.
commit_on() { while :; do insert 0; done; }
background commit_on
busy=$!
sql source "drop database shop"
kill "$busy"
wait "$busy" 2> /dev/null
insert 9
sql source "drop tablespace fast"
insert 10
sql source "select pg_create_restore_point('the end')" > /dev/null
sql source "create table brief (n int)"
sql source "drop table brief"
sql source "vacuum full emptied"
sql source "begin; insert into app.journal values (11); savepoint s; insert into app.journal values (12); rollback to s;
    commit"
sql source "begin; insert into app.journal values (13); prepare transaction 'never'"
sql source "rollback prepared 'never'"
aborts=$(for n in 14 15 16; do
    sql source "begin; insert into app.journal values ($n); select pg_current_xact_id(), pg_current_wal_insert_lsn();
        rollback; select pg_current_wal_insert_lsn()" | tr '|\n' '  '
    echo
done)
expect_log 'ERROR:  division by zero'
sql source "begin; insert into app.journal values (17); select 1/0" 2> /dev/null
last=$(archive_all source)

# ------------------------------------------------------------------------------------ all of it, as PostgreSQL sees it
run pitr log --since 0/1
exit_is 0 "the whole log is read"
log=$out
run pitr log --since 0/1 --json
exit_is 0 "and the same as JSON"
six_digits() { # of the second, in the fifth column
    awk '{ split($5 ".", t, "."); print $1, $2, $3, $4, t[1] "." substr(t[2] "000000", 1, 6) }'
}
ends=$(jq -r 'select(.event == "commit" or .event == "abort")
    | "\(.lsn) \(.xid) \(.event | ascii_upcase) \(.event_time | sub("\\+00$"; ""))"' <<< "$out" | six_digits)
told='^ ([0-9-]+ [0-9:.]+)\+00 +([0-9A-F]+/[0-9A-F]+) +([0-9]+) +(commit|abort|rollback).*'
is "$(sed -nE "s~$told~\\2 \\3 \\4 \\1~p" <<< "$log" |
    sed 's/ commit / COMMIT /; s/ abort \| rollback / ABORT /' | six_digits)" "$ends" \
    "text and JSON tell of the same transactions"

shopt -s lastpipe # what stands behind a pipe counts its checks here, not in a shell of its own
same_as() { # READER OURS: "LSN XID COMMIT|ABORT DAY TIME" in lines, the reader's on stdin
    sort > "$SCRATCH/tmp/wanted"
    sort <<< "$2" > "$SCRATCH/tmp/found"
    ok "$1 tells of transactions" test "$(wc -l < "$SCRATCH/tmp/wanted")" -gt 20
    is "$(diff "$SCRATCH/tmp/wanted" "$SCRATCH/tmp/found")" "" \
        "every commit and abort, its time, xid and LSN, is as $1 has it"
    note "compared with $1: $(cut -d' ' -f3 "$SCRATCH/tmp/wanted" | sort | uniq -c | xargs)"
}
# "LSN XID TYPE DESCRIPTION". Behind COMMIT_PREPARED stands the xid of what was prepared; the record itself has none.
of_records() {
    sed -nE 's/^([^ ]+) [0-9]+ (COMMIT|ABORT)_PREPARED ([0-9]+): /\1 \3 \2 /
        s/^([^ ]+ [0-9]+ (COMMIT|ABORT) [0-9-]+ [0-9:.]+).*/\1/p' | six_digits
}

if [ -n "$waldump" ]; then
    first=$(ls "$SCRATCH/source/pg_wal" | grep -E '^[0-9A-F]{24}$' | head -1)
    "$waldump" -p "$SCRATCH/source/pg_wal" -r Transaction "$first" "$last" 2> /dev/null |
        sed -nE 's|.* tx: +([0-9]+), lsn: ([0-9A-F]+)/0*([0-9A-F]+), .* desc: ([A-Z_]+):? (.*)|\2/\3 \1 \4 \5|p' |
        of_records | same_as "pg_waldump $PG_MAJOR" "$ends"
fi
if [ "$PG_MAJOR" -ge 15 ]; then
    sql source "select start_lsn, xid, record_type, description
        from pg_get_wal_records_info('0/1000028', pg_current_wal_flush_lsn()) where resource_manager = 'Transaction'" |
        sed 's/|/ /; s/|/ /; s/|/ /' | of_records | same_as "pg_walinspect of $PG_MAJOR" "$ends"
else # no reader of WAL comes with it, but logical decoding knows where each commit ends
    sql source "select lsn, data from pg_logical_slot_get_changes('decoded', null, null, 'include-timestamp', 'on')
        where data like 'COMMIT %'" > "$SCRATCH/tmp/decoded"
    first=$(sed -nE '1s/.*COMMIT ([0-9]+) .*/\1/p' "$SCRATCH/tmp/decoded")
    commits=$(jq -r 'select(.event == "commit")
        | "\(.end_lsn) \(.xid) COMMIT \(.event_time | sub("\\+00$"; ""))"' <<< "$out" | six_digits |
        sed -n "/ $first COMMIT /,\$p")
    sed -E 's/\|COMMIT ([0-9]+) \(at ([0-9-]+ [0-9:.]+).*/ \1 COMMIT \2/' "$SCRATCH/tmp/decoded" | six_digits |
        same_as "logical decoding of $PG_MAJOR" "$commits"
fi
while read -r xid before after; do # between which positions the server's own session was when it rolled back
    read -r lsn end <<< "$(jq -r "select(.event == \"abort\" and .xid == $xid) | \"\(.lsn) \(.end_lsn)\"" <<< "$out")"
    is "$(sql source "select '$before' <= '$lsn'::pg_lsn and '$end'::pg_lsn <= '$after'")" t \
        "where transaction $xid aborts"
done <<< "$aborts"
run pitr log --since 0/1
like "$out" 'restore point "the end"' "a restore point is told"
like "$out" '[0-9]+ +prepare$' "a prepared transaction is told"
like "$out" 'commit prepared, in postgres: DROP' "and how it ended"
like "$out" 'commit, 1 subtransaction, in postgres: DROP' "subtransactions are counted"
like "$out" ': (TRUNCATE or )?rewrite ' "a rewrite is no drop"
like "$out" 'CREATE DATABASE shop' "a database that came to be is told"
like "$out" 'end of a backup' "the end of a backup is told"
unlike "$out" 'checkpoint' "checkpoints are not, unless asked for"
run pitr log --since 0/1 --all
like "$out" 'checkpoint, redo at' "with --all they are"

run pitr log --restore-points
exit_is 0 "the last hour is the default"
like "$err" 'the last hour; --since shows more' "and is said"
is "$(wc -l <<< "$out")" 1 "restore points alone"
aborted=$(sed -nE 's/.* ([0-9]+) +abort.*/\1/p' <<< "$(pitr log 2> /dev/null)" | tail -1)
run pitr log --xid "$aborted"
like "$out" "$aborted +abort" "a transaction is found by its xid"
run bash -c "set -o pipefail; $(declare -f as_pg pitr); PG_USER=$PG_USER PITR_BIN=$PITR_BIN CONF=$CONF REPLACE=; pitr log --since 0/1 --all | head -1"
exit_is 0 "a reader that has seen enough is no failure"
run pitr log --since 0/1 --json
exit_is 0 "JSON is written"
is "$(jq -r .event <<< "$out" 2> /dev/null | sort -u | head -3 | tr '\n' ' ')" "abort backup_end commit " "an object a line"

# --------------------------------------------------------------------------------------------- found and undone
run pitr log --since "$since" --drops
like "$out" 'and there: ROLLBACK PREPARED' "what was prepared has to be rolled back as well"
exit_is 0 "the drops are found"
drops=$out
copies=0
# What the line of this drop advises is carried out word for word, but for DIR.
undone() { # WHAT REGEX QUERY EXPECTED DATABASE LAST-ROW-OF-THE-JOURNAL [SQL-BEFORE]
    local advice name=copy$((copies += 1)) words
    advice=$(grep -A1 -E "$2" <<< "$drops" | sed -nE 's/^ +to have it back: pitr restore --pgdata DIR //p' | head -1)
    like "$advice" '^--target-lsn [0-9A-F]+/[0-9A-F]+ --exclusive$' "$1: found by name, with what undoes it"
    [ -n "$advice" ] || return
    read -ra words <<< "$advice"
    run pitr restore --pgdata "$SCRATCH/$name" --tablespace-root "$SCRATCH/$name.spaces" --target-action promote "${words[@]}"
    exit_is 0 "$1: restored"
    [ "$rc" = 0 ] || return
    cluster_adopt $name
    is "$(cluster_recover $name)" promoted "$1: recovered"
    [ -z "${7:-}" ] || sql $name "$7"
    is "$(sql $name "$3" "$5")" "$4" "$1: it is back"
    is "$(sql $name "select max(n) from app.journal")" "$6" "$1: and nothing before it is lost"
    cluster_crash $name
    rm -rf "${SCRATCH:?}/$name" "$SCRATCH/$name.spaces"
}
undone "DROP TABLE" 'DROP postgres\.public\.orders' "select v from orders" kept postgres 1
undone "TRUNCATE" 'TRUNCATE( or rewrite)? postgres\.public\.emptied' "select n from emptied" 2 postgres 2
undone "DROP of an odd name" 'DROP postgres\.public\."Odd "" name"' 'select n from "Odd "" name"' 3 postgres 3
undone "DROP in a subtransaction" 'DROP postgres\.public\.sub' "select n from sub" 4 postgres 4
undone "DROP by COMMIT PREPARED" 'DROP postgres\.public\.prepared' "select n from prepared" 5 postgres 6 "rollback prepared 'later'"
undone "DROP SCHEMA" 'DROP postgres\.old\.a, postgres\.old\.b' "select n from old.a" 6 postgres 7
undone "DROP DATABASE" 'DROP DATABASE shop' "select n from goods" 7 shop 8
undone "DROP TABLESPACE" 'DROP TABLESPACE' "create table t (n int) tablespace fast; insert into t values (9) returning n" 9 postgres 9
like "$drops" 'DROP file 1663/[0-9]+/[0-9]+ \(unknown: made or rewritten after backup [0-9TZ]+-[0-9a-f]{4}\)' \
    "a table that no catalog knows is told by numbers, and why"
unlike "$drops" ': rewrite' "a rewrite is none"
must "another backup is taken" pitr backup --checkpoint fast
sql source "create table late (n int)"
must "and another one" pitr backup --checkpoint fast
sql source "drop table late"
archive_all source > /dev/null
run pitr log --drops
like "$out" 'DROP postgres\.public\.late' "a table from between backups is named by the next"

# ---------------------------------------------------------------------------------------------------- holes
missing=$(stored_file "$last")
mv "$missing" "$SCRATCH/tmp/segment"
run pitr log --since 0/1
exit_is 3 "a log with a hole is not whole"
like "$out" "segment $last is missing" "the hole is told in its place"
like "$out" 'DROP postgres\.public\.late' "and what lies behind it too"
like "$err" "1 segment is missing, the first is \"$last\"" "and at the end"
head -c 3000 "$SCRATCH/tmp/segment" | secret_file "$missing"
run pitr log --since 0/1
exit_is 4 "a damaged segment is damage"
like "$out" "segment $last is damaged" "told in its place"
mv "$SCRATCH/tmp/segment" "$missing"
run pitr log --since 0/1
exit_is 0 "with the segment back the log is whole"
for wrong in --since=yesterday --since=2026-11-21 --timeline=0 --timeline=00000010 --xid=0 --xid=x --until=0/XYZ; do
    run pitr log "$wrong"
    exit_is 2 "$wrong is refused"
done
run pitr log --timeline 9
exit_is 3 "a timeline that is not there is refused"

# -------------------------------------------------------------------------------------------------- timelines
cluster_stop source
must "a copy that goes on archiving is restored" pitr restore --pgdata "$SCRATCH/next" --keep-archiving \
    --tablespace-root "$SCRATCH/next.spaces" --target-action promote
cluster_adopt next
is "$(cluster_recover next)" promoted "and promoted, to timeline 2"
sql next "create table new (n int)"
born=$(sql next "insert into new values (1) returning xmin")
archive_all next > /dev/null
run pitr log --since 0/1
exit_is 0 "the log of the latest timeline is read"
like "$out" 'timeline 2 begins' "where it begins is told"
like "$out" " $born +commit" "with what was done on it"
like "$out" 'DROP postgres\.public\.orders' "and the past that it shares with its parent"
run pitr log --since 0/1 --timeline 1
exit_is 0 "the log of its parent is read"
unlike "$out" "timeline 2|^ [^~]* $born +commit" "and has nothing of it"
run pitr log --since 0/1 --timeline 1 --drops
like "$out" '--exclusive --target-timeline 1$' "what it advises names the timeline"
cluster_stop next
finish
