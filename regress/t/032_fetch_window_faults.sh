#!/bin/bash
# Whoever is killed at whatever moment, and whatever the store does: a call delivers the right file or none, never says
# that one is absent which is there, and recovery gets to its end.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../recovery.sh"
story "a recovery gets the right files whoever is killed, whatever the store does, and with whom it shares the spool"

archive_source
find_line
expect_log 'FATAL:  could not restore file'
expect_log 'ERROR:  ' # pitr's reports of what this story does to it
expect_log 'FATAL:  the database system is'
RANDOM=${SEED:-4711}

# --------------------------------------------------------------------------- calls and helpers killed at any moment
is_right_or_none() { [ ! -e "$SCRATCH/$1/pg_wal/$2" ] || same "$1" "$2"; }
must "kills: a copy is restored" pitr restore --pgdata "$SCRATCH/kills"
delivered=0
for n in $(seq 1 $LAST); do
    background as_pg env -C "$SCRATCH/kills" "$PITR_BIN" fetch --config "$CONF" --line "$LINE" "${segments[n]}" \
        "pg_wal/${segments[n]}" 2> /dev/null
    sleep "0.0$((RANDOM % 10))"
    [ $((n % 3)) != 0 ] || kill -9 $(helpers) 2> /dev/null
    kill -9 $! 2> /dev/null
    wait $! 2> /dev/null
    is_right_or_none kills "${segments[n]}" || fail "kills: what a killed call leaves of segment $n is whole"
    [ ! -e "$SCRATCH/kills/pg_wal/${segments[n]}" ] || delivered=$((delivered + 1))
    run ask kills "${segments[n]}"
    [ "$rc" = 0 ] || fail "kills: segment $n is fetched by the call behind" "$err"
    same kills "${segments[n]}" || fail "kills: segment $n is the right one"
done
note "kills: $delivered of $LAST calls had delivered before they were killed"
rm -rf "$SCRATCH/kills"
is_tidy kills

# ------------------------------------------------------------------------------------- requests fail by chance
s3_flaky_start 1 10
restore_copy tenth
config "$SCRATCH/spool" "$S3_FLAKY_ENDPOINT" | write_config
recovers tenth
is_tidy tenth
s3_flaky_stop
ok "tenth: some requests failed" at_least "$(s3_spoiled)" 2

# So many that calls fail, too: with 200, which is no end of the archive.
config | write_config
must "most: a copy is restored" pitr restore --pgdata "$SCRATCH/most"
s3_flaky_start 2 80
config "$SCRATCH/spool" "$S3_FLAKY_ENDPOINT" | sed 's/^retry-budget.*/retry-budget = 100ms/' | write_config
good=0 bad=0
for n in $(seq 1 $LAST); do
    run ask most "${segments[n]}"
    case $rc in
    0)
        same most "${segments[n]}" || fail "most: segment $n is the right one"
        good=$((good + 1))
        ;;
    200)
        [ ! -e "$SCRATCH/most/pg_wal/${segments[n]}" ] || fail "most: of segment $n nothing is there"
        bad=$((bad + 1))
        ;;
    *) fail "most: segment $n is there or could not be had, never absent" "status $rc" "$err" ;;
    esac
done
s3_flaky_stop
ok "most: some segments came" at_least $good 1
ok "most: and some did not" at_least $bad 1
note "most: $good segments came, $bad did not"
rm -rf "$SCRATCH/most"
config | write_config
is_tidy most

# --------------------------------------------------------------------------------- a restart in the middle
restore_copy restarted
start_to_gate restarted 20
ok "restarted: a helper is at work" test -n "$(helpers)"
cluster_crash restarted
kill -9 $(pgrep -f "^/bin/sh $SCRATCH/bin/gate") 2> /dev/null # what waited there would go on beside the next one
gate_open
recovers restarted
is_tidy restarted

# A directory of the same name is another recovery, and what was kept for the one before is nothing to it.
restore_copy again
start_to_gate again 30
kill -STOP $(helpers)
frozen=$(helpers)
cluster_crash again
kill -9 $(pgrep -f "^/bin/sh $SCRATCH/bin/gate") 2> /dev/null
gate_open
rm -rf "$SCRATCH/again"
restore_copy again
recovers again
kill -CONT $frozen
is_tidy again

# --------------------------------------------------------------- the spool's disk fills up, or can't be written
# Another file system than the data directory's, so what lies ready is copied.
if small_disk "$SCRATCH/disk" 160m; then
    install -d -o "$PG_USER" -g "$PG_USER" -m 700 "$SCRATCH/disk/spool"
    config "$SCRATCH/disk/spool" | write_config
    restore_copy filled
    start_to_gate filled 10
    ok "filled: a helper is at work" test -n "$(helpers)"
    fill_disk "$SCRATCH/disk" 0
    goes_on filled
    has_all filled
    ok "filled: the helper has ended" wait_until 30 no_helper
    is "$(find "$SCRATCH/disk/spool" -size +100k)" "" "filled: no segment was left there"
    config | write_config
else
    note "no small disk here: one that fills up is not tried"
fi
restore_copy sealed
start_to_gate sealed 10
window=$(windows)
chmod 500 "$window"
goes_on sealed
has_all sealed
ok "sealed: the helper has ended" wait_until 30 no_helper
rm -rf "$window"

# ------------------------------------------------------------------------------------- the clock is set
# The helper's pulse and the window's age go by file times. Where they are of another year, a call waits for nobody,
# even where a segment seems to be on its way.
restore_copy clock
start_to_gate clock 20
frozen=$(helpers)
kill -STOP $frozen
as_pg touch "$(windows)/${segments[30]}.part"
for when in 'now + 400 days' 'now - 400 days'; do
    find "$(windows)" -exec touch -h -d "$when" {} +
    run eval 'cd "$SCRATCH/clock" && pitr fetch --line "$LINE" "${segments[30]}" "$SCRATCH/tmp/fetched"'
    exit_is 0 "clock: $when, a call is answered"
    ok "clock: $when, with the right file" cmp "$SCRATCH/tmp/fetched" "$SCRATCH/source/pg_wal/${segments[30]}"
done
kill -CONT $frozen
goes_on clock
has_all clock
is_tidy clock

# ------------------------------------------------------------------------ two standbys, one host, one spool
for name in left right; do
    must "$name: a copy is restored" pitr restore --standby --pgdata "$SCRATCH/$name"
    cluster_adopt "$name"
    cluster_set "$name" wal_retrieve_retry_interval 1s
done
for name in left right; do
    cluster_pg_ctl "$name" -W -o "-p ${CLUSTER_PORT[$name]} -k $SCRATCH/sock" start
done
has_rows() { [ "$(sql_quiet "$1" "select count(*) || ' ' || coalesce(max(n), 0) from t")" = "$2" ]; }
for name in left right; do
    ok "$name: it catches up" wait_until 120 has_rows "$name" "$LAST $LAST"
done
like "$(spool_log)" "ahead of the recovery in \"$SCRATCH/left\"" "left: it had a helper"
like "$(spool_log)" "ahead of the recovery in \"$SCRATCH/right\"" "right: it had one of its own"
add_segments $((LAST + 1)) $((LAST + 4))
for name in left right; do
    ok "$name: it goes on" wait_until 60 has_rows "$name" "$((LAST + 4)) $((LAST + 4))"
    cluster_stop "$name"
done
is_tidy "left and right"
LAST=$((LAST + 4))

# ---------------------------------------------------------- the postmaster is the first process of a container
# It adopts what has no parent, and a helper that is killed must not be a crashed backend to it.
if unshare --pid --fork --mount-proc true 2> /dev/null; then
    restore_copy first
    gate_at "${segments[20]}"
    background exec unshare --pid --fork --kill-child --mount-proc \
        setpriv --reuid "$PG_USER" --regid "$(id -gn "$PG_USER")" --init-groups -- \
        "$PGBIN/postgres" -D "$SCRATCH/first" -p "${CLUSTER_PORT[first]}" -k "$SCRATCH/sock" \
        >> "$(cluster_log first)" 2>&1
    container=$!
    ok "first: recovery reaches segment 20" wait_until 120 test -e "$SCRATCH/tmp/gate-reached"
    is "$(cluster_pid first)" 1 "first: the postmaster is process 1"
    pid=$(helpers)
    ok "first: a helper is at work" test -n "$pid"
    kill -9 $pid
    ok "first: it is gone, and who watched it" wait_until 10 no_helper
    gate_open
    ok "first: recovery comes to its end" wait_until 120 is_promoted first
    is "$(rows first)" "$LAST $LAST" "first: with every row"
    unlike "$(cat "$(cluster_log first)")" 'terminating any other active server processes|terminated by signal' \
        "first: and without a restart"
    kill -INT "$(pgrep -f "^$PGBIN/postgres -D $SCRATCH/first ")"
    wait "$container"
    is_tidy first
else
    note "no namespaces here: a postmaster as process 1 is not tried"
fi

cluster_stop source
finish
