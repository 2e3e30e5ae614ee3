#!/bin/bash
# What archive has stored, fetch gives back byte for byte: segments, .history, .partial and .backup files, on a
# directory and on S3; and in the steady state each of them costs the S3 server exactly one request.
. "$(dirname "$0")/../lib.sh"
story "archive and fetch give back every kind of file byte for byte, with one request each"

# A cluster that archives by hand, so that the story and not the archiver is the caller.
cluster_init source
cluster_set source archive_command /bin/true
cluster_start source
sql source "create table t as select g as n, md5(g::text) as text from generate_series(1, 20000) g"
first=$(switch_wal source)
sql source "select pg_backup_start('by hand', true); select count(*) from pg_backup_stop()" > /dev/null
sql source "insert into t select g, 'more' from generate_series(1, 1000) g"
second=$(switch_wal source)
wal=$SCRATCH/source/pg_wal
backup_file=$(basename "$(ls "$wal"/*.backup | head -1)")
as_pg cp "$wal/$second" "$wal/$second.partial"
printf '1\t0/%s000000\tat restore point "fork"\n' "${second:22:2}" | as_pg tee "$wal/00000002.history" > /dev/null
files=("$first" "$backup_file" "$second.partial" 00000002.history)

# The server runs both commands in its data directory, with relative paths.
in_pgdata() { (cd "$SCRATCH/source" && pitr "$@"); }

round_trip() { # STORE
    local file kind
    run in_pgdata archive "pg_wal/$second"
    exit_is 0 "$1: the first push succeeds where nothing has been set up"
    for file in "${files[@]}"; do
        kind=segment
        case $file in *.*) kind=.${file##*.} ;; esac
        count_requests
        run in_pgdata archive "pg_wal/$file"
        exit_is 0 "$1: a $kind file is archived"
        is_one_request "$1: archiving a $kind file is one request"
        rm -f "$SCRATCH/tmp/got"
        count_requests
        run in_pgdata fetch "$file" "$SCRATCH/tmp/got"
        exit_is 0 "$1: a $kind file is fetched"
        is_one_request "$1: fetching a $kind file is one request"
        ok "$1: the $kind file came back byte for byte" cmp "$wal/$file" "$SCRATCH/tmp/got"
        is "$(stat -c '%a %U' "$SCRATCH/tmp/got")" "600 $PG_USER" "$1: the fetched $kind file is its owner's alone"
    done
    rm -f "$SCRATCH/tmp/got"
    count_requests
    run in_pgdata fetch 0000000100000000000000EE "$SCRATCH/tmp/got"
    exit_is 1 "$1: a segment that is not there is answered with 1"
    is_two_requests "$1: that answer is two requests: for the segment, and whether the cluster's place is there at all"
    not_ok "$1: and no file appears" test -e "$SCRATCH/tmp/got"
    run in_pgdata fetch 00000007.history "$SCRATCH/tmp/got"
    exit_is 1 "$1: a history file that is not there is answered with 1"
    is "$(ls -A "$SCRATCH/tmp" | grep -v stderr)" "" "$1: no temporary file is left behind"
}
# One is started for every segment, so what it has no need of it does not load; and what it does is seen by this check.
loads_only() { # STORE LIBRARIES, of the large ones
    local call loaded
    for call in "archive pg_wal/$second" "fetch $second $SCRATCH/tmp/got" "fetch 00000007.history $SCRATCH/tmp/got"; do
        # shellcheck disable=SC2086
        run traced $call
        loaded=$(sed -nE 's/.*file=(lib(archive|curl|pq)\.so).*/\1/p' <<< "$err" | sort -u)
        is "$loaded" "$2" "$1: ${call%" $SCRATCH"*} loads of the large libraries: ${2:-none}"
    done
    rm -f "$SCRATCH/tmp/got"
}
traced() { (cd "$SCRATCH/source" && export LD_DEBUG=files && pitr "$@"); }
count_requests() { :; }
is_one_request() { :; }
is_two_requests() { :; }

for codec in lz4 zstd none; do
    mkdir -p "$SCRATCH/repo/$codec" && chown "$PG_USER" "$SCRATCH/repo/$codec"
    { section_cluster source; echo "compress = $codec"; section_local local "$SCRATCH/repo/$codec"; } | write_config
    rm -rf "${SCRATCH:?}"/spool/*
    round_trip "directory, $codec"
done
loads_only "directory" ""
lz4_bytes=$(du -sb "$SCRATCH/repo/lz4" | cut -f1)
none_bytes=$(du -sb "$SCRATCH/repo/none" | cut -f1)
ok "compression makes a repository smaller" test "$lz4_bytes" -lt "$none_bytes"

s3_start
count_requests() { requests_before=$(s3_requests); }
is_one_request() { is "$(($(s3_requests) - requests_before))" 1 "$1"; }
is_two_requests() { is "$(($(s3_requests) - requests_before))" 2 "$1"; }
{ section_cluster source; section_s3; } | write_config
rm -rf "${SCRATCH:?}"/spool/*
round_trip "S3"
loads_only "S3" libcurl.so

# No configuration file at all: the environment is enough.
run env -C "$SCRATCH/source" PITR_REPO="file://$SCRATCH/repo/lz4" PITR_SPOOL="$SCRATCH/spool" \
    setpriv --reuid "$PG_USER" --regid "$(id -gn "$PG_USER")" --init-groups -- "$PITR_BIN" fetch "$first" "$SCRATCH/tmp/got"
exit_is 0 "PITR_REPO alone is configuration enough"
ok "and brings the same bytes" cmp "$wal/$first" "$SCRATCH/tmp/got"
rm -f "$SCRATCH/tmp/got"

# The name the program is called by chooses the command.
ln -s pitr "$SCRATCH/bin/pitr-fetch"
run env -C "$SCRATCH/source" setpriv --reuid "$PG_USER" --regid "$(id -gn "$PG_USER")" --init-groups -- \
    "$SCRATCH/bin/pitr-fetch" --config "$CONF" "$first" "$SCRATCH/tmp/got"
exit_is 0 "called as pitr-fetch it fetches"

cluster_stop source
finish
