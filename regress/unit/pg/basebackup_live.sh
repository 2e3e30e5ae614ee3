#!/bin/sh
# Run test_basebackup_live against a real server of its own: basebackup_live.sh TEST-EXECUTABLE
# PITR_TEST_PGBIN picks the server; see live_server.sh.
set -eu

test_exe=$(realpath "$1")
. "$(dirname "$0")/../live_server.sh"

mkdir "$dir/space"
[ -z "$as_server" ] || chown postgres "$dir/space"
server_new -k <<CONF
wal_level = replica
max_wal_senders = 4
CONF
# A role that may replicate but not log into a database, and one that needs a password.
cat >"$dir/data/pg_hba.conf" <<HBA
local all secretive scram-sha-256
local replication secretive scram-sha-256
local replication physical trust
local all physical reject
local all all trust
local replication all trust
HBA
ctl start

status=0
PITR_TEST_PGDIR=$dir "$test_exe" || status=$?
[ "$status" = 0 ] || tail -n 30 "$dir/log" >&2
exit "$status"
