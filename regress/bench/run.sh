#!/bin/bash
# regress/bench/run.sh - how fast is pitr, beside pgBackRest and beside the least that any program has to do?
#
#   sh regress/bench/run.sh           as root on Debian 12; installs what is missing, builds, measures, prints tables
#   ROUNDS=1 WORKS=push1 DELAYS="0 30" sh regress/bench/run.sh           a minute's look at one work
#
#   ROUNDS=3          every tool does every work once a round, in an order shuffled anew
#   WORKS="…"         only these, and what they need, of: push1 push fetch recovery
#                     backup restore again (to S3) backup-dir restore-dir again-dir (in a directory) big
#   DELAYS="0 30 80"  round trips to the store, in ms, of push1, push and fetch
#   CLUSTER_DELAYS=0  and of backup, restore and again
#   RATE=0            MiB/s that the way to the store carries in each direction; 0 is as much as it can
#   REPEATS=10        push1: times a round
#   SEGMENTS=100      push and fetch: real WAL segments, made by pgbench
#   RECOVERY=200      recovery: segments, at least
#   WAL_SCALE=30      the cluster they are made on: pgbench's scale
#   SCALE=130         the cluster to back up and to restore: pgbench's scale, 2 GB
#   BIG=20            big: GB of sparse files that are put into it for one backup and restore, to see their memory
#   OUT=DIR           results.tsv, machine.txt, report.txt, *.svg (build-release/bench); a later run of the same
#                     program, machine and sizes adds its rounds, another one puts them into OUT/earlier-…
#   BUILD=DIR         build directory (build-release)
#   PITR=PROGRAM      measure this program instead of building one
#   WARM=1024         MiB of memory that are touched and freed before each measurement
#   LIMIT=1800        seconds that one measurement may take
#   KEEP=1            leave the scratch directory where it is
#
# Everything real: PostgreSQL's own segments and files, and Ceph's radosgw behind TLS. A round trip is made by a relay
# in front of that (slow_proxy.c), for every tool alike. Every measurement begins with repositories of its round and
# with nothing left to write on the disk, and what it did is checked outside its time: fetched segments, recovered rows
# and restored files equal the source's. A tool that fails is named and leaves no figure.
#
# The store keeps its objects in memory. With the numbers above that takes up to 6 GiB of it, and 25 GB in /tmp.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
[ "$(id -u)" = 0 ] || { echo "$0: needs root: it starts a store and runs servers as another user" >&2; exit 2; }

bench=$(cd "$(dirname "$0")" && pwd)
source_tree=$(cd "$bench/../.." && pwd)
ROUNDS=${ROUNDS:-3} REPEATS=${REPEATS:-10} SEGMENTS=${SEGMENTS:-100} RECOVERY=${RECOVERY:-200}
WAL_SCALE=${WAL_SCALE:-30} SCALE=${SCALE:-130} BIG=${BIG:-20} LIMIT=${LIMIT:-1800} WARM=${WARM:-1024}
DELAYS=${DELAYS:-0 30 80} CLUSTER_DELAYS=${CLUSTER_DELAYS:-0} RATE=${RATE:-0}
WORKS=${WORKS:-push1 push fetch recovery backup restore again backup-dir restore-dir again-dir big}
BUILD=${BUILD:-$source_tree/build-release}
OUT=${OUT:-$BUILD/bench}
BACKUPS="backup restore again backup-dir restore-dir again-dir big"

for work in $WORKS; do
    case " push1 push fetch recovery $BACKUPS " in
    *" $work "*) ;;
    *) echo "$0: there is no work \"$work\"" >&2; exit 2 ;;
    esac
    case $work in # what is fetched was pushed, what is restored was backed up
    fetch) WORKS="$WORKS push" ;;
    restore | again) WORKS="$WORKS backup" ;;
    restore-dir | again-dir) WORKS="$WORKS backup-dir" ;;
    esac
done
is_wanted() { # WORK…: any of them
    local work
    for work in "$@"; do
        case " $WORKS " in *" $work "*) return 0 ;; esac
    done
    return 1
}

install_missing() {
    sh "$source_tree/regress/install.sh" build server s3 bench || exit 1
    sh "$source_tree/regress/install.sh" peers || echo "goes on without the peers that could not be installed"
}

build_programs() { # TARGET…: the compiler's warnings are not this script's business
    [ -e "$BUILD/build.ninja" ] ||
        meson setup "$BUILD" "$source_tree" -Dbuildtype=release -Db_ndebug=true -Dwerror=false > /dev/null || return 1
    ninja -C "$BUILD" "$@" > "$BUILD/build.log" 2>&1 ||
        { grep -E 'error|FAILED' "$BUILD/build.log" | head -20 >&2; return 1; }
}

install_missing
# shellcheck disable=SC2046
build_programs regress/bench/slow_proxy $([ -n "${PITR:-}" ] || echo src/cli/pitr) ||
    { echo "$0: could not build in $BUILD" >&2; exit 1; }
PITR=${PITR:-$BUILD/src/cli/pitr}
mkdir -p "$OUT" && OUT=$(cd "$OUT" && pwd) || exit 1

export MEMSTORE_BYTES=${MEMSTORE_BYTES:-$((8 << 30))}
. "$source_tree/regress/lib.sh"
. "$bench/prepare.sh"
. "$bench/store.sh"
. "$bench/tools.sh"
. "$bench/wal_works.sh"
. "$bench/cluster_works.sh"

# ------------------------------------------------------------------------------------------------- rounds

# Run a command as the server's user under measure.py, and keep its figures when it succeeded. What a server does is
# not the tool's: a server that archives during a backup adds requests, but neither time of the CPU nor memory.
measure() { # WORK TOOL ITEMS ARGUMENT-OF-measure.py…
    local work=$1 tool=$2 items=$3 figures=$SCRATCH/tmp/figures from
    shift 3
    sync
    requests_mark
    from=$REQUESTS_FROM
    rm -f "$figures"
    if ! measured "$figures" --warm-mib "$WARM" "$@"; then
        note "round $round: $work by $tool FAILED: $(tail -5 "$SCRATCH/tmp/said")"
        return 1
    fi
    requests_mark
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$round" "$work" "$DELAY" "$tool" "$items" "$(cat "$figures")" \
        "$(requests_between "$from" "$REQUESTS_FROM")" > "$SCRATCH/tmp/row"
}
measured() { # FIGURES ARGUMENT-OF-measure.py…
    local figures=$1
    shift
    as_pg /usr/bin/python3 "$SCRATCH/bin/measure.py" "$figures" --limit "$LIMIT" "$@" \
        > "$SCRATCH/tmp/said" 2>&1
}

# A measurement counts when what it left behind is right.
keep_row() {
    cat "$SCRATCH/tmp/row" >> "$OUT/results.tsv"
    note "$(awk -F '\t' '{ printf "%s  %s  %s ms  %s  %.3f s  %d KiB  %d requests", $1, $2, $3, $4, $6, $9, $10 }' \
        "$SCRATCH/tmp/row")"
}
wrong() { # WORK TOOL WHY: it ended well, but what it left is not what was asked for
    note "round $round: $1 by $2 is WRONG: $3"
    return 1
}

# pgBackRest's get may stumble over its own helper on a busy machine ("unable to move missing source"). It starts
# anew then, lest its figures be missing. pitr has no second try.
tries_of() { case $1-$2 in fetch-pgbackrest*) echo 3 ;; *) echo 1 ;; esac; }

run_tool() { # WORK TOOL
    local try
    for ((try = $(tries_of "$1" "$2"); try > 0; try--)); do
        if "${1%-dir}_by" "$2"; then
            keep_row
            return
        fi
    done
    FAILED+=("$1 by $2, $DELAY ms")
}

run_work() { # WORK TOOL…
    local work=$1 tool
    shift
    for tool in $(shuf -e "$@"); do
        is_missing "$tool" || run_tool "$work" "$tool"
    done
}

run_round() {
    local delay
    for delay in $(shuf -e $DELAYS); do
        ! is_wanted push1 push fetch || run_wal_works "$delay"
    done
    ! is_wanted recovery || run_recovery
    for delay in $(shuf -e $CLUSTER_DELAYS); do
        ! is_wanted backup || run_cluster_works s3 "$delay"
    done
    ! is_wanted backup-dir || run_cluster_works dir 0
}

report() {
    /usr/bin/python3 -B "$bench/report.py" "$OUT" | tee "$OUT/report.txt"
    local peer
    for peer in $PEERS; do
        ! is_missing "$peer" || echo "missing on this machine, not measured: $peer"
    done
    echo "kept in $OUT: results.tsv, machine.txt, report.txt, wall.svg, memory.svg"
}

# Whole before it runs: the script may be edited meanwhile.
main() {
    local first
    story "benchmark: $ROUNDS rounds of: $(printf '%s\n' $WORKS | awk '!seen[$0]++' ORS=' ')"
    FAILED=() round=0
    cp "$bench/measure.py" "$bench/floor" "$BUILD/regress/bench/slow_proxy" "$SCRATCH/bin/"
    needs_room
    cluster_register main "$SCRATCH/main" # configurations name it, also where it is not needed
    s3_start
    proxies_start
    ! is_wanted push1 push fetch recovery || prepare_segments
    # shellcheck disable=SC2086
    ! is_wanted $BACKUPS || prepare_cluster
    describe_machine > "$SCRATCH/tmp/machine.txt"
    same_machine || put_aside
    cp "$SCRATCH/tmp/machine.txt" "$OUT/machine.txt"
    warm_up
    ! is_wanted recovery || prepare_recovery

    first=$(($(cut -f 1 "$OUT/results.tsv" 2> /dev/null | sort -n | tail -1) + 1))
    for ((round = first; round < first + ROUNDS; round++)); do
        run_round
    done
    round=$((round - 1))
    ! is_wanted big || run_big
    report
    FINISHED=yes
    [ ${#FAILED[@]} = 0 ] || { printf 'failed: %s\n' "${FAILED[@]}"; exit 1; }
    exit 0
}
main
