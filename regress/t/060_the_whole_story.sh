#!/bin/bash
# Everything at once: radosgw over TLS, sealed for a recipient whose identity only the restore has, two tablespaces that
# move, pgbench writing all the time. The restored files satisfy pg_verifybackup before the start, and the restored
# cluster equals the source at the target.
. "$(dirname "$0")/../lib.sh"
story "on S3 over TLS, sealed, with tablespaces and under load, a restored cluster equals its source at the target"

s3_start
cluster_init source --data-checksums
as_pg mkdir -m 700 "$SCRATCH/space1" "$SCRATCH/space2"
# The identity lies where only the restore looks for it.
as_pg mkdir -m 700 "$SCRATCH/safe"
must "an identity is generated" as_pg "$PITR_BIN" key generate "$SCRATCH/safe/identity"
echo "$out" | write_config "$SCRATCH/recipients"
{
    section_cluster source
    section_s3
    echo "recipients-file = $SCRATCH/recipients"
} | write_config
{
    cat "$CONF"
    echo "identity-file = $SCRATCH/safe/identity"
} | write_config "$SCRATCH/restore.conf"
cluster_start source
must "the repository is set up" pitr init
run pitr check
exit_is 0 "check finds the set-up right"

sql source "create tablespace one location '$SCRATCH/space1'"
sql source "create tablespace two location '$SCRATCH/space2'"
sql source "create database other tablespace two"
sql source "create table elsewhere (n int, text text) tablespace one"
sql source "insert into elsewhere select g, repeat(md5(g::text), 10) from generate_series(1, 20000) g"
sql source "create index on elsewhere (n) tablespace two"
sql source "create unlogged table forgetful as select 1 as n"
sql source "create table kept as select g as n, 'ü€ ' || g as text from generate_series(1, 1000) g" other
pgbench_source() { $REPLACE pgbench -h "$SCRATCH/sock" -p "${CLUSTER_PORT[source]}" -U postgres "$@" postgres; }
pgbench_source -i -s 10 -q > /dev/null 2>&1 || die "pgbench -i failed"

# ------------------------------------------------------------------------------------ a backup under load
background pgbench_source -n -c 2 -T 600 --rate 300 > "$SCRATCH/tmp/pgbench.log" 2>&1
load=$!
before=$(sql source "select count(*) from pgbench_history")
must "a backup is taken under load" pitr backup --checkpoint fast --label "under load"
backup=$out
like "$backup" '^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}$' "its ID is all that is printed"
ok "transactions went on meanwhile" test "$(sql source 'select count(*) from pgbench_history')" -gt "$before"
sleep 3
# Ended in the middle of a statement: the server may be about to answer it.
expect_log 'connection to client lost'
kill "$load" && wait "$load" 2>/dev/null

# The load pauses; a restore point marks a moment whose contents can be dumped; the load goes on.
wait_idle() { [ "$(sql source "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()")" = 0 ]; }
wait_until 30 wait_idle || die "the load does not end"
sql source "select pg_create_restore_point('the target')" > /dev/null
target_time=$(sql source "select now()")
dump_to source "$SCRATCH/tmp/target.sql"
pgbench_source -n -c 2 -t 500 > /dev/null 2>&1
sql source "drop table elsewhere"
sql source "drop table kept" other
archive_all source > /dev/null
dump_to source "$SCRATCH/tmp/later.sql"
not_ok "the source is another one afterwards" cmp -s "$SCRATCH/tmp/target.sql" "$SCRATCH/tmp/later.sql"

# ------------------------------------------------------------------------------------------ the restore
moved="--tablespace $SCRATCH/space1=$SCRATCH/moved1 --tablespace $SCRATCH/space2=$SCRATCH/moved2"
# shellcheck disable=SC2086
run pitr restore --pgdata "$SCRATCH/blind" $moved --target-name 'the target'
unlike "$rc" '^0$' "without the identity nothing can be restored"
rm -rf "$SCRATCH"/{blind,moved1,moved2}
CONF=$SCRATCH/restore.conf
restores_equal() { # NAME TARGET-OPTION…
    local name=$1
    shift
    # shellcheck disable=SC2086
    must "$name: restored" pitr restore --pgdata "$SCRATCH/$name" $moved --target-action promote "$@"
    is "$(stat -c '%a %U' "$SCRATCH/$name")" "700 $PG_USER" "$name: the data directory is its owner's alone"
    run as_pg pg_verifybackup -n "$SCRATCH/$name"
    exit_is 0 "$name: pg_verifybackup finds the restored files right"
    is "$(ls -A "$SCRATCH/space1" | wc -l) $(ls -A "$SCRATCH/moved1" | wc -l)" "1 1" "$name: the tablespaces lie at their new place"
    cluster_adopt "$name"
    is "$(cluster_recover "$name")" promoted "$name: recovered"
    like "$(readlink "$SCRATCH/$name"/pg_tblspc/* | sort | tr '\n' ' ')" "moved1 .*moved2" "$name: and are linked there"
    dump_equal "$SCRATCH/tmp/target.sql" "$name" "$name: equals the source at the target"
    is "$(sql "$name" 'select count(*) from forgetful')" 0 "$name: an unlogged table comes back empty"
    ok "$name: every page has its checksum" checksums_hold "$name"
    rm -rf "$SCRATCH"/{"$name",moved1,moved2}
}
checksums_hold() {
    cluster_stop "$1"
    as_pg pg_checksums --check -D "$SCRATCH/$1" > "$SCRATCH/tmp/checksums" 2>&1
}
restores_equal named --target-name 'the target'
restores_equal timed --target-time "$target_time"

# All there is equals the source as it is now.
# shellcheck disable=SC2086
must "all: restored, tablespaces below one root" pitr restore --pgdata "$SCRATCH/all" --tablespace-root "$SCRATCH/spaces"
cluster_adopt all
is "$(cluster_recover all)" promoted "all: recovered"
is "$(ls "$SCRATCH/spaces" | wc -l)" 2 "all: both tablespaces lie below the root"
dump_equal "$SCRATCH/tmp/later.sql" all "all: equals the source as it was last"
cluster_stop all

# What lies in the bucket shows nothing of the contents.
strings_of() { s3_get "/$1" | tr -c '[:print:]' '\n'; }
objects=$(s3_objects)
like "$objects" "backup/$backup/backup.json" "the backup's record lies where it should"
unlike "$(strings_of "$(grep -E 'backup/.*/index$' <<< "$objects" | head -1)")" 'PG_VERSION|pg_control' "the index shows no file names"
cluster_stop source
finish
