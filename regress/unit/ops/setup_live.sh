#!/bin/sh
# Run test_setup_live against a real server of its own, first with archiving on, then off: setup_live.sh TEST-EXECUTABLE
#
# PITR_TEST_PGBIN   directory with initdb, pg_ctl and postgres; default: the newest below /usr/lib/postgresql
# As root the server runs as user postgres. Without binaries, or without that user, the test is skipped (77).
set -eu

skip()
{
	echo "1..0 # SKIP $1"
	exit 77
}

test_exe=$(realpath "$1")
pgbin=${PITR_TEST_PGBIN:-}
if [ -z "$pgbin" ]; then
	for dir in /usr/lib/postgresql/*/bin; do
		[ -x "$dir/initdb" ] && pgbin=$dir
	done
fi
[ -n "$pgbin" ] && [ -x "$pgbin/initdb" ] || skip "no PostgreSQL server binaries"

as_server=
if [ "$(id -u)" = 0 ]; then
	id postgres >/dev/null 2>&1 || skip "no user postgres to run the server as"
	command -v setpriv >/dev/null || skip "no setpriv to become user postgres"
	as_server="setpriv --reuid=postgres --regid=postgres --init-groups"
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/pitr-setup.XXXXXX")
server_stop()
{
	$as_server "$pgbin/pg_ctl" -D "$dir/data" -m "$1" -w stop >/dev/null 2>&1
}
clean_up()
{
	[ -f "$dir/data/postmaster.pid" ] && server_stop immediate
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

mkdir "$dir/socket"
chmod 755 "$dir"
[ -z "$as_server" ] || chown -R postgres "$dir"
cd "$dir"
$as_server "$pgbin/initdb" -D "$dir/data" -U postgres -A trust -k --locale=C -N >"$dir/initdb.log" 2>&1 ||
	{ cat "$dir/initdb.log" >&2; exit 1; }
cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir/socket'
port = 5432
wal_level = replica
max_wal_senders = 4
archive_mode = on
archive_command = '/bin/true'
fsync = off
autovacuum = off
CONF
# A role that may replicate but not log into a database.
cat >"$dir/data/pg_hba.conf" <<HBA
local replication physical trust
local all physical reject
local all all trust
local replication all trust
HBA
[ -z "$as_server" ] || chown postgres "$dir/data/postgresql.conf" "$dir/data/pg_hba.conf"
server_start()
{
	$as_server "$pgbin/pg_ctl" -D "$dir/data" -l "$dir/log" -w start >/dev/null || { cat "$dir/log" >&2; exit 1; }
}
run_test()
{
	status=0
	PITR_TEST_PGDIR=$dir PITR_TEST_ARCHIVING=$1 "$test_exe" || status=$?
	[ "$status" = 0 ] || { tail -n 30 "$dir/log" >&2; exit "$status"; }
}

# Roles are made before the server takes connections.
echo "CREATE ROLE weak LOGIN; CREATE ROLE physical LOGIN REPLICATION;" |
	$as_server "$pgbin/postgres" --single -j -D "$dir/data" postgres >"$dir/roles.log" 2>&1 || { cat "$dir/roles.log" >&2; exit 1; }
server_start
run_test on
server_stop fast
cat >>"$dir/data/postgresql.conf" <<CONF
wal_level = minimal
max_wal_senders = 0
archive_mode = off
CONF
server_start
run_test off
