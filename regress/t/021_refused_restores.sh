#!/bin/bash
# A restore that cannot end where it was asked to is refused before a byte is written, with the reason.
. "$(dirname "$0")/../lib.sh"
story "a restore that cannot reach its target is refused with the reason, and touches nothing"

cluster_init source
{ section_cluster source; section_local; } | write_config
cluster_start source
run pitr plan
exit_is 3 "without any line or backup there is nothing to plan"
must "the repository is set up" pitr init
early=$(sql source "select now()")
early_lsn=$(sql source "select pg_current_wal_lsn()")
sql source "create table t (n int); insert into t values (1)"
archive_all source > /dev/null
run pitr plan
exit_is 3 "without a backup there is nothing to plan"
like "$err" "backup" "and the message says that a backup is missing"

must "a backup is taken" pitr backup --checkpoint fast
backup=$out
sql source "insert into t values (2)"
in_front=$(sql source "select pg_xact_commit_timestamp(xmin) from t where n = 2")
sql source "begin; select pg_current_xact_id(); commit" > /dev/null # one more commit, which ends the search for the time before
archive_all source > /dev/null
gap_lsn=$(sql source "insert into t values (3); select pg_current_wal_insert_lsn()")
gap=$(archive_all source)
sql source "insert into t values (4)"
behind_gap_lsn=$(sql source "select pg_create_restore_point('behind_gap')")
IFS='|' read -r behind_gap_xid behind_gap <<< "$(sql source "select xmin, pg_xact_commit_timestamp(xmin) from t where n = 4")"
archive_all source > /dev/null
late_lsn=$(sql source "select pg_current_wal_lsn() + 1000000000::numeric")
run pitr list
like "$out" "$backup" "list shows it"

refused() { # WORDS WHAT OPTION…
    local words=$1 what=$2
    shift 2
    run pitr plan "$@"
    exit_is 3 "$what is refused by plan"
    like "$err" "$words" "$what: plan says why"
    run pitr restore --pgdata "$SCRATCH/copy" "$@"
    exit_is 3 "$what is refused by restore"
    not_ok "$what: no data directory appears" test -e "$SCRATCH/copy/PG_VERSION"
    rm -rf "$SCRATCH/copy"
}
mkdir -p "$SCRATCH/repo"
refused 'earliest|before' "a time before the first backup" --target-time "$early"
refused 'earliest|before' "an LSN before the first backup" --target-lsn "$early_lsn"
refused 'WAL|archive' "an LSN after all WAL" --target-lsn "$late_lsn"
refused 'last|latest' "a time after all WAL" --target-time '2099-01-01 00:00:00+00'
refused 'backup' "a backup that does not exist" --backup 20200101T000000Z-0000
refused 'timeline' "a timeline that does not exist" --target-timeline 7
refused 'no_such_point' "a restore point that does not exist" --target-name no_such_point
run pitr plan --target-time '2099-01-01 00:00:00+00' --or-latest
exit_is 0 "a time after all WAL is taken with --or-latest"

stored=$(stored_file "$gap")
mv "$stored" "$SCRATCH/tmp/gap"
gap_begins=$(sql source "select ('0/' || lpad(upper(to_hex((('x' || '${gap:16}')::bit(32)::bigint) << 24)), 8, '0'))::pg_lsn")
last_moment() { like "$err" "everything up to LSN $gap_begins " "$1: and the last moment before the gap is named"; }
refused "segment \"$gap\" is missing" "an LSN behind a gap in the WAL" --target-lsn "$behind_gap_lsn"
last_moment "an LSN behind a gap"
refused "segment \"$gap\" is missing" "an LSN in the gap" --target-lsn "$gap_lsn"
refused "segment \"$gap\" is missing" "a time behind a gap in the WAL" --target-time "$behind_gap"
last_moment "a time behind a gap"
refused "was not found before segment \"$gap\", which is missing" "a transaction behind a gap in the WAL" --target-xid "$behind_gap_xid"
refused "was not found before segment \"$gap\", which is missing" "a restore point behind a gap in the WAL" --target-name behind_gap
refused "segment \"$gap\" is missing" "everything there is, with a gap in it,"
last_moment "everything there is"
run pitr plan --target-time '2099-01-01 00:00:00+00' --or-latest
exit_is 0 "who wants all that is in front of a gap says --or-latest"
like "$out" "\"$gap\" is missing" "and is warned"
run pitr plan --target-time "$in_front"
exit_is 0 "a time in front of the gap can still be reached"
mv "$SCRATCH/tmp/gap" "$stored"
run pitr plan
exit_is 0 "with the segment back there is a plan"

# ------------------------------------------------------------------------------ the target directory
as_pg mkdir -m 700 "$SCRATCH/busy"
echo precious | as_pg tee "$SCRATCH/busy/file" > /dev/null
run pitr restore --pgdata "$SCRATCH/busy"
exit_is 3 "a directory that is not empty is refused"
is "$(ls -A "$SCRATCH/busy") $(cat "$SCRATCH/busy/file")" "file precious" "and is left alone"
run pitr restore --pgdata "$SCRATCH/source"
exit_is 3 "the running cluster's own directory is refused"
is "$(sql source 'select count(*) from t')" 4 "and the cluster works on"
run pitr restore --plan --pgdata "$SCRATCH/copy"
exit_is 0 "restore --plan only plans"
not_ok "and writes nothing" test -e "$SCRATCH/copy"
ok "plan --json is JSON" eval 'pitr plan --json 2>/dev/null | jq -e . > /dev/null'

# Nothing half-restored starts: a damaged pack is found, and the directory stays unfinished.
pack=$(find "$SCRATCH/repo" -name 'pack-*' | head -1)
cp -p "$pack" "$SCRATCH/tmp/pack"
printf '\xde\xad\xbe\xef' | dd of="$pack" bs=1 seek=$(($(stat -c %s "$pack") / 2)) conv=notrunc status=none
run pitr restore --pgdata "$SCRATCH/copy"
exit_is 4 "a damaged backup is not restored"
not_ok "and what was written so far has no pg_control, so that it cannot start" test -e "$SCRATCH/copy/global/pg_control"
cp -p "$SCRATCH/tmp/pack" "$pack"
rm -rf "$SCRATCH/copy"
rm "$pack"
run pitr restore --pgdata "$SCRATCH/copy"
unlike "$rc" '^0$' "a backup that lacks a pack is not restored"
not_ok "and cannot start either" test -e "$SCRATCH/copy/global/pg_control"
cp -p "$SCRATCH/tmp/pack" "$pack"
rm -rf "$SCRATCH/copy"

# backup.json lies in the clear: what it says is held against the sealed manifest.
summary=$(find "$SCRATCH/repo" -name backup.json)
cp -p "$summary" "$SCRATCH/tmp/summary"
for member in start_lsn stop_lsn; do
    moved=$(sql source "select '$(jq -r .$member "$SCRATCH/tmp/summary")'::pg_lsn + 8::numeric")
    jq --arg lsn "$moved" ".$member = \$lsn" "$SCRATCH/tmp/summary" > "$summary"
    run pitr plan
    exit_is 0 "a record with another $member can be planned with"
    run pitr restore --pgdata "$SCRATCH/copy"
    exit_is 4 "but the restore is refused"
    like "$err" "ERROR: .*summary of backup \"$backup\" is not that of its files" "and says why"
    not_ok "and cannot start" test -e "$SCRATCH/copy/global/pg_control"
    rm -rf "$SCRATCH/copy"
done
cp -p "$SCRATCH/tmp/summary" "$summary"

# ------------------------------------------- stored in the clear, and an identity is configured since
in_pgdata() { (cd "$SCRATCH/source" && pitr "$@"); }
must "an identity is generated" as_pg "$PITR_BIN" key generate "$SCRATCH/spool/identity"
with_identity() { # [LINE]
    { section_cluster source; section_local; echo "identity-file = $SCRATCH/spool/identity"; echo "${1:-}"; } | write_config
}
with_identity
run in_pgdata fetch "$gap" "$SCRATCH/tmp/got"
exit_is 200 "an unencrypted segment is not fetched where an identity is configured, and not called absent"
like "$err" "ERROR: .*\"$gap\" is not encrypted, though an identity is configured" "and the message says why"
like "$err" "HINT: .*accept-unencrypted = yes" "and what allows it"
not_ok "and no file appears" test -e "$SCRATCH/tmp/got"
run pitr restore --pgdata "$SCRATCH/copy"
exit_is 4 "an unencrypted backup is not restored"
like "$err" "ERROR: .*is not encrypted, though an identity is configured" "and the message says why"
not_ok "and nothing can start" test -e "$SCRATCH/copy/global/pg_control"
rm -rf "$SCRATCH/copy"
with_identity "accept-unencrypted = yes"
run in_pgdata fetch "$gap" "$SCRATCH/tmp/got"
exit_is 0 "with accept-unencrypted = yes the segment is fetched"
ok "byte for byte" cmp "$SCRATCH/source/pg_wal/$gap" "$SCRATCH/tmp/got"
run pitr restore --pgdata "$SCRATCH/copy"
exit_is 0 "and the backup restored"
rm -rf "$SCRATCH/copy" "$SCRATCH/tmp/got"
{ section_cluster source; section_local; } | write_config

# --------------------------------------------------------------- a backup whose WAL does not arrive
cluster_set source archive_command /bin/true # the server believes it is archived
cluster_reload source
{ section_cluster source | sed 's/^wal-timeout.*/wal-timeout = 3s/'; section_local; } | write_config
run pitr backup --checkpoint fast
exit_is "3 5" "a backup whose WAL is not in the repository is no success"
like "$err" '[0-9A-F]{24}' "the missing segment is named"
is "$out" "" "no backup ID is printed"
is "$(backup_ids)" "$backup" "and no backup becomes visible"

cluster_stop source
finish
