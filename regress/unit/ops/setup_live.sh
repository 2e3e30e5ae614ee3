#!/bin/sh
# Run test_setup_live against a real server of its own, first with archiving on, then off: setup_live.sh TEST-EXECUTABLE
# PITR_TEST_PGBIN picks the server; see live_server.sh.
set -eu

test_exe=$(realpath "$1")
. "$(dirname "$0")/../live_server.sh"

server_new -k <<CONF
wal_level = replica
max_wal_senders = 4
archive_mode = on
archive_command = '/bin/true'
CONF
# A role that may replicate but not log into a database.
cat >"$dir/data/pg_hba.conf" <<HBA
local replication physical trust
local all physical reject
local all all trust
local replication all trust
HBA

run_test() # is archiving on?
{
	status=0
	PITR_TEST_PGDIR=$dir PITR_TEST_ARCHIVING=$1 "$test_exe" || status=$?
	[ "$status" = 0 ] || { tail -n 30 "$dir/log" >&2; exit "$status"; }
}

# Roles are made before the server takes connections.
echo "CREATE ROLE weak LOGIN; CREATE ROLE physical LOGIN REPLICATION;" |
	$as_server "$pgbin/postgres" --single -j -D "$dir/data" postgres >"$dir/roles.log" 2>&1 || { cat "$dir/roles.log" >&2; exit 1; }
ctl start
run_test on
ctl -m fast stop
cat >>"$dir/data/postgresql.conf" <<CONF
wal_level = minimal
max_wal_senders = 0
archive_mode = off
CONF
ctl start
run_test off
