#!/bin/bash
# A process that meets a file size limit, or is killed, in the middle of a file costs a retry, never a half file.
. "$(dirname "$0")/../lib.sh"
story "a file size limit is an error and no signal; what a killed process leaves is never listed nor read"

cluster_init source
cluster_set source archive_command /bin/true
{
    section_cluster source
    echo "compress = none"
    section_local
} | write_config
cluster_start source
sql source "create table t as select g as n, md5(g::text) as text from generate_series(1, 50000) g"
must "the repository is set up" pitr init
segment=$(switch_wal source)
in_pgdata() { (cd "$SCRATCH/source" && pitr "$@"); }
temporaries() { find "$@" -name '.pitr-tmp-*'; }

# --------------------------------------------------------------------------------------- a file size limit
# What runs the stories may ignore SIGXFSZ, as PostgreSQL does; a shell does not.
limited() { # KILOBYTES COMMAND ARGUMENT…: pitr, where no file may become larger
    local kilobytes=$1 command=$2
    shift 2
    (ulimit -f "$kilobytes" && as_pg env --default-signal=XFSZ "$PITR_BIN" "$command" --config "$CONF" "$@")
}
in_pgdata_limited() { (cd "$SCRATCH/source" && limited "$@"); }
for kilobytes in 8 1024 16384; do
    run in_pgdata_limited $kilobytes archive "pg_wal/$segment"
    exit_is 6 "a push that meets a limit of $kilobytes kB is an error"
    like "$err" 'ERROR: .*File too large' "a limit of $kilobytes kB: the message says so"
    is "$(temporaries "$SCRATCH/repo" "$SCRATCH/spool")$(stored_file "$segment")" "" \
        "a limit of $kilobytes kB: neither the segment nor a part of it is there"
done
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "without the limit the same push succeeds"
as_pg mkdir "$SCRATCH/to"
for kilobytes in 8 1024 16383; do
    run in_pgdata_limited $kilobytes fetch "$segment" "$SCRATCH/to/RECOVERYXLOG"
    exit_is 200 "a fetch that meets a limit of $kilobytes kB is no end of WAL"
    like "$err" 'ERROR: .*File too large' "a limit of $kilobytes kB: fetch says so"
    is "$(ls -A "$SCRATCH/to")" "" "a limit of $kilobytes kB: fetch leaves nothing"
done
cluster_set source archive_command "$(archive_command)"
cluster_reload source
must "a backup is taken" pitr backup --checkpoint fast
run limited 64 restore --pgdata "$SCRATCH/copy"
exit_is 6 "a restore that meets a limit of 64 kB is an error"
like "$err" 'ERROR: .*File too large' "and says so"
not_ok "and cannot be started" test -e "$SCRATCH/copy/global/pg_control"
is "$(temporaries "$SCRATCH")" "" "and no temporary file stays anywhere"

# ------------------------------------------------------------------------------------------------- killed
# A push is killed as soon as something of it lies in the repository. Where it was quicker, once more.
segment=$(archive_all source)
stored=$(stored_file "$segment")
rm "$stored"
ageless() { sed -E 's/newest moment .* old/newest moment/' <<< "$1"; } # it grows meanwhile
run pitr list
listed_before=$(ageless "$out")
kill_in_the_middle() {
    local pid tries
    for tries in $(seq 100); do
        background pitr archive "$SCRATCH/source/pg_wal/$segment" 2> "$SCRATCH/tmp/archive.err"
        pid=$!
        until compgen -G "${stored%/*}/.pitr-tmp-*" > /dev/null || [ -e "$stored" ]; do :; done
        kill -9 "$pid"
        wait "$pid" 2> /dev/null
        [ -e "$stored" ] || break
        rm "$stored"
    done
    note "killed in the middle at try $tries"
}
kill_in_the_middle
left=$(temporaries "$SCRATCH/repo")
is "$(wc -l <<< "$left") $(dirname "$left")" "1 $(dirname "$stored")" "a push that was killed left its temporary file"
run pitr list
exit_is 0 "list, with that file there"
is "$(ageless "$out")" "$listed_before" "shows neither the segment nor the temporary file"
run in_pgdata fetch "$segment" "$SCRATCH/to/RECOVERYXLOG"
exit_is 1 "the segment is absent"
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "the same push again succeeds"
run in_pgdata fetch "$segment" "$SCRATCH/to/RECOVERYXLOG"
ok "and the segment comes back whole" cmp "$SCRATCH/source/pg_wal/$segment" "$SCRATCH/to/RECOVERYXLOG"
is "$(temporaries "$SCRATCH/repo")" "$left" "the temporary file is for whoever sweeps"
run pitr plan
exit_is 0 "a plan passes it by"
run pitr check
exit_is 0 "and so does check"

cluster_stop source
finish
