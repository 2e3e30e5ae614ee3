# shellcheck shell=sh
# live_server.sh - a scratch PostgreSQL server for a test that needs a real one; sourced.
#
# Makes $dir, with socket/ in it, and goes there; at the end its server is stopped and all of it removed.
#   $pgbin        directory with initdb, pg_ctl and postgres: PITR_TEST_PGBIN, else the newest below /usr/lib/postgresql
#   $as_server    before a command: become user postgres, whom the server runs as where this runs as root
#   server_new    a new cluster in $dir/data: initdb with the options given, our settings and those of stdin
#   ctl           pg_ctl on it, waiting; what the server said is shown when that fails
#   skip          end: the test can't run, and why. Exits with $skip_status, 77 unless set before this is sourced (TAP: 0)
# Without binaries, or without that user, the test is skipped.
set -eu

skip()
{
	echo "1..0 # SKIP $1"
	exit "${skip_status:-77}"
}

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

dir=$(mktemp -d "${TMPDIR:-/tmp}/pitr-live.XXXXXX")
clean_up()
{
	[ ! -f "$dir/data/postmaster.pid" ] || $as_server "$pgbin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || :
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
mkdir "$dir/socket"
chmod 755 "$dir"
[ -z "$as_server" ] || chown postgres "$dir" "$dir/socket"
cd "$dir"

ctl()
{
	$as_server "$pgbin/pg_ctl" -D "$dir/data" -l "$dir/log" -w "$@" >/dev/null || { tail -n 30 "$dir/log" >&2; exit 1; }
}

server_new()
{
	rm -rf "$dir/data"
	$as_server "$pgbin/initdb" -D "$dir/data" -U postgres -A trust --locale=C -N "$@" >"$dir/initdb.log" 2>&1 ||
		{ cat "$dir/initdb.log" >&2; exit 1; }
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$dir/socket'"
		printf '%s\n' 'port = 5432' 'fsync = off' 'autovacuum = off'
		cat
	} >>"$dir/data/postgresql.conf"
}
