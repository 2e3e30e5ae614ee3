#!/bin/bash
# An outage, a refusal or a damaged object in the middle of recovery is not the end of the archive: the server stops
# with FATAL, promotes nothing, and recovers to the end when the store is back.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../recovery.sh"
story "an outage of the store during recovery does not promote, and recovery goes on when it is over"

s3_start
cluster_init source
{
    section_cluster source
    echo "fetch-ahead-bytes = 0" # so that the store is asked at the gate; 031 has a window
    section_s3
    echo "retry-budget = 2s"
    echo "connect-timeout = 1s"
} | write_config
cluster_start source
must "the repository on S3 is set up" pitr init
sql source "create table t (n int)"
must "a backup is taken" pitr backup --checkpoint fast
for n in 1 2 3 4 5 6; do
    sql source "insert into t values ($n)"
    end_lsn=$(sql source "select pg_current_wal_lsn()")
    segments[n]=$(archive_all source) || die "could not archive"
done
cluster_stop source

make_gate
rows() { sql "$1" "select string_agg(n::text, ' ' order by n) from t"; }

# Starts recovery of NAME, which stops in front of the fourth segment; HARM… happens; recovery goes on.
recover_with_harm() { # NAME HARM…
    local name=$1
    shift
    gate_at "${segments[4]}"
    cluster_pg_ctl "$name" -W -o "-p ${CLUSTER_PORT[$name]} -k $SCRATCH/sock" start
    ok "$name: recovery reaches the fourth segment" wait_until 60 test -e "$SCRATCH/tmp/gate-reached"
    "$@"
    gate_open
    wait_until 120 eval "! cluster_is_running $name"
}
restore_copy() { # NAME OPTION…
    local name=$1
    shift
    must "$name: a copy is restored" pitr restore --pgdata "$SCRATCH/$name" --target-action promote "$@"
    cluster_adopt "$name"
    sed -i "s|^restore_command = '|&$SCRATCH/bin/gate %f \&\& |" "$SCRATCH/$name/postgresql.auto.conf"
    like "$(grep ^restore_command "$SCRATCH/$name/postgresql.auto.conf")" "gate %f && .*fetch" "$name: the gate stands before pitr"
}
went_down() { # NAME
    not_ok "$1: the server is down" cluster_is_running "$1"
    like "$(cat "$(cluster_log "$1")")" 'FATAL:  could not restore file "'"${segments[4]}"'"' "$1: it says FATAL and which file"
    like "$(cat "$(cluster_log "$1")")" 'exit code 200' "$1: because pitr answered 200"
    unlike "$(cat "$(cluster_log "$1")")" 'selected new timeline|archive recovery complete' "$1: nothing was promoted"
    not_ok "$1: no new timeline was begun" test -e "$SCRATCH/$1/pg_wal/00000002.history"
    ok "$1: it is still to be recovered" test -e "$SCRATCH/$1/recovery.signal"
}
recovers() { # NAME
    is "$(cluster_recover "$1")" promoted "$1: afterwards recovery goes on to its end"
    is "$(rows "$1")" "1 2 3 4 5 6" "$1: with every row"
    cluster_stop "$1"
}
expect_log 'FATAL:  could not restore file'
expect_log 'ERROR:  '  # pitr's reports of what this story does to it

restore_copy outage
recover_with_harm outage s3_proxy_stop
went_down outage
is "$(cluster_recover outage)" failed "outage: while the store is away a second try fails too"
s3_proxy_start
recovers outage

# With a target, recovery must not end early either.
restore_copy target --target-lsn "$end_lsn"
recover_with_harm target s3_proxy_stop
went_down target
s3_proxy_start
is "$(cluster_recover target)" promoted "target: afterwards recovery goes on to its target"
cluster_stop target

restore_copy denied
cp -p "$SCRATCH/s3.credentials" "$SCRATCH/tmp/credentials"
spoil_credentials() {
    printf 'access-key-id = %s\nsecret-access-key = wrongwrongwrong\n' "$S3_KEY" | secret_file "$SCRATCH/s3.credentials"
}
recover_with_harm denied spoil_credentials
went_down denied
cp -p "$SCRATCH/tmp/credentials" "$SCRATCH/s3.credentials"
recovers denied

# A standby that can stream may ask for patience instead: unreachable = absent keeps it up and waiting.
sed "s|^spool.*|&\nunreachable = absent|" "$CONF" | write_config "$SCRATCH/standby.conf"
must "standby: a copy is restored" as_pg "$PITR_BIN" restore --config "$SCRATCH/standby.conf" --standby --pgdata "$SCRATCH/standby"
cluster_adopt standby
sed -i "s|^restore_command = '|&$SCRATCH/bin/gate %f \&\& |" "$SCRATCH/standby/postgresql.auto.conf"
gate_at "${segments[4]}"
cluster_pg_ctl standby -W -o "-p ${CLUSTER_PORT[standby]} -k $SCRATCH/sock" start
ok "standby: recovery reaches the fourth segment" wait_until 60 test -e "$SCRATCH/tmp/gate-reached"
s3_proxy_stop
gate_open
sleep 8
ok "standby: it stays up during the outage" cluster_is_running standby
is "$(rows standby)" "1 2 3" "standby: with the rows up to then"
s3_proxy_start
caught_up() { [ "$(rows standby)" = "1 2 3 4 5 6" ]; }
ok "standby: after the outage it catches up" wait_until 60 caught_up
is "$(sql standby 'select pg_is_in_recovery()')" t "standby: and still is a standby"
cluster_stop standby

finish
