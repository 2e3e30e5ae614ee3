# regress/recovery.sh - what the stories about a recovery's window stand on, beside lib.sh: an archive of many small
# segments on S3, copies restored from it, and a gate that holds a recovery where a story wants it.
#
#   the archive  archive_source, config, add_segments (keeps segments[N]), rows
#   the window   helpers, no_helper, windows, spool_log, is_tidy
#   the copies   restore_copy, start_to_gate, gate_at, gate_open, goes_on, has_all, recovers, is_promoted

LAST=48         # segments that a full recovery replays
FORK=45         # the restore point "fork" lies behind this one
segments=()

config() { # [SPOOL [ENDPOINT]]
    section_cluster source | sed "s|^spool.*|spool = ${1:-$SCRATCH/spool}|"
    section_s3 | sed "s|^endpoint.*|endpoint = ${2:-$S3_ENDPOINT}|"
    printf 'retry-budget = 2s\nconnect-timeout = 1s\n'
}
add_segments() { # FIRST LAST: one row in each
    local n
    for n in $(seq "$1" "$2"); do
        sql source "insert into t values ($n)"
        segments[n]=$(sql source "select pg_walfile_name(pg_switch_wal())") || die "could not switch"
    done
    wait_for_archive source "${segments[$2]}" 300 || die "could not archive"
}
# A server "source", a backup of it, and LAST segments behind; its server goes on.
archive_source() {
    s3_start
    cluster_init source --wal-segsize=1
    config | write_config
    cluster_start source
    must "the repository on S3 is set up" pitr init
    sql source "create table t (n int)"
    must "a backup is taken" pitr backup --checkpoint fast
    add_segments 1 $FORK
    sql source "select pg_create_restore_point('fork')" > /dev/null
    add_segments $((FORK + 1)) $LAST
    make_gate
}
rows() { sql "$1" "select count(*) || ' ' || coalesce(max(n), 0) from t"; }

spool_log() { cat "${1:-$SCRATCH/spool}/main/fetch-ahead.log" 2> /dev/null; }
helpers() { pgrep -f "^pitr fetch-ahead .*$SCRATCH"; }
no_helper() { ! pgrep -f "^(pitr fetch-ahead|$SCRATCH/bin/pitr fetch) .*$SCRATCH" > /dev/null; } # and no one watches
windows() { ls -d "${1:-$SCRATCH/spool}"/main/window-* 2> /dev/null; }
is_tidy() { # NAME [SPOOL]: the helper ends by itself, and what it kept is gone
    ok "$1: the helper has ended" wait_until 30 no_helper
    is "$(windows "${2:-}")" "" "$1: and left nothing behind"
    unlike "$(spool_log "${2:-}")" "$SANITIZER_FINDING" "$1: and had no fault of its own"
}

# In front of the restore command stands a gate: it holds recovery at one segment until the story has done its harm.
make_gate() {
    cat > "$SCRATCH/bin/gate" << GATE
#!/bin/sh
[ "\$1" = "\$(cat $SCRATCH/tmp/gate-at 2>/dev/null)" ] || exit 0
: > $SCRATCH/tmp/gate-reached
while [ -e $SCRATCH/tmp/gate-at ]; do sleep 0.05; done
GATE
    chmod 755 "$SCRATCH/bin/gate"
}
gate_at() { rm -f "$SCRATCH/tmp/gate-reached"; echo "$1" > "$SCRATCH/tmp/gate-at"; }
gate_open() { rm -f "$SCRATCH/tmp/gate-at"; }
gated() { # NAME: a restored data directory becomes a cluster whose restore command has the gate
    cluster_adopt "$1"
    sed -i "s|^restore_command = '|&$SCRATCH/bin/gate %f \&\& |" "$SCRATCH/$1/postgresql.auto.conf"
}
restore_copy() { # NAME OPTION…
    local name=$1
    shift
    must "$name: a copy is restored" pitr restore --pgdata "$SCRATCH/$name" --target-action promote "$@"
    gated "$name"
}
start_to_gate() { # NAME N
    gate_at "${segments[$2]}"
    cluster_pg_ctl "$1" -W -o "-p ${CLUSTER_PORT[$1]} -k $SCRATCH/sock" start
    ok "$1: recovery reaches segment $2" wait_until 120 test -e "$SCRATCH/tmp/gate-reached"
}
is_promoted() { [ "$(sql_quiet "$1" 'select pg_is_in_recovery()')" = f ]; }
goes_on() { # NAME: a recovery that has begun comes to its end
    gate_open
    ok "$1: recovery comes to its end" wait_until 300 is_promoted "$1"
}
has_all() { # NAME
    is "$(rows "$1")" "$LAST $LAST" "$1: with every row"
    cluster_stop "$1"
}
recovers() { # NAME
    is "$(cluster_recover "$1" 300)" promoted "$1: recovered"
    has_all "$1"
}

# A restored copy without a server: its recovery is played.
ask() { (cd "$SCRATCH/$1" && pitr fetch --line "$LINE" "$2" "pg_wal/$2"); } # NAME FILE
same() { cmp -s "$SCRATCH/$1/pg_wal/$2" "$SCRATCH/source/pg_wal/$2"; }
find_line() { LINE=$(s3_objects | grep -m 1 line.json | cut -d/ -f3); }

at_most() { [ "$1" -le "$2" ] || { note "$1 is more than $2"; return 1; }; }
at_least() { [ "$1" -ge "$2" ] || { note "$1 is less than $2"; return 1; }; }
