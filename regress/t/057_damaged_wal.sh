#!/bin/bash
# WAL that is damaged before it is archived: pitr knows beforehand what can't be reached, and a new backup mends it.
. "$(dirname "$0")/../lib.sh"
story "damage in archived WAL is known to plan, list, check, fetch and backup, and behind a new backup all is well again"

cluster_init source
cluster_set source autovacuum off # its commits would lie between those of the story
{ section_cluster source; section_local; } | write_config
cluster_start source
wal=${CLUSTER_DIR[source]}/pg_wal
sql source "create table t (n int)"
must "the repository is set up" pitr init
must "a backup is taken" pitr backup --checkpoint fast
first_backup=$out

at() { sql source "select pg_xact_commit_timestamp(xmin) from t where n = $1"; } # when a row was committed
us() { sql source "select (extract(epoch from '$1'::timestamptz) * 1000000)::bigint"; }
listed() { pitr list --json | jq -r ".repositories[0].lines[0].restorable[0] | $1"; }

# The next segment is changed before it is archived: two bytes in the middle of a record between two commits.
damage_next() { # ROW ROW: committed in front of the damage, and behind; prints the segment's name and the record's LSN
    local victim segment offset
    cluster_set source archive_command false
    cluster_reload source
    sql source "insert into t values ($1)"
    victim=$(sql source "select pg_current_wal_insert_lsn()")
    sql source "select pg_logical_emit_message(true, 'filler', repeat('x', 100000))" > /dev/null
    sql source "insert into t values ($2)"
    segment=$(switch_wal source)
    offset=$(sql source "select ('$victim'::pg_lsn - '0/0'::pg_lsn) % 16777216 + 50000")
    printf '\xa5\x5a' | dd of="$wal/$segment" bs=1 seek="$offset" conv=notrunc status=none
    cluster_set source archive_command "$(archive_command)"
    cluster_reload source
    wait_for_archive source "$segment" || return 1
    echo "$segment $victim"
}

sql source "insert into t values (1)"
archive_all source > /dev/null
expect_log 'valid WAL ends at LSN'
expect_log 'archive command failed with exit code 1'
read -r damaged victim < <(damage_next 2 3)
ok "a damaged segment is archived, for the server demands it" test -n "$(stored_file "$damaged")"
for n in 4 5; do
    sql source "insert into t values ($n)"
    archive_all source > /dev/null
done

# ------------------------------------------------------------------------------------------- before a new backup
run pitr plan --target-time "$(at 1)"
exit_is 0 "what lies before the damage can be planned"
run pitr plan --target-time "$(at 3)"
exit_is 3 "a time behind the damage is refused"
like "$err" "can't be reached: WAL is damaged at LSN [0-9A-F/]+ in segment \"$damaged\", as it was archived" "for its true reason"
lsn=$(grep -oE 'damaged at LSN [0-9A-F/]+' <<< "$err" | grep -oE '[^ ]+$')
ok "with the place where the WAL ends" test "$(sql source "select '$lsn'::pg_lsn between '$victim' and '$victim'::pg_lsn + 50000")" = t
like "$err" "HINT:.*everything up to LSN $lsn \(last transaction $(at 2 | cut -c 1-19)[.0-9]*\+00\) can be restored" \
    "and the nearest moment before"
run pitr plan --target-lsn "$lsn"
exit_is 3 "so is the very LSN"
like "$err" "LSN $lsn can't be reached: WAL is damaged" "for the same reason"
run pitr plan
exit_is 3 "all there is would end there and lose what is behind: refused, as before missing segments"
like "$err" "WAL is damaged at LSN $lsn in segment \"$damaged\"" "with the reason"
like "$out" "HOLE, LSN $lsn to .*: WAL damaged at LSN $lsn in segment $damaged, no backup behind it$" "and the hole is shown"
run pitr plan --target-name nowhere
exit_is 3 "a restore point behind it can't be found"
like "$err" "WAL is damaged at LSN $lsn in segment \"$damaged\"" "and the reason is told"
is "$(listed '.windows | length')" 1 "list has one window"
is "$(listed '.windows[0].to_lsn')" "$lsn" "that ends at the damage"
is "$(listed '.windows[0].last_transaction_us')" "$(us "$(at 2)")" "with the last transaction before it"
is "$(listed '.holes[-1] | "\(.kind) \(.damaged[0].segment) \(.damaged[0].lsn)"')" "no-backup-behind-gap $damaged $lsn" \
    "and a hole behind it, with its cause"
run pitr check
exit_is 3 "check fails"
like "$out$err" "WAL is damaged at LSN $lsn in segment \"$damaged\"" "and says why"

run pitr plan --json --target-time "$(at 5)" --or-latest
exit_is 0 "with --or-latest what there is up to the damage is planned"
is "$(jq -r .wal.damaged_lsn <<< "$out")" "$lsn" "the plan has the place"
is "$(jq -r .wal.end_of_archive_lsn <<< "$out")" "$lsn" "where the WAL ends"
is "$(jq -r .end.last_kept.commit_us <<< "$out")" "$(us "$(at 2)")" "and the last transaction before it"
like "$(jq -r '.warnings[]' <<< "$out")" "^WAL is damaged at LSN $lsn in segment \"$damaged\", as it was archived; nothing behind it" \
    "and a warning"
must "it is restored" pitr restore --pgdata "$SCRATCH/copy" --target-time "$(at 5)" --or-latest --target-action promote
cluster_adopt copy
is "$(cluster_recover copy)" promoted "and recovery ends where the plan says"
is "$(sql copy "select string_agg(n::text, ' ' order by n) from t")" "1 2" "with every transaction before the damage"
cluster_stop copy

# fetch: a plan that was made without that knowledge must not end here. One that ends in the segment itself is served.
in_copy() { as_pg env -C "$SCRATCH/copy" "$PITR_BIN" fetch --config "$CONF" "$@"; }
behind=$(sql source "select pg_walfile_name('$lsn'::pg_lsn + 2 * 16777216)")
run in_copy --path 1 --until "$behind" "$damaged" "$SCRATCH/tmp/got"
exit_is 200 "a plan that needs what lies behind never gets the damaged segment"
like "$err" "WAL is damaged at LSN $lsn in segment \"$damaged\"" "and is told why"
not_ok "nothing is left at its destination" test -e "$SCRATCH/tmp/got"
run in_copy --path 1 --until "$damaged" "$damaged" "$SCRATCH/tmp/got"
exit_is 0 "one that ends in it gets it"
like "$err" "WARNING:.*WAL is damaged at LSN $lsn" "with a warning"
ok "as it was archived" cmp "$wal/$damaged" "$SCRATCH/tmp/got"

# --------------------------------------------------------------------------------------------- a new backup
must "a new backup is taken" pitr backup --checkpoint fast
second_backup=$out
sql source "insert into t values (6)"
archive_all source > /dev/null
run pitr plan --target-time "$(at 5)"
exit_is 3 "between the damage and the new backup nothing can be reached"
like "$err" "the next moment is .*, the end of backup $second_backup" "and the next moment is told"
run pitr plan --target-time "$(at 2)"
exit_is 3 "the last transaction before the damage is not told apart from the end"
run pitr plan --target-time "$(at 1)"
exit_is 0 "moments before it can be reached"
run pitr plan --json
exit_is 0 "all there is can be planned again"
is "$(jq -r .backup.id <<< "$out")" "$second_backup" "from the new backup"
is "$(jq -r '.wal.damaged_lsn' <<< "$out")" null "without damage in it"
is "$(listed '.windows | length')" 2 "list has two windows"
is "$(listed '.holes[] | select(.damaged[0]) | "\(.kind) \(.damaged[0].lsn) \(.missing | length)"')" "wal-damaged $lsn 0" \
    "and between them the damage"
is "$(listed '.holes[] | select(.damaged[0]) | "\(.from_us) \(.to_us)"')" \
    "$(us "$(at 2)") $(listed '.windows[1].from_us')" "from the last moment before it to the new backup"
run pitr list
like "$out" "HOLE, LSN $lsn to [0-9A-F/]+: WAL damaged at LSN $lsn in segment $damaged$" "the text says so too"
run pitr check
exit_is 0 "check is content"
rm -rf "$SCRATCH/copy"
must "the end is restored" pitr restore --pgdata "$SCRATCH/copy" --target-time "$(at 6)" --or-latest --target-action promote
is "$(cluster_recover copy)" promoted "it recovers"
is "$(sql copy "select string_agg(n::text, ' ' order by n) from t")" "1 2 3 4 5 6" "with everything"
cluster_stop copy
rm -rf "$SCRATCH/copy"
must "the first backup is restored to before the damage" pitr restore --pgdata "$SCRATCH/copy" --backup "$first_backup" \
    --target-time "$(at 1)" --target-action promote
is "$(cluster_recover copy)" promoted "it recovers"
is "$(sql copy "select string_agg(n::text, ' ' order by n) from t")" 1 "with what there was"
cluster_stop copy

cluster_stop source
finish
