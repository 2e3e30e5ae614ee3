#!/bin/sh
# Compare walscan with PostgreSQL's own reader on WAL of real servers: walscan_live.sh WALSCAN_PRINT-EXECUTABLE
#
# For each segment size a server is made, worked hard, crashed, promoted and stopped; then every commit, abort, prepare,
# restore point, … and the end must be those that pg_waldump sees, from the first segment and from each later one. And
# waldrops must say of each statement in walscan_live.cases what it did to relations.
#
# PITR_TEST_PGBIN      picks the server; see live_server.sh
# PITR_TEST_WALDUMP    a pg_waldump of that version; default: the one beside it; without any, the server's
#                      pg_walinspect is asked (15 and later), which leaves the promotion out; 13 and 14 have neither,
#                      and only the cases are tried
# PITR_TEST_SEGMENTS   segment sizes in MiB, default "1 16"
set -eu

print_exe=$(realpath "$1")
cases=$(realpath "$(dirname "$0")/walscan_live.cases")
skip_status=0
. "$(dirname "$0")/../live_server.sh"
command -v psql >/dev/null || skip "no psql"
waldump=${PITR_TEST_WALDUMP:-$pgbin/pg_waldump}
major=$("$pgbin/postgres" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
export TZ=UTC PGHOST="$dir/socket" PGPORT=5432 PGUSER=postgres PGDATABASE=postgres

sql()
{
	psql -X -q -At -v ON_ERROR_STOP=1 "$@"
}

# Each kind of record that is told, and each item that a commit may carry.
work()
{
	if [ "$major" -ge 15 ]; then
		backup_start=pg_backup_start backup_stop=pg_backup_stop
	else
		backup_start=pg_start_backup backup_stop=pg_stop_backup
	fi
	compressions=$(sql -c "select unnest(enumvals) from pg_settings where name = 'wal_compression'")
	for compression in ${compressions:-on off}; do
		sql <<SQL
set client_min_messages = warning; set wal_compression = $compression;
create table if not exists t (id serial primary key, v text);
checkpoint;
insert into t (v) select repeat(md5(i::text), 20) from generate_series(1, 3000) i;
update t set v = v || 'x' where id % 3 = 0;
SQL
	done
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		echo "insert into t (v) values ('$i'); begin; insert into t (v) values ('gone'); rollback;"
	done | sql
	$as_server mkdir "$dir/space/passing" "$dir/space/elsewhere"
	sed "s,SPACE,$dir/space," <<'SQL' | sql
begin; insert into t (v) values ('a'); savepoint s; insert into t (v) values ('b'); rollback to s;
savepoint s2; insert into t (v) values ('c'); commit;
do $$ begin for i in 1..300 loop begin insert into t (v) values ('sub'); if i % 2 = 0 then raise exception 'x'; end if;
exception when others then null; end; end loop; end $$;
select pg_create_restore_point('before the storm');
begin;
do $$ begin for i in 1..300 loop execute format('create table many_%s (id int primary key, v text)', i); end loop; end $$;
commit;
begin;
do $$ begin for i in 1..300 loop execute format('drop table many_%s', i); end loop; end $$;
commit;
begin; create table two (id serial primary key); savepoint s; insert into two values (1); prepare transaction 'first';
commit prepared 'first';
begin; savepoint s; drop table two; savepoint s3; create table three (i int); prepare transaction 'second';
begin; create table four (i int); insert into t (v) values ('p'); prepare transaction 'third';
begin; create table five (i int); insert into five values (1); prepare transaction 'open';
commit prepared 'second'; rollback prepared 'third';
select pg_create_restore_point('the longest name that there may be is of sixty-three characters');
create database gone;
create tablespace passing location 'SPACE/passing';
alter database gone set tablespace passing;
alter table t set tablespace passing; alter table t set tablespace pg_default;
drop database gone;
truncate t; vacuum full t;
drop tablespace passing;
select length(pg_logical_emit_message(false, 'big', repeat('y', 5000000))::text) > 0;
select pg_switch_wal() is not null;
insert into t (v) values ('behind the switch');
select pg_replication_origin_create('far away') is not null;
select pg_replication_origin_session_setup('far away');
begin; select pg_replication_origin_xact_setup('0/AA', now()); insert into t (v) values ('from there'); commit;
SQL
	sql -c "select $backup_start('b', true$([ "$major" -ge 15 ] || echo ', false'))" \
		-c "select 1 from $backup_stop($([ "$major" -ge 15 ] || echo false))" >/dev/null 2>&1
	for i in 1 2 3 4 5 6 7 8; do
		echo "insert into t (v) select repeat('z', 100) from generate_series(1, 500); select pg_switch_wal() is not null;"
	done | sql
	sql -c "insert into t (v) select repeat('z', 1000) from generate_series(1, 4000)"
} >/dev/null

# Lines of pg_waldump to those of walscan_print.
waldump_events()
{
	awk '
		$1 == "rmgr:" && $2 ~ /^(Transaction|XLOG|Database|Storage|Tablespace|Standby|Heap)$/ {
			lsn = tx = ""
			for (i = 2; i <= NF; i++) {
				if ($i == "lsn:") lsn = $(i + 1)
				if ($i == "tx:") tx = $(i + 1)
				if ($i == "desc:") break
			}
			gsub(/,/, "", lsn); gsub(/,/, "", tx)
			desc = $0; sub(/^.*, desc: /, "", desc)
			print lsn "\t" tx "\t" $2 "\t" desc
		}' "$1" | events
}

# start, xid, resource manager, "KIND details" by tabs.
events()
{
	awk -F '\t' '
		# "2026-11-20 14:29:00.123456 UTC" of the program, "2026-11-20 14:29:00.1234+00" of the server
		function moment(text) {
			if (!match(text, /[0-9]+-[0-9][0-9]-[0-9][0-9] [0-9:]+(\.[0-9]+)?( UTC|\+00)/)) return "?"
			text = substr(text, RSTART, RLENGTH); sub(/( UTC|\+00)$/, "", text); sub(/ /, "T", text)
			if (text !~ /\./) text = text "."
			while (text !~ /\.......$/) text = text "0"
			return text
		}
		function out(type, xid, time, name, database, more) {
			split($1, lsn, "/"); sub(/^0+/, "", lsn[2])
			printf "%s/%s %s xid=%s time=%s name=%s database=%s%s\n", lsn[1], lsn[2], type, xid, time, name, database, more
		}
		function relation(path) { # pg_tblspc/16400/PG_15_202209061/5/16500 is 16400/5/16500
			sub(/^pg_tblspc\//, "", path); sub(/\/PG_[0-9_]+\//, "/", path); return path
		}
		# " rels:100" and the first 64 entries of what stands behind "; rels: " in the description
		function list(title, as,  n, i, words, text, from) {
			if (!(from = index(rest, "; " title ": "))) return ""
			text = substr(rest, from + length(title) + 4); sub(/; .*/, "", text)
			n = split(text, words, " "); text = " " as ":" n
			for (i = 1; i <= n && i <= 64; i++) {
				if (as == "stats") sub(/\/[0-9]+\//, "/", words[i])
				text = text " " (as == "rels" ? relation(words[i]) : words[i])
			}
			return text
		}
		function lists() { return list("rels", "rels") list("subxacts", "subxacts") list("dropped stats", "stats") }
		{ kind = $4; sub(/ .*/, "", kind); rest = substr($4, length(kind) + 2) }
		$3 == "Transaction" && kind ~ /^(COMMIT|ABORT)$/ { out(kind, $2, moment(rest), "", 0, lists()) }
		$3 == "Transaction" && kind ~ /^(COMMIT|ABORT)_PREPARED$/ {
			xid = rest; sub(/:.*/, "", xid); sub(/_PREPARED/, "", kind); out(kind, xid, moment(rest), "", 0, lists())
		}
		$3 == "Transaction" && kind == "PREPARE" { out(kind, $2, "-", "", 0) }
		$3 == "XLOG" && kind == "RESTORE_POINT" { out(kind, $2, "*", rest, 0) }
		$3 == "XLOG" && (kind == "BACKUP_END" || kind == "SWITCH") { out(kind, $2, "-", "", 0) }
		$3 == "XLOG" && kind == "END_OF_RECOVERY" { out(kind, $2, "*", "", 0) }
		$3 == "XLOG" && kind ~ /^CHECKPOINT_(SHUTDOWN|ONLINE)$/ {
			redo = rest; sub(/;.*/, "", redo); next_xid = rest; sub(/.*; xid [0-9]+:/, "", next_xid); sub(/;.*/, "", next_xid)
			out("CHECKPOINT", $2, "-", "", 0, " " redo " next " next_xid " " (kind ~ /ONLINE/ ? "online" : "shutdown"))
		}
		$3 == "Standby" && kind == "RUNNING_XACTS" {
			next_xid = rest; sub(/^nextXid /, "", next_xid); sub(/ .*/, "", next_xid)
			out(kind, $2, "-", "", 0, " next " next_xid)
		}
		$3 == "Heap" && kind == "INPLACE" && match(rest, /rel [0-9]+\/[0-9]+\/[0-9]+/) {
			path = substr(rest, RSTART + 4, RLENGTH - 4); sub(/^1664\/0\//, "global/", path); sub(/^1663\//, "base/", path)
			out("IN_PLACE", $2, "-", "", 0, " " path)
		}
		$3 == "Storage" && kind == "CREATE" { out("RELATION_CREATE", $2, "-", "", 0, " " relation(rest)) }
		$3 == "Tablespace" && kind == "DROP" { out("DROP_TABLESPACE", $2, "-", "", 0, " tablespace " rest) }
		$3 == "Database" && kind ~ /^(CREATE|DROP)/ { # "copy dir 1663/1 to 1663/5", "create dir 1663/5", "dir 1663/5"
			text = rest; sub(/.* /, "", text)
			split(text, where, "/"); sub(/_.*/, "", kind)
			out(kind "_DATABASE", $2, "-", "", where[2], kind == "CREATE" ? " tablespace " where[1] : "")
		}'
}

# Of restore points and ends of recovery PostgreSQL prints no time in the description.
ours()
{
	grep -v '^last \|^end ' "$1" | sed '/ RESTORE_POINT \| END_OF_RECOVERY /s/time=[^ ]*/time=*/; s/ did=.*//'
}

tests=0 failed=0
result() # 0 or 1, what
{
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		failed=1
	fi
}

# From the first of these segments on: events, last record and end.
compare() # what, timeline, piece, segments…
{
	what=$1 timeline=$2 piece=$3
	shift 3
	"$print_exe" "$piece" "$@" >found
	ours found >found.events
	first=$(basename "$1")
	start=$(printf '%d' "0x$(echo "$first" | cut -c17-24)")
	log=$(echo "$first" | cut -c9-16)
	at=$(printf '%X/%X' "0x$log" $((start * segment * 1048576)))
	"$waldump" -p "$dir/data/pg_wal" -t "$timeline" -s "$at" >dump 2>dump.err || :
	waldump_events dump >wanted.events
	same=0
	[ -s wanted.events ] && diff wanted.events found.events >difference || same=1
	[ "$same" = 0 ] || head -n 20 difference >&2
	result "$same" "$what: $(grep -c . wanted.events) events"
	# "error in WAL record at LAST: invalid record length at END: …"; a page header may lie before END.
	last=$(tail -n 1 dump | sed 's,.*lsn: \([^/]*/\)0*\([^\,]*\)\,.*,\1\2,')
	end=$(sed -n 's/.*error in WAL record at.* at \([0-9A-F]*\/[0-9A-F]*\).*/\1/p' dump.err)
	# It names no END where what seems to begin there goes on to a page that is old: a segment copied at promotion.
	same=0
	[ -n "$end" ] || ! grep -q 'unexpected pageaddr' dump.err || end='[^ ]*'
	[ "$(sed -n 's/^last //p' found)" = "$last" ] && grep -q "^end $end ended\$" found || same=1
	[ "$same" = 0 ] || { echo "# wanted last $last end $end"; sed 's/^/# /' dump.err; tail -n 2 found | sed 's/^/# /'; }
	result "$same" "$what: the end"
}

# Each case behind a restore point of its own, so that its commits are found again.
work_cases()
{
	sql -c "create tablespace elsewhere location '$dir/space/elsewhere'"
	number=0
	grep -v '^#' "$cases" | while IFS='|' read -r since_15 before_15 statements; do
		number=$((number + 1))
		echo "select pg_create_restore_point('case $number');"
		echo "$statements;"
	done >statements
	sql -c "set client_min_messages = warning" -f statements >/dev/null
}

# What waldrops says of each case, from the first segment on.
compare_cases()
{
	"$print_exe" 8192 "$@" >found
	grep -v '^#' "$cases" | awk -F '|' -v old="$([ "$major" -lt 15 ] && echo 1 || :)" '
		{ printf "case %d: %s: %s\n", NR, old && $2 != "" ? $2 : $1, $3 }' >wanted.cases
	{ sed -n 's/.* RESTORE_POINT .* name=\(case [0-9]*\) .*/\1/p; s/.* did=/did=/p' found; echo end; } | awk '
		/^case|^end/ { if (name != "") print name ": " text; name = $0; text = "" }
		/^did=/ && $0 != "did=none" { text = text (text == "" ? "" : ",") substr($0, 5) }' >found.kinds
	cut -d: -f1-2 wanted.cases | sed 's/: $/: /' >wanted.kinds
	same=0
	[ -s wanted.kinds ] && diff wanted.kinds found.kinds >difference || same=1
	[ "$same" = 0 ] || { head -n 20 difference; sed -n 's/^[<>] \(case [0-9]*\):.*/\1:/p' difference | sort -u |
		grep -F -f - wanted.cases; } >&2
	result "$same" "segments of $segment MiB: what $(grep -c . wanted.kinds) cases did to relations"
}

segments_of() # timeline in 8 hex digits
{
	find "$dir/data/pg_wal" -name "$1????????????????" | sort
}

compare_all()
{
	compare "segments of $segment MiB" 1 1048576 $(segments_of 00000001)
	compare "segments of $segment MiB in small pieces" 1 61 $(segments_of 00000001)
	set -- $(segments_of 00000001)
	while [ $# -gt 1 ]; do
		shift $((($# + 1) / 2))
		compare "segments of $segment MiB from $(basename "$1")" 1 8192 "$@"
	done
}

promote()
{
	ctl -m immediate stop
	$as_server touch "$dir/data/standby.signal"
	ctl start
	ctl promote
	sql -c "insert into t (v) values ('after promotion')" -c "select pg_create_restore_point('new')" >/dev/null
	ctl -m immediate stop
	compare "the new timeline in segments of $segment MiB" 2 1048576 $(segments_of 00000002)
}

inspect() # without pg_waldump: the running server's view
{
	sql -c "create extension pg_walinspect" -c "insert into t (v) values ('last')" -c checkpoint
	# The server writes now and then by itself: read while its end stands still.
	for try in 1 2 3 4 5 6 7 8 9 10; do
		end=$(sql -c 'select pg_current_wal_flush_lsn()')
		"$print_exe" 1048576 $(segments_of 00000001) >found
		[ "$(sql -c 'select pg_current_wal_flush_lsn()')" != "$end" ] || break
	done
	first=$(sed -n '1s/ .*//p' found)
	sql -F "$(printf '\t')" -c "select start_lsn, xid, resource_manager, record_type || ' ' || coalesce(description, '') ||
		case resource_manager when 'Heap' then coalesce(' ' || block_ref, '') else '' end
		from pg_get_wal_records_info('$first', '$(sed -n 's/^end \([^ ]*\).*/\1/p' found)') order by start_lsn" | events >wanted.events
	ours found >found.events
	same=0
	[ -s wanted.events ] && diff wanted.events found.events >difference || same=1
	[ "$same" = 0 ] || head -n 20 difference >&2
	result "$same" "segments of $segment MiB as pg_walinspect sees them: $(grep -c . wanted.events) events"
	same=0
	grep -q "^end $end ended\$" found || same=1
	[ "$same" = 0 ] || { echo "# wanted end $end"; tail -n 2 found | sed 's/^/# /'; }
	result "$same" "segments of $segment MiB: the end is the server's"
	ctl -m fast stop
}

for segment in ${PITR_TEST_SEGMENTS:-1 16}; do
	rm -rf "$dir/space"
	$as_server mkdir "$dir/space"
	server_new --wal-segsize="$segment" <<CONF
wal_level = logical
wal_keep_size = 2GB
max_prepared_transactions = 10
max_locks_per_transaction = 1000
CONF
	ctl start
	work
	work_cases
	if [ -x "$waldump" ]; then
		ctl -m immediate stop
		compare_cases $(segments_of 00000001)
		compare_all
		ctl start
		promote
	elif [ "$major" -ge 15 ]; then
		compare_cases $(segments_of 00000001)
		inspect
	else
		ctl -m fast stop
		compare_cases $(segments_of 00000001)
	fi
done
echo "1..$tests"
exit "$failed"
