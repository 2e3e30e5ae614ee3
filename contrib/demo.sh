#!/bin/sh
# contrib/demo.sh - a table is dropped by mistake, and comes back: pitr on a scratch PostgreSQL, in one go.
#
#   sh contrib/demo.sh        on Debian 12, as root; installs what is missing
#
# Everything happens in one scratch directory below /tmp that is removed at the end; no running server is touched.
# KEEP=1 leaves the directory. PITR=PROGRAM uses this program and builds nothing.
set -eu
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }
say() { printf '   %s\n' "$*"; }
show() { sed 's/^/   | /'; }
# Run a command and show what it says; a failure ends the demonstration.
shown() {
    status=0
    "$@" > said.log 2>&1 || status=$?
    show < said.log
    return $status
}

# ------------------------------------------------------------------------------- programs, and a place to work
step "Installing what is missing, building pitr"
sh regress/install.sh build server
if [ -z "${PITR:-}" ]; then
    [ -e build/build.ninja ] || meson setup build > /dev/null
    ninja -C build src/cli/pitr > build/demo-build.log 2>&1 || { tail -30 build/demo-build.log; exit 1; }
    PITR=$PWD/build/src/cli/pitr
fi
for name in $(env | sed -n 's/^\(PG[A-Z_]*\|PITR_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
say "$("$PITR" --version), $(postgres --version)"

dir=$(mktemp -d /tmp/pitr-demo-XXXXXX)
leave() {
    status=$?
    trap '' HUP INT TERM
    trap - EXIT
    for data in "$dir/data" "$dir/restored"; do
        [ ! -e "$data/postmaster.pid" ] || as_postgres pg_ctl -D "$data" -m immediate stop > /dev/null 2>&1 || true
    done
    if [ $status != 0 ]; then
        for log in "$dir"/*.log; do
            [ ! -e "$log" ] || { echo "--- the end of $(basename "$log"):"; tail -15 "$log"; }
        done
    fi
    if [ -n "${KEEP:-}" ]; then say "left in $dir"; else rm -rf "$dir"; fi
    exit $status
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

# PostgreSQL does not run as root.
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id postgres > /dev/null 2>&1 || useradd --system --no-create-home postgres
fi
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid postgres --regid "$(id -gn postgres)" --init-groups -- "$@"
    else
        "$@"
    fi
}
chmod 755 "$dir"
cp "$PITR" "$dir/pitr"
mkdir "$dir/repo" "$dir/spool"
chmod 700 "$dir/repo" "$dir/spool"
: > "$dir/server.log"
: > "$dir/restored.log"
chown "$user" "$dir/repo" "$dir/spool" "$dir"
cd "$dir"
pitr() { command=$1; shift; as_postgres "$dir/pitr" "$command" --config "$dir/pitr.conf" "$@"; }
query() { psql -X -q -v ON_ERROR_STOP=1 -h "$dir" -p "$port" -U postgres postgres "$@"; }
value() { query -At -c "$1"; }

# ------------------------------------------------------------------------------------------------- the story
step "Configuring pitr: one repository, a local directory"
cat > pitr.conf << CONF
[cluster main]
conninfo = host=$dir port=5432 user=postgres dbname=postgres
spool    = $dir/spool

[repo local]
url      = file://$dir/repo
CONF
show < pitr.conf

step "Starting a scratch PostgreSQL whose archive_command is pitr"
as_postgres initdb -D "$dir/data" -U postgres -A trust --data-checksums --no-sync > /dev/null
as_postgres tee -a "$dir/data/postgresql.conf" > /dev/null << CONF
listen_addresses = ''
unix_socket_directories = '$dir'
wal_level = replica
archive_mode = on
archive_command = '$dir/pitr archive --config $dir/pitr.conf %p'
CONF
tail -3 data/postgresql.conf | show
port=5432
as_postgres pg_ctl -D "$dir/data" -w start < /dev/null >> server.log 2>&1

step "pitr init makes the cluster's place in the repository; pitr check tries everything end to end"
shown pitr init
shown pitr check

step "Writing three rows, and taking a base backup"
query -c "create table accounts (id int primary key, owner text, balance numeric)"
query -c "insert into accounts values (1, 'Ada', 100), (2, 'Grace', 250), (3, 'Edith', 75)"
backup=$(pitr backup --checkpoint fast 2> said.log) || { show < said.log; exit 1; }
show < said.log
say "backup $backup"

step "Writing one more row and a change after the backup: only the archived WAL knows them"
query -c "insert into accounts values (4, 'Barbara', 300)"
query -c "update accounts set balance = balance + 11 where id = 1"
shown query -c "select * from accounts order by id"

step "The mistake"
moment=$(value "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'")
sleep 1
say "at $moment all is well; one second later: drop table accounts"
query -c "drop table accounts"
query -c "create table innocent as select 'written after the mistake' as note"
shown query -c "select * from accounts" || true
segment=$(value "select pg_walfile_name(pg_switch_wal())")
for attempt in $(seq 300); do
    [ ! -e "data/pg_wal/archive_status/$segment.ready" ] && [ -e "data/pg_wal/archive_status/$segment.done" ] && break
    [ "$attempt" != 300 ] || { say "the last WAL segment was not archived"; exit 1; }
    sleep 0.1
done

step "What there is to restore from"
shown pitr list

step "The plan for a restore to $moment: nothing is written yet"
shown pitr plan --target-time "$moment" --target-action promote

step "Restoring into a second data directory"
shown pitr restore --pgdata "$dir/restored" --target-time "$moment" --target-action promote

step "Starting PostgreSQL on it: it fetches the WAL it needs through pitr and ends at the moment asked for"
port=5433
as_postgres pg_ctl -D "$dir/restored" -w -o "-p $port" start < /dev/null >> restored.log 2>&1
for attempt in $(seq 600); do
    [ "$(value "select pg_is_in_recovery()" 2>/dev/null)" != f ] || break
    [ "$attempt" != 600 ] || { say "recovery did not end"; exit 1; }
    sleep 0.1
done
grep -oE 'recovery stopping .*|selected new timeline.*|archive recovery complete.*' restored.log | show

step "The table is back, with every row and the last change"
shown query -c "select * from accounts order by id"
rows=$(value "select count(*) || ' ' || sum(balance) from accounts")
[ "$rows" = "4 736" ] || { say "these are not the rows: $rows"; exit 1; }
[ "$(value "select to_regclass('innocent') is null")" = t ] || { say "recovery went too far"; exit 1; }

step "Done. Both servers are stopped and $dir is removed"
