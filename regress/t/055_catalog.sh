#!/bin/bash
# A backup says which relation each relfilenode was, of every database it could look into, and to nobody without the key.
. "$(dirname "$0")/../lib.sh"
story "a backup has a catalog of relations; what SQL can't tell is noted in it and fails nothing"

config() { # CONNINFO
    printf '[cluster main]\nconninfo = %s\nspool = %s\nwal-timeout = 60s\npack-size = 1MiB\n' "$1" "$SCRATCH/spool"
    section_local
}
cluster_init source
conninfo="host=$SCRATCH/sock port=${CLUSTER_PORT[source]} user=backup"
config "$conninfo" | write_config
cluster_start source
sql source "create role backup login replication"
as_pg mkdir "$SCRATCH/space"
sql source "create tablespace space location '$SCRATCH/space'"
odd=$'od"d\t%na\nme é'
sql source 'create database closed with allow_connections false'
sql source 'create database private'
sql source 'revoke connect on database private from public'
sql source 'create database mute'
sql source 'revoke select on pg_class from public' mute
sql source 'create database latin encoding latin1 lc_collate "C" lc_ctype "C" template template0 tablespace space'
sql source "create database \"${odd//\"/\"\"}\""
sql source 'create schema "s c"; create table "s c".accounts (id int primary key, text text); create sequence counter;
            create materialized view totals as select 1 as n; create view no_file as select 1;
            create table spaced (n int) tablespace space; create unlogged table unlogged (n int);
            create table parted (n int) partition by range (n)' > /dev/null
sql source 'vacuum full pg_class'
PGCLIENTENCODING=UTF8 sql source 'create table "käse" (n int)' latin
sql source "create table \"${odd//\"/\"\"}\" (n int)" "$odd"

expect_log 'permission denied for database "private"|User does not have CONNECT privilege|permission denied for table pg_class'

must "a backup is taken by a role without rights on tables" pitr backup --checkpoint fast
backup=$out
like "$err" 'WARNING:.*database "private".*permission denied' "the database it may not connect to is warned of"
like "$err" 'WARNING:.*database "mute".*pg_class' "and so is the one it may not read"
unlike "$err" 'closed|template0' "those that nobody may connect to are not"
dir=$(dirname "$(find "$SCRATCH/repo" -path "*$backup/backup.json")")
run python3 "$SOURCE/contrib/unseal-by-hand.py" "$dir/catalog"
exit_is 0 "the catalog is read by hand"
catalog=$out
is "$(head -1 <<< "$catalog")" "pitr-catalog 1 $backup" "it is that of the backup"

oid_of() { sql source "select oid from pg_database where datname = '${1//\'/\'\'}'"; }
of_database() { awk -F '\t' -v oid="$1" '$1 == "D" { on = $2 == oid } on' <<< "$catalog"; }
node_of() { sql source "select pg_relation_filenode('$1')" "${2:-postgres}"; }
has() { # DATABASE LINE NAME
    if grep -qxF -- "$2" <<< "$(of_database "$1")"; then pass "$3"; else fail "$3" "no line: $2"; fi
}
here=$(oid_of postgres)
space=$(sql source "select oid from pg_tablespace where spcname = 'space'")
tab=$'\t'
table="s%20c${tab}accounts"
toast=$(sql source "select reltoastrelid::regclass from pg_class where relname = 'accounts'")
has "$here" "R$tab$(node_of '"s c".accounts')${tab}1663${tab}r$tab$table" "a table"
has "$here" "P$tab$(node_of '"s c".accounts_pkey')${tab}1663${tab}i${tab}s%20c${tab}accounts_pkey$tab$table" "its index"
has "$here" "P$tab$(node_of "$toast")${tab}1663${tab}t${tab}pg_toast${tab}${toast#pg_toast.}$tab$table" "its TOAST table"
has "$here" "P$tab$(node_of "${toast}_index")${tab}1663${tab}i${tab}pg_toast${tab}${toast#pg_toast.}_index$tab$table" "and that one's index"
has "$here" "R$tab$(node_of counter)${tab}1663${tab}S${tab}public${tab}counter" "a sequence"
has "$here" "R$tab$(node_of totals)${tab}1663${tab}m${tab}public${tab}totals" "a materialized view"
has "$here" "R$tab$(node_of spaced)$tab$space${tab}r${tab}public${tab}spaced" "a table in a tablespace"
has "$here" "R$tab$(node_of unlogged)${tab}1663${tab}r${tab}public${tab}unlogged" "an unlogged table"
has "$here" "R$tab$(node_of pg_class)${tab}1663${tab}r${tab}pg_catalog${tab}pg_class" "a mapped relation, by its relfilenode of now"
unlike "$(of_database "$here")" 'no_file|parted' "what has no file is not there"
has 0 "R$tab$(node_of pg_database)${tab}1664${tab}r${tab}pg_catalog${tab}pg_database" "what all databases share is database 0's"
unlike "$(of_database "$here")" "${tab}pg_database\$" "and of no other"
has "$(oid_of latin)" "R$tab$(PGCLIENTENCODING=UTF8 node_of '"käse"' latin)$tab$space${tab}r${tab}public${tab}k%C3%A4se" "a name in LATIN1 is UTF-8, the tablespace that of its database"
has "$(oid_of "$odd")" "D$tab$(oid_of "$odd")${tab}1663${tab}od\"d%09%25na%0Ame%20%C3%A9" "an odd name of a database"
like "$(of_database "$(oid_of "$odd")")" "${tab}public${tab}od\"d%09%25na%0Ame%20%C3%A9\$" "and of a relation"
has "$(oid_of closed)" "U${tab}it%20does%20not%20allow%20connections" "a closed database is noted"
like "$(of_database "$(oid_of private)")" "^U${tab}.*permission%20denied" "and so is one that can't be connected to"
is "$(of_database "$(oid_of private)" | wc -l)" 2 "with nothing else said of it"
like "$(of_database "$(oid_of mute)")" "^U${tab}.*pg_class" "and one that can't be read"
is "$(tail -1 <<< "$catalog" | cut -f 2,3)" "8${tab}4" "the end counts databases, and those unread"
listed=$(sql source "select count(*) from pg_class where pg_relation_filenode(oid) <> 0 and not relisshared")
is "$(of_database "$here" | grep -c '^[RP]')" "$listed" "every relation with a file is there"
like "$(tr -d ' \n' < "$dir/backup.json")" "\"catalog\":\\{\"databases\":8,\"unread\":4,\"relations\":[0-9]+\\}" "and backup.json counts them"

# Where replication clients are let in for no database, there is no SQL to ask with.
as_pg tee "$SCRATCH/source/pg_hba.conf" > /dev/null << HBA
local replication physical trust
local all physical reject
local all all trust
local replication all trust
HBA
sql source "create role physical login replication"
cluster_reload source
expect_log 'pg_hba.conf rejects connection'
config "${conninfo%user=*}user=physical" | write_config
must "a backup over physical replication" pitr backup --checkpoint fast
like "$err" 'takes no SQL' "says that it has no catalog"
dir=$(dirname "$(find "$SCRATCH/repo" -path "*$out/backup.json")")
not_ok "and has none" test -e "$dir/catalog"
unlike "$(cat "$dir/backup.json")" catalog "nor does backup.json say so"
config "$conninfo" | write_config
run pitr list
exit_is 0 "backups with and without are listed"


# Sealed: without the identity nobody sees a name.
must "an identity is made" as_pg "$PITR_BIN" key generate "$SCRATCH/tmp/identity"
secret_file "$SCRATCH/tmp/recipients" <<< "$out"
{ config "$conninfo"; printf 'recipients-file = %s\n' "$SCRATCH/tmp/recipients"; } | write_config
must "a sealed backup" pitr backup --checkpoint fast
catalog=$(find "$SCRATCH/repo" -path "*$out/catalog")
not_ok "no name of a relation is seen in its catalog" grep -qaE 'accounts|pg_class|counter' "$catalog"
run python3 "$SOURCE/contrib/unseal-by-hand.py" "$catalog"
unlike "$rc" '^0$' "nor is it read by hand"

# What can't be stored fails the backup, as the index would.
config "$conninfo" | write_config
sql source "create table large as select repeat(md5(g::text), 20) as text from generate_series(1, 60000) g"
background pitr backup --checkpoint fast --max-rate 8MB > "$SCRATCH/tmp/backup.out" 2> "$SCRATCH/tmp/backup.err"
backup_pid=$!
unfinished() { find "$SCRATCH/repo" -path '*/backup/*/pack-000000' -printf '%h\n' | while read -r dir; do [ -e "$dir/backup.json" ] || echo "$dir"; done; }
ok "a backup is on its way" wait_until 60 eval '[ -n "$(unfinished)" ]'
dir=$(unfinished)
as_pg mkdir "$dir/catalog" # in the object's place
wait "$backup_pid"
rc=$? out=$(cat "$SCRATCH/tmp/backup.out") err=$(cat "$SCRATCH/tmp/backup.err")
unlike "$rc" '^0$' "a backup whose catalog can't be stored fails"
like "$err" 'storing the catalog' "and says so"
not_ok "it is not visible" test -e "$dir/backup.json"
cluster_stop source
finish
