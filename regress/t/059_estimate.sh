#!/bin/bash
# How long will it take? A plan says what restores and recoveries took on this host, and that it does not know before.
. "$(dirname "$0")/../lib.sh"
story "a plan's estimate goes by what was measured on this host, and what was not is said to be unknown"

cluster_init source --wal-segsize=1
{ section_cluster source; section_local; } | write_config
cluster_start source
must "the repository is set up" pitr init
sql source "create table t (n int, filler text)"
must "a backup is taken" pitr backup --checkpoint fast
sql source "insert into t select g, repeat(md5(g::text), 20) from generate_series(1, 20000) g"
sql source "select pg_create_restore_point('wished')" > /dev/null
archive_all source > /dev/null

estimate() { pitr plan --target-name wished --json | jq -r ".estimate | $1"; }
recover() { # NAME
    must "$1: restored" pitr restore --pgdata "$SCRATCH/$1" --target-name wished
    cluster_adopt "$1"
    is "$(cluster_recover "$1")" paused "$1: recovered to its target"
    is "$(sql "$1" "select count(*) from t")" 20000 "$1: all rows are there"
    cluster_stop "$1"
}
is_not_known() { # WHEN
    run pitr plan --target-name wished
    exit_is 0 "$1 there is a plan"
    like "$out" '^Estimate       not known$' "$1 no time is told"
    like "$out" '^  restore      not measured on this host yet; taking the backup took ' "$1 nor one of the restore"
    like "$out" '^  replay       not measured on this host yet$' "$1 nor one of the replay"
    is "$(estimate '[.seconds, .restore.seconds, .restore.measured_us, .replay.seconds, .replay.measured_us] | map(. == null) | all')" \
        true "$1 JSON has null for all of it"
}
is_now() { ok "$2" test "$((($(date +%s) * 1000000 - $1) / 1000000))" -lt 600 -a "$1" -le "$(date +%s%6N)"; } # US NAME

is_not_known "before anything was restored"

must "a directory is laid out" pitr restore --pgdata "$SCRATCH/never-started" --target-name wished
like "$out" '^  restore      not measured on this host yet' "its own plan does not know it yet"
run pitr plan --target-name wished
like "$out" '^Estimate       not known: only a part was measured$' "after a restore without a recovery only a part is known"
like "$out" '^  restore      .* for .*B at .*/s, as measured by the restore of [0-9]{4}-[0-9]{2}-[0-9]{2}$' "that of the restore"
like "$out" '^  replay       not measured on this host yet$' "and not that of the replay"
is "$(estimate '.restore.seconds > 0 and .restore.bytes_per_second > 0 and .replay.seconds == null and .seconds == null')" true \
    "as JSON too"
is_now "$(estimate .restore.measured_us)" "when it was measured is told"

recover first
run pitr plan --target-name wished
like "$out" '^Estimate       (about|less than) [0-9]+ (s|min)$' "after a recovery the whole of it is known"
like "$out" '^  replay       .* for [0-9]+ segments at [0-9.]+/s, as measured over [0-9]+ in the recovery of [0-9-]{10}$' \
    "with what it goes by"
is "$(estimate '.seconds > 0 and .restore.seconds > 0 and .replay.seconds > 0 and .replay.segments_per_second > 0')" true \
    "the rates are positive"
# The first is asked for twice, with the checkpoint and to replay it; the last ends at the target.
ok "nearly all segments were measured" test "$(estimate .replay.measured_segments)" -ge "$(($(estimate .replay.segments) - 3))"
is_now "$(estimate .replay.measured_us)" "and when that was"
note "measured: $(estimate '"\(.replay.measured_segments) of \(.replay.segments) segments, \(.replay.segments_per_second)/s, fetching \(.replay.fetch_seconds) of \(.replay.seconds) s"')"

# --------------------------------------------------------------------------------- it is a cache, and no more
for file in "$SCRATCH"/spool/main/{restore,replay}-*; do
    ok "$(basename "${file%-*}") is the server's user's alone" test "$(stat -c '%a %U' "$file")" = "600 $PG_USER"
    echo "something else" > "$file"
done
is_not_known "with a damaged spool"
rm -rf "$SCRATCH/spool/main"
is_not_known "without the spool"

chmod 500 "$SCRATCH/spool/main"
recover second
is_not_known "with a spool that can't be written"
chmod 700 "$SCRATCH/spool/main"
must "another directory is laid out" pitr restore --pgdata "$SCRATCH/third" --target-name wished
is "$(estimate '.restore.seconds > 0')" true "once it can be written it is measured again"

# A standby has no plan, and waits for WAL: it is not measured.
rm -rf "$SCRATCH/spool/main"
must "a standby is made" pitr restore --pgdata "$SCRATCH/standby" --standby --target-name wished
cluster_adopt standby
cluster_start standby
caught_up() { [ "$(sql standby "select count(*) from t")" = 20000 ]; }
ok "it follows the archive" wait_until 60 caught_up
cluster_stop standby
is "$(estimate '.replay.seconds')" null "and its replay is not measured"

cluster_stop source
finish
