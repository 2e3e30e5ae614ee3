#!/bin/bash
# What waits is pushed along with the file that is asked for, several at once, one request each; the calls that ask for
# it later find a note. Whatever happens in between, nothing is called archived that is not stored, and all comes back.
. "$(dirname "$0")/../lib.sh"
story "what waits is archived in batches: one PUT a segment and nothing else, and no false answer whatever fails"

HOLD=$SCRATCH/hold
wal() { echo "$SCRATCH/$1/pg_wal"; }
s3_start
cluster_init one --wal-segsize=1
{ section_cluster one; section_s3; } | write_config

# While HOLD is there the archiver gets nothing done, and segments wait.
cat > "$SCRATCH/bin/archive" << SH
#!/bin/sh
[ ! -e "$HOLD" ] || exit 1
exec "$PITR_BIN" archive --config "$CONF" "\$1"
SH
chmod 755 "$SCRATCH/bin/archive"
cluster_set one archive_command "$SCRATCH/bin/archive %p"
expect_log 'archive command (failed with exit code 1|was terminated by signal 3)'
cluster_start one
sql one "create table t as select g as n from generate_series(1, 1000) g"
must_archive() { wait_for_archive one "$1" 120 || die "the archiver does not come as far as $1"; }
first=$(switch_wal one)
must_archive "$first"
segment_start() { printf '%X/%X' "0x${1:8:8}" $((0x${1:16:8} << 20)); }

segments_wait() { # COUNT: so many more; prints their names
    sql one "do \$\$ begin for i in 1..$1 loop
        insert into t select i * 100 + g from generate_series(1, 300) g;
        perform pg_logical_emit_message(false, 'regress', 'switch');
        perform pg_switch_wal(); end loop; end \$\$" > /dev/null
    waiting
}
waiting() { (cd "$(wal one)/archive_status" && ls -- *.ready 2> /dev/null | sed 's/\.ready$//'); }
in_pgdata() { (cd "$SCRATCH/one" && pitr "$@"); }
count_requests() { requests_before=$(s3_requests); }
requests_since() { requests=$(s3_request_log | tail -n +$((requests_before + 1))); }
comes_back() { # NAME…: byte for byte; prints those that don't
    local name
    for name in "$@"; do
        rm -f "$SCRATCH/tmp/got"
        in_pgdata fetch "$name" "$SCRATCH/tmp/got" 2> /dev/null
        cmp -s "$(wal one)/$name" "$SCRATCH/tmp/got" || echo "$name"
    done
    rm -f "$SCRATCH/tmp/got"
}
notes() { ls "$SCRATCH"/spool/main/ahead 2> /dev/null | grep -E '^[0-9A-F]{8}' || true; }

# ---------------------------------------------------------------------------------- the server's own archiver
touch "$HOLD"
mapfile -t names < <(segments_wait 40)
archived_before=$(sql one "select archived_count from pg_stat_archiver")
count_requests
rm "$HOLD"
cluster_reload one
must_archive "${names[-1]}"
requests_since
is "$(grep -c '^PUT .*/wal/.* 200$' <<< "$requests")" ${#names[@]} "so many segments that waited are so many PUTs"
is "$(grep -v '^PUT .*/wal/.* 200$' <<< "$requests")" "" "and nothing else is asked of the store"
is "$(sql one "select archived_count - $archived_before from pg_stat_archiver")" ${#names[@]} \
    "the server counts each of them once"
is "$(sql one "select last_archived_wal from pg_stat_archiver")" "${names[-1]}" "and the last one last"
is "$(comes_back "${names[@]}")" "" "each of them comes back byte for byte"
is "$(notes)" "" "no note is left"
key=$(s3_objects | grep "${names[-1]:16:8}\$" | tail -1)
run_from=$(s3_get "/$key" | head -c 4000 | grep -ao '"run_from":"[^"]*"')
is "$run_from" "\"run_from\":\"$(segment_start "$first")\"" "the last of them tells of one run from the first on"

# ---------------------------------------------------------------------------------- one call by hand
touch "$HOLD"
mapfile -t names < <(segments_wait 12)
asked() { # NAME: as the archiver would; .done behind a success
    run in_pgdata archive -vv "pg_wal/$1"
    [ "$rc" != 0 ] || as_pg mv "$(wal one)/archive_status/$1.ready" "$(wal one)/archive_status/$1.done"
}
asked "${names[0]}"
exit_is 0 "a call is answered for its own file"
is "$(notes)" "$(printf '%s\n' "${names[@]:1}")" "all that wait behind it are noted"
count_requests
for name in "${names[@]:1}"; do asked "$name"; [ "$rc" = 0 ] || break; done
exit_is 0 "their own calls find them archived"
like "$err" 'archived ahead of its turn' "by the note"
requests_since
is "$requests" "" "and ask nothing of the store"
is "$(comes_back "${names[@]}")" "" "each of them comes back byte for byte"
mapfile -t names < <(segments_wait 3)
asked "${names[0]}"
call_by_note() { (cd "$SCRATCH/one" && export LD_DEBUG=files && pitr archive "pg_wal/${names[1]}"); }
run call_by_note
exit_is 0 "a call that finds a note"
unlike "$err" 'file=libcurl' "loads no library for the network"

# ---------------------------------------------------------------------------------- what is not believed
asked "${names[2]}"
mapfile -t names < <(segments_wait 6)
names=("${names[@]: -6}")
not_by_note() { exit_is 0 "$1: the call succeeds"; unlike "$err" 'ahead of its turn' "$1: and not by the note"; }
for name in $(waiting); do [ "$name" = "${names[0]}" ] && break; asked "$name"; done
asked "${names[0]}"
as_pg touch "$(wal one)/${names[1]}"
run in_pgdata archive -vv "pg_wal/${names[1]}"
not_by_note "a file that was touched since"
as_pg cp -p "$(wal one)/${names[2]}" "$SCRATCH/tmp/copy"
as_pg mv "$SCRATCH/tmp/copy" "$(wal one)/${names[2]}"
run in_pgdata archive -vv "pg_wal/${names[2]}"
not_by_note "a file that was replaced by an equal one"
asked "${names[1]}"
as_pg cp "$SCRATCH/spool/main/ahead/${names[4]}" "$SCRATCH/spool/main/ahead/${names[3]}"
run in_pgdata archive -vv "pg_wal/${names[3]}"
not_by_note "a note of another file"
as_pg sed -i 's/"size":1048576/"size":1048577/' "$SCRATCH/spool/main/ahead/${names[5]}"
run in_pgdata archive -vv "pg_wal/${names[5]}"
not_by_note "a note that was altered"
for name in "${names[@]:2}"; do asked "$name"; done
mapfile -t names < <(segments_wait 3)
asked "${names[0]}"
{ section_cluster one; section_s3; section_local; } | write_config
run in_pgdata archive -vv "pg_wal/${names[1]}"
not_by_note "a note from before another repository was added"
is "$(stored_file "${names[1]}" | wc -l)" 1 "which has it now"
{ section_cluster one; section_s3; } | write_config
rm -rf "${SCRATCH:?}"/repo/*
for name in "${names[@]:1}"; do asked "$name"; done
is "$(waiting)" "" "all is archived"

# ---------------------------------------------------------------------------------- a file that can't be stored
mapfile -t names < <(segments_wait 8)
as_pg cp -p "$(wal one)/${names[3]}" "$SCRATCH/tmp/whole"
printf 'xx' | as_pg dd of="$(wal one)/${names[3]}" conv=notrunc status=none
asked "${names[0]}"
exit_is 0 "a file that can't be archived does not spoil the answer for the one before it"
is "$(grep -c 'WARNING' <<< "$err")" 1 "it is one warning"
like "$err" "${names[3]}.*leaving it to its own turn" "which names it"
asked "${names[1]}"
asked "${names[2]}"
exit_is 0 "nor for those in between"
asked "${names[3]}"
unlike "$rc" '^0$' "in its own turn it is refused"
as_pg cp -p "$SCRATCH/tmp/whole" "$(wal one)/${names[3]}"
for name in "${names[@]:3}"; do asked "$name"; done
is "$(waiting)" "" "mended, it is archived, and so are those behind it"
is "$(comes_back "${names[@]}")" "" "each of them comes back byte for byte"

# ---------------------------------------------------------------------------------- the store goes away in the middle
mapfile -t names < <(segments_wait 8)
asked "${names[0]}"
{ section_cluster one; section_s3; echo 'retry-budget = 0ms'; } | write_config
mapfile -t more < <(segments_wait 4 | tail -4)
s3_proxy_stop
for name in "${names[@]:1}"; do asked "$name"; done
exit_is 0 "what was archived ahead is acknowledged while the store is away"
asked "${more[0]}"
unlike "$rc" '^0$' "what was not is refused"
is "$(notes)" "" "and nothing is noted"
s3_proxy_start
for name in "${more[@]}"; do asked "$name"; done
is "$(waiting)$(comes_back "${names[@]}" "${more[@]}")" "" "with the store back all is archived, byte for byte"
{ section_cluster one; section_s3; } | write_config

# ---------------------------------------------------------------------------------- kill -9 at any moment
expect_nothing_false() { # every note speaks of something that is stored
    local objects name bad=
    objects=$(s3_objects)
    for name in $(notes); do
        grep -q "/wal/.*$name\$\|/wal/${name:0:8}/${name:8:8}/$name\$" <<< "$objects" || bad="$bad $name"
    done
    echo "$bad"
}
# Started, and killed so many seconds behind the moment at which it is the program itself.
killed() { # SIGNAL DELAY NAME: its status is in status
    (cd "$SCRATCH/one" && REPLACE=exec pitr archive "pg_wal/$3" > /dev/null 2>&1) &
    local pid=$!
    wait_until 10 eval "[ \"\$(cat /proc/$pid/comm 2> /dev/null)\" = pitr ] || [ ! -e /proc/$pid ]"
    sleep "$2"
    kill "-$1" $pid 2> /dev/null
    wait $pid 2> /dev/null
    status=$?
}
bad=
for delay in 0.005 0.02 0.04 0.07 0.12; do
    mapfile -t names < <(segments_wait 10)
    killed KILL $delay "${names[0]}"
    bad=$bad$(expect_nothing_false)
    for name in "${names[@]}"; do asked "$name"; [ "$rc" = 0 ] || bad="$bad $name:$rc"; done
    bad=$bad$(comes_back "${names[@]}")
done
is "$bad" "" "killed at any moment: no note of what is not stored; a second run archives all, byte for byte"
mapfile -t names < <(segments_wait 10)
killed TERM 0.03 "${names[0]}"
ok "ended by SIGTERM it exits with 1, or had done" test "$status" -le 1
is "$(expect_nothing_false)" "" "and notes nothing false"

# ---------------------------------------------------------------------------------- two at once
(cd "$SCRATCH/one" && pitr archive "pg_wal/${names[0]}" > "$SCRATCH/tmp/first" 2>&1) &
first=$!
(cd "$SCRATCH/one" && pitr archive "pg_wal/${names[0]}" > "$SCRATCH/tmp/second" 2>&1) &
second=$!
(cd "$SCRATCH/one" && pitr archive "pg_wal/${names[1]}" > "$SCRATCH/tmp/third" 2>&1) &
third=$!
wait $first; statuses=$?
wait $second; statuses=$statuses$?
wait $third; statuses=$statuses$?
is "$statuses" 000 "calls for the same file and its neighbour at the same time all succeed"
is "$(cat "$SCRATCH/tmp/first" "$SCRATCH/tmp/second" "$SCRATCH/tmp/third")" "" "and have nothing to say"
for name in "${names[@]}"; do asked "$name"; done
is "$(waiting)$(comes_back "${names[@]}")" "" "and all is archived, byte for byte"

# ---------------------------------------------------------------------------------- the spool
mapfile -t names < <(segments_wait 4)
asked "${names[0]}"
rm -rf "${SCRATCH:?}"/spool/*
for name in "${names[@]:1}"; do asked "$name"; done
is "$(waiting)$(comes_back "${names[@]}")" "" "a spool that was emptied costs another push, nothing else"
asked "$(segments_wait 1)" # the line is known again
mapfile -t names < <(segments_wait 4)
as_pg chmod -R a-w "$SCRATCH/spool"
for name in "${names[@]}"; do asked "$name"; done
unlike "$err" 'ahead of its turn' "with a spool that can't be written nothing is archived ahead"
as_pg chmod -R u+w "$SCRATCH/spool"
is "$(waiting)$(comes_back "${names[@]}")" "" "and all is archived"
if small_disk "$SCRATCH/little" 20m; then
    as_pg mkdir -m 700 "$SCRATCH/little/spool"
    sed -i "s|^spool = .*|spool = $SCRATCH/little/spool|" "$CONF"
    asked "$(segments_wait 1)"
    for free in 0 4096 65536 1048576; do
        fill_disk "$SCRATCH/little" $free
        mapfile -t names < <(segments_wait 4)
        for name in "${names[@]}"; do asked "$name"; done
        is "$(waiting)$(comes_back "${names[@]}")" "" "with $free bytes free for the spool all is archived"
    done
    sed -i "s|^spool = .*|spool = $SCRATCH/spool|" "$CONF"
else
    note "this container may not mount a tmpfs: no full spool"
fi
sed -i 's/^spool = .*/&\npush-ahead-bytes = 0/' "$CONF"
mapfile -t names < <(segments_wait 3)
asked "${names[0]}"
is "$(notes)" "" "with push-ahead-bytes = 0 each call pushes its own file only"
sed -i 's/^push-ahead-bytes = 0/push-ahead-bytes = 1MiB\npush-jobs = 1/' "$CONF"
asked "${names[1]}"
is "$(notes)" "${names[2]}" "with room for one it is one more"
sed -i '/^push-/d' "$CONF"
asked "${names[2]}"

# ---------------------------------------------------------------------------------- the server ends in the middle
for how in fast immediate; do
    mapfile -t names < <(segments_wait 30)
    rm "$HOLD"
    cluster_reload one
    sleep 0.1
    if [ $how = fast ]; then cluster_stop one; else cluster_crash one; fi
    cluster_start one
    must_archive "${names[-1]}"
    is "$(comes_back "${names[@]}")" "" \
        "stopped ($how) in the middle of a batch and started again the server has all archived, byte for byte"
    touch "$HOLD"
done

# ---------------------------------------------------------------------------------- a new timeline
segments_wait 3 > /dev/null
cluster_stop one
as_pg touch "$SCRATCH/one/standby.signal"
cluster_start one
sql one "select pg_promote()" > /dev/null
mapfile -t names < <(segments_wait 5)
count_requests
rm "$HOLD"
cluster_reload one
must_archive "${names[-1]}"
requests_since
ok "the history of a new timeline waits too" test -e "$(wal one)/00000002.history"
is "$(grep -oE '^PUT .*(history|/00000002/.*) ' <<< "$requests" | head -1 | grep -c history)" 1 \
    "and is archived before its segments"
mapfile -t names < <(cd "$(wal one)/archive_status" && ls -- *.done | sed 's/\.done$//')
ok "they are many" test ${#names[@]} -gt 100
is "$(comes_back "${names[@]}")" "" \
    "everything that the server believes archived is there, byte for byte"
is "$(notes)" "" "no note is left"

cluster_stop one
finish
