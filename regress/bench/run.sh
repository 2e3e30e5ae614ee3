#!/bin/bash
# regress/bench/run.sh - how fast is pitr, beside pgBackRest and beside the least that any program has to do?
#
#   sh regress/bench/run.sh           as root on Debian 12; installs what is missing, builds, measures, prints a table
#
#   ROUNDS=3       every tool does every work once a round, in an order shuffled anew
#   SEGMENTS=100   real WAL segments to push and to fetch, made by pgbench
#   SCALE=130      the cluster to back up and to restore: pgbench's scale, 2 GB
#   WORKS="…"      only these, and what they need, of: push fetch backup restore again
#   OUT=DIR        results.tsv, machine.txt and report.txt (build-release/bench); a later run adds its rounds there
#   BUILD=DIR      build directory (build-release)
#   PITR=PROGRAM   measure this program instead of building one
#   LIMIT=1800     seconds that one measurement may take
#   KEEP=1         leave the scratch directory where it is
#
# Everything real: PostgreSQL's own segments and files, and Ceph's radosgw behind TLS. Every measurement begins with a
# repository of its own and with nothing left to write on the disk, and what it did is checked outside its time:
# fetched segments and restored files equal the source's. A tool that fails is named and leaves no figure.
#
# The store keeps its objects in memory. With the numbers above that takes up to 6 GiB of it, and 12 GB in /tmp.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
[ "$(id -u)" = 0 ] || { echo "$0: needs root: it starts a store and runs servers as another user" >&2; exit 2; }

bench=$(cd "$(dirname "$0")" && pwd)
source_tree=$(cd "$bench/../.." && pwd)
ROUNDS=${ROUNDS:-3} SEGMENTS=${SEGMENTS:-100} SCALE=${SCALE:-130} LIMIT=${LIMIT:-1800}
WORKS=${WORKS:-push fetch backup restore again}
case $WORKS in *fetch*) WORKS="$WORKS push" ;; esac
case $WORKS in *restore* | *again*) WORKS="$WORKS backup" ;; esac
BUILD=${BUILD:-$source_tree/build-release}
OUT=${OUT:-$BUILD/bench}

install_missing() {
    sh "$source_tree/regress/install.sh" build server s3 bench || exit 1
    sh "$source_tree/regress/install.sh" peers || echo "goes on without the peers that could not be installed"
}

build_program() { # the compiler's warnings are not this script's business
    [ -e "$BUILD/build.ninja" ] ||
        meson setup "$BUILD" "$source_tree" -Dbuildtype=release -Db_ndebug=true -Dwerror=false > /dev/null || return 1
    ninja -C "$BUILD" src/cli/pitr > "$BUILD/build.log" 2>&1 ||
        { grep -E 'error|FAILED' "$BUILD/build.log" | head -20 >&2; return 1; }
}

install_missing
if [ -z "${PITR:-}" ]; then
    build_program || { echo "$0: could not build pitr in $BUILD" >&2; exit 1; }
    PITR=$BUILD/src/cli/pitr
fi
mkdir -p "$OUT" && OUT=$(cd "$OUT" && pwd) || exit 1

. "$source_tree/regress/lib.sh"
. "$bench/prepare.sh"
. "$bench/store.sh"
. "$bench/tools.sh"

# ------------------------------------------------------------------------------------------------- rounds

tools_of() { # WORK: the floor has nothing to say about a second backup
    case $1 in
    push | fetch) echo pitr pgbackrest pgbackrest-async floor ;;
    backup | restore) echo pitr pgbackrest floor ;;
    again) echo pitr pgbackrest ;;
    esac
}
is_missing() { case $1 in pgbackrest*) ! command -v pgbackrest > /dev/null ;; *) false ;; esac; }
is_wanted() { case " $WORKS " in *" $1 "*) true ;; *) false ;; esac; }

# Run a command as the server's user under measure.py, and keep its figures when it succeeded. What a server does is
# not the tool's: a server that archives during a backup adds requests, but neither time of the CPU nor memory.
measure() { # WORK TOOL ARGUMENT-OF-measure.py…
    local work=$1 tool=$2 figures=$SCRATCH/tmp/figures from
    shift 2
    sync
    requests_mark
    from=$REQUESTS_FROM
    rm -f "$figures"
    if ! as_pg /usr/bin/python3 "$SCRATCH/bin/measure.py" "$figures" --limit "$LIMIT" "$@" > "$SCRATCH/tmp/said" 2>&1; then
        note "round $round: $work by $tool FAILED: $(tail -5 "$SCRATCH/tmp/said")"
        return 1
    fi
    requests_mark
    printf '%s\t%s\t%s\t%s\t%s\n' "$round" "$work" "$tool" "$(cat "$figures")" "$(requests_between "$from" "$REQUESTS_FROM")" \
        > "$SCRATCH/tmp/row"
}

# A measurement counts when what it left behind is right.
keep_row() {
    cat "$SCRATCH/tmp/row" >> "$OUT/results.tsv"
    note "$(cut -f 1-4,8 "$SCRATCH/tmp/row" | sed 's/\t/  /g')"
}

# pgBackRest's get may stumble over its own helper on a busy machine ("unable to move missing source"). It starts
# anew then, lest its figures be missing. pitr has no second try.
tries_of() { case $1-$2 in fetch-pgbackrest*) echo 3 ;; *) echo 1 ;; esac; }

run_tool() { # WORK TOOL
    local try
    for ((try = $(tries_of "$1" "$2"); try > 0; try--)); do
        if "${1}_by" "$2"; then
            keep_row
            return
        fi
    done
    FAILED+=("$1 by $2")
}

run_work() { # WORK
    local tool
    for tool in $(tools_of "$1" | tr ' ' '\n' | shuf); do
        is_missing "$tool" || run_tool "$1" "$tool"
    done
}

# What is fetched was pushed, what is restored was backed up: a repository of the round serves both.
run_round() {
    local work tool
    bucket_new "bench-$round"
    for tool in pitr pgbackrest pgbackrest-async; do
        is_missing "$tool" || repository_new "$tool" || die "could not set up a repository for $tool"
    done
    for work in push fetch backup restore again; do
        is_wanted "$work" && run_work "$work"
    done
    server_archives_with true
    bucket_drop "bench-$round"
    rm -rf "${SCRATCH:?}/spool"/*
}

# Whole before it runs: the script may be edited meanwhile.
main() {
    local first
    story "benchmark: $ROUNDS rounds, $SEGMENTS segments, scale $SCALE"
    FAILED=()
    mkdir -p "$OUT"
    cp "$bench"/*.py "$bench/floor" "$SCRATCH/bin/"
    needs_room
    s3_start
    prepare_cluster
    prepare_segments
    describe_machine > "$SCRATCH/tmp/machine.txt"
    same_machine || die "$OUT holds the results of another machine, program or size; name another directory with OUT="
    cp "$SCRATCH/tmp/machine.txt" "$OUT/machine.txt"
    warm_up

    first=$(($(cut -f 1 "$OUT/results.tsv" 2> /dev/null | sort -n | tail -1) + 1))
    for ((round = first; round < first + ROUNDS; round++)); do
        run_round
    done
    /usr/bin/python3 "$bench/report.py" "$OUT" | tee "$OUT/report.txt"
    is_missing pgbackrest && echo "missing on this machine, not measured: pgbackrest"
    echo "kept in $OUT: results.tsv, machine.txt, report.txt"
    FINISHED=yes
    [ ${#FAILED[@]} = 0 ] || { printf 'failed: %s\n' "${FAILED[@]}"; exit 1; }
    exit 0
}
main
