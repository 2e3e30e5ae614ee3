#!/bin/bash
# Segments lie ready before recovery asks for them, each is fetched once, and whatever happens to the helper, its
# window, the server or the store, recovery goes on or stops as it would without. 032 is about worse.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../recovery.sh"
story "a recovery finds its segments ready, and loses nothing with the helper, the spool, the server or the store"

archive_source
find_line
gets() { s3_request_log | grep -c "^GET .*/wal/.*/[0-9A-F]\{24\} 200$"; }
most_gets() { # how often the most wanted segment was fetched, of those behind the first LINES of the log
    s3_request_log | tail -n "+$(($1 + 1))" | grep "^GET .*/wal/.*/[0-9A-F]\{24\} 200$" | sort | uniq -c | sort -rn |
        awk 'NR == 1 { print $1 }'
}
expect_log 'FATAL:  could not restore file'
expect_log 'ERROR:  ' # pitr's reports of what this story does to it

# ------------------------------------------------------------------------------------------ as it should go
before=$(s3_requests)
restore_copy plain
got=$(gets)
recovers plain
got=$(($(gets) - got))
is_tidy plain
like "$(spool_log)" 'INFO:  fetching ahead of the recovery in "'"$SCRATCH/plain"'"' "plain: it said so in its own log"
like "$(spool_log)" 'INFO:  ended: recovery (has all it needs|is over)' "plain: and why it ended"
unlike "$(cat "$(cluster_log plain)")" 'fetching ahead|fetch-ahead' "plain: and nothing of it in the server's"
ahead=$(spool_log | grep -oE '[0-9]+ segments fetched ahead' | tail -1 | grep -oE '^[0-9]+')
ok "plain: nearly all segments were fetched ahead" at_least "${ahead:-0}" 40
ok "plain: each name at most once more than needed" at_most "$(most_gets "$before")" 3 # the first is asked for twice
ok "plain: and all together hardly more" at_most "$got" 56
note "plain: $got GETs for 49 segments, $ahead of them ahead"

# ------------------------------------------------------------------- in order, without a server to be seen
must "order: a copy is restored" pitr restore --pgdata "$SCRATCH/order"
lies_ready() { ls "$(windows)/${segments[$1]}".?? > /dev/null 2>&1; }
before=$(s3_requests)
for n in $(seq 1 39); do
    ask order "${segments[n]}" || fail "order: segment $n is fetched"
    same order "${segments[n]}" || fail "order: segment $n is the right one"
done
ok "order: the next one lies ready" wait_until 30 lies_ready 40
loaded=$(LD_DEBUG=libs ask order "${segments[40]}" 2>&1)
ok "order: and is handed over" same order "${segments[40]}"
like "$loaded" 'libc\.so' "order: the loader says what it opens"
unlike "$loaded" 'libcrypto|libcurl' "order: and opens nothing that only a repository needs"
for n in $(seq 41 48); do
    ask order "${segments[n]}" || fail "order: segment $n is fetched"
    same order "${segments[n]}" || fail "order: segment $n is the right one"
done
ok "order: 48 segments took at most 50 requests" at_most "$(($(s3_requests) - before))" 50
run ask order "${segments[48]}"
exit_is 0 "order: the last one is asked for again"
ok "order: and is the same" same order "${segments[48]}"
run ask order "${segments[7]}"
exit_is 0 "order: one from long ago, too"
ok "order: and is the right one" same order "${segments[7]}"
rm -rf "$SCRATCH/order"
is_tidy order

# ---------------------------------------------------------------------------------------- harm on the way
restore_copy headless
start_to_gate headless 20
pid=$(helpers)
ok "headless: a helper is at work" test -n "$pid"
kill -9 $pid
wait_until 10 no_helper
goes_on headless
has_all headless
is_tidy headless

restore_copy frozen
start_to_gate frozen 20
pid=$(helpers)
kill -STOP $pid
goes_on frozen
has_all frozen
kill -CONT $pid
is_tidy frozen

restore_copy killed
start_to_gate killed 20
pid=$(cluster_pid killed)
children=$(pgrep -P "$pid") # one that recovers without its postmaster would be in the next one's way
kill -9 "$pid" $children
is_tidy killed
gate_open
recovers killed
is_tidy killed

restore_copy emptied
start_to_gate emptied 20
rm -rf "$SCRATCH/spool/main"
goes_on emptied
has_all emptied
is_tidy emptied

# What lies there under a right name and is not whole is not taken.
restore_copy torn
start_to_gate torn 20
window=$(windows)
for n in $(seq 20 40); do
    head -c 4096 /dev/zero | write_config "$window/${segments[n]}.00"
done
goes_on torn
has_all torn
is_tidy torn

# The window runs dry, and then the store's silence is what it always was.
restore_copy outage
start_to_gate outage 20
s3_proxy_stop
gate_open
wait_until 120 eval "! cluster_is_running outage"
like "$(cat "$(cluster_log outage)")" 'exit code 200' "outage: when nothing lies ready any more pitr answers 200"
unlike "$(cat "$(cluster_log outage)")" 'selected new timeline|archive recovery complete' "outage: nothing was promoted"
ok "outage: it is still to be recovered" test -e "$SCRATCH/outage/recovery.signal"
is "$(cluster_recover outage)" failed "outage: while the store is away a second try fails too"
is_tidy outage
s3_proxy_start
recovers outage
is_tidy outage

# --------------------------------------------------------------------------------- a spool that is no help
other_spool() { # DIR
    config "$1" | write_config
    install -d -o "$PG_USER" -g "$PG_USER" -m 700 "$1"
}
if small_disk "$SCRATCH/disk" 24m; then
    other_spool "$SCRATCH/disk/spool"
    restore_copy full
    recovers full
    ok "full: the helper has ended" wait_until 30 no_helper
    like "$(spool_log "$SCRATCH/disk/spool")" 'no room for segments' "full: and says why"
    is "$(spool_log "$SCRATCH/disk/spool" | grep -c 'fetching ahead of the recovery')" 1 "full: it was tried once"
    is "$(find "$SCRATCH/disk/spool" -size +100k)" "" "full: no segment was left there"
else
    note "no small disk here: a full spool is not tried"
fi
other_spool "$SCRATCH/spool-ro"
as_pg mkdir -m 700 "$SCRATCH/spool-ro/main"
restore_copy readonly
chmod 500 "$SCRATCH/spool-ro/main"
recovers readonly
ok "readonly: no helper" no_helper
chmod 700 "$SCRATCH/spool-ro/main"
{ config | sed 's|^spool.*|&\nfetch-ahead-bytes = 0|'; } | write_config
restore_copy off
recovers off
is_tidy off
config | write_config

# ----------------------------------------------------------------------------------------- across a fork
restore_copy branch --target-name fork --keep-archiving
is "$(cluster_recover branch)" promoted "branch: recovered to the fork"
is "$(rows branch)" "45 45" "branch: with the rows up to there"
for n in $(seq 101 110); do
    sql branch "insert into t values ($n)"
    last=$(sql branch "select pg_walfile_name(pg_switch_wal())")
done
wait_for_archive branch "$last" 120
cluster_stop branch
is_tidy branch
restore_copy child
gate_at "$last"
cluster_pg_ctl child -W -o "-p ${CLUSTER_PORT[child]} -k $SCRATCH/sock" start
ok "child: recovery reaches the last segment of timeline 2" wait_until 120 test -e "$SCRATCH/tmp/gate-reached"
goes_on child
is "$(rows child)" "55 110" "child: to timeline 2, and nothing of timeline 1 behind the fork"
cluster_stop child
is_tidy child
restore_copy parent --target-timeline 1
recovers parent

# A standby whose window is full of timeline 1 when it comes to the fork, and that no plan tells where to go.
must "switch: a copy is restored" pitr restore --standby --pgdata "$SCRATCH/switch"
gated switch
start_to_gate switch 44
goes_through() { # NAME ROWS
    gate_open
    ok "$1: it follows timeline 2" wait_until 120 eval "[ \"\$(sql_quiet $1 'select max(n) from t')\" = 110 ]"
    is "$(rows "$1")" "55 110" "$1: and has nothing of timeline 1 behind the fork"
}
goes_through switch
cluster_stop switch
is_tidy switch

# ------------------------------------------------------------------------------------------ a standby
must "standby: a copy is restored" pitr restore --standby --target-timeline 1 --pgdata "$SCRATCH/standby"
cluster_adopt standby
cluster_set standby recovery_target_timeline current
sed -i '/recovery_target_timeline/d' "$SCRATCH/standby/postgresql.auto.conf"
cluster_set standby wal_retrieve_retry_interval 1s
cluster_start standby
standby_has() { [ "$(rows standby)" = "$1" ]; }
ok "standby: it catches up" wait_until 120 standby_has "48 48"
before=$(s3_requests)
add_segments 49 50
ok "standby: it goes on with what is archived meanwhile" wait_until 60 standby_has "50 50"
add_segments 51 75
ok "standby: and follows a burst" wait_until 120 standby_has "75 75"
ok "standby: each name at most once more than needed" at_most "$(most_gets "$before")" 2
cluster_stop standby
is_tidy standby

cluster_stop source
finish
