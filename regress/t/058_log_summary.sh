#!/bin/bash
# pitr log --summary counts what pitr log tells, --drops finds losses in a long range without reading all of it, and
# what only touches indexes is no loss.
. "$(dirname "$0")/../lib.sh"
story "a summary agrees with the log, and a drop in a long range is found by a few segments"

cluster_init source
cluster_set source autovacuum off
{ section_cluster source; section_local; } | write_config
cluster_start source
must "the repository is set up" pitr init
sql source "create table orders (n int primary key, v text); insert into orders values (1, 'kept')"
sql source "create table victim (n int); insert into victim values (1)"
sql source "create table emptied (n int primary key); insert into emptied values (1)"
must "a backup is taken" pitr backup --checkpoint fast

# ------------------------------------------------------------------------------------ many segments, few losses
rows() { # HOW-MANY, each in a segment of its own
    for ((i = 0; i < $1; i++)); do
        echo "insert into orders select max(n) + 1, 'x' from orders; select pg_switch_wal();"
    done | psql -XAtq -v ON_ERROR_STOP=1 -h "$SCRATCH/sock" -p "${CLUSTER_PORT[source]}" -U postgres postgres > /dev/null
}
rows 10
sql source "checkpoint"
rows 2
sql source "drop table victim"
rows 20
between=$(sql source "select pg_current_wal_lsn()")
rows 18
sql source "checkpoint" # who begins behind it did nothing before
rows 2
sql source "truncate emptied"
rows 10
sql source "checkpoint"
rows 2
sql source "reindex index orders_pkey"
sql source "select pg_create_restore_point('here')" > /dev/null
sql source "create table fresh (n int primary key)"
sql source "reindex table fresh"
rows 12
expect_log 'ERROR:  division by zero'
sql source "begin; insert into orders values (100001, ''); select 1/0" 2> /dev/null
archive_all source > /dev/null

run pitr log --since 0/1 --json
exit_is 0 "the whole log is read"
all=$out
run pitr log --since 0/1 --drops --json
exit_is 0 "the drops are found"
is "$(jq -r .lsn <<< "$out")" "$(jq -r 'select(.undo_target_lsn_exclusive) | .lsn' <<< "$all")" \
    "they are those that reading all finds"
is "$(jq -r .did <<< "$out" | tr '\n' ' ')" "drop truncate truncate " "a drop, a truncate, and a REINDEX of what no catalog knows"
run pitr log --since 0/1 --restore-points
is "$(wc -l <<< "$out")" 1 "the restore point is found alone"
run pitr log --since 0/1 --drops
like "$out" 'TRUNCATE or REINDEX file' "which is said to be uncertain"
unlike "$out" 'orders_pkey' "an index that was written anew is no loss"
run pitr log --since 0/1
like "$out" 'REINDEX postgres\.public\.orders_pkey' "but it is told"

# What lies between is not needed: with its secret part damaged nobody notices.
name=$(sql source "select pg_walfile_name('$between')")
stored=$(stored_file "$name")
cp "$stored" "$SCRATCH/tmp/segment"
dd if=/dev/zero of="$stored" bs=1 seek=$(($(stat -c %s "$stored") - 400)) count=300 conv=notrunc 2> /dev/null
run pitr log --since 0/1
exit_is 4 "a segment in the middle is damaged"
run pitr log --since 0/1 --drops
exit_is 0 "and is not read where no drop is in it"
cat "$SCRATCH/tmp/segment" > "$stored"
mv "$stored" "$SCRATCH/tmp/segment"
run pitr log --since 0/1 --drops
exit_is 3 "a missing one is noticed"
like "$out" "segment $name is missing" "and told"
mv "$SCRATCH/tmp/segment" "$stored"

# ------------------------------------------------------------------------------------ summary
sum() { jq -s "map(.$1) | add" <<< "$out"; }
for every in 1s 1min 1h; do
    run pitr log --since 0/1 --summary --every $every --json
    exit_is 0 "a summary by $every"
    is "$(sum commits) $(sum aborts)" "$(jq -r .event <<< "$all" | grep -cx commit) $(jq -r .event <<< "$all" | grep -cx abort)" \
        "all transactions are counted"
    is "$(sum drops) $(sum truncates) $(sum restore_points)" "1 2 1" "and all else"
done
run pitr log --since 0/1 --summary --every 1s --json
width='(. / 1000000 | floor)'
is "$(jq -c "select(.commits > 0) | [(.from_us | $width), .commits]" <<< "$out")" \
    "$(jq -sc "map(select(.event == \"commit\") | .event_us | $width) | sort | group_by(.)[] | [.[0], length]" <<< "$all")" \
    "second for second as the log has it"
run pitr log --summary
exit_is 0 "the last hour is the default"
like "$out" 'from +commits +aborts +WAL' "as a table"
like "$out" '[0-9]+ DROP' "with what was lost"
for wrong in --drops --restore-points --all --xid=5; do
    run pitr log --summary "$wrong"
    exit_is 2 "--summary with $wrong is refused"
done
run pitr log --every 1h
exit_is 2 "--every alone is refused"
cluster_stop source
finish
