#!/bin/sh
# regress/fuzz/run.sh - feed a fuzz target: run.sh TARGET [SECONDS]
#
#   TARGET    walscan: fuzz_TARGET.c, begun with corpus/TARGET
#   SECONDS   how long, default 60
#   BUILD     build directory (build-fuzz): clang, libFuzzer, ASan and UBSan
# What was learnt lies in BUILD/corpus-TARGET and is used again. An input that brings the target down is left in
# BUILD/found-TARGET-*; mended, it belongs into corpus/TARGET, where the unit suite replays it.
set -eu
[ $# -ge 1 ] || { echo "run.sh TARGET [SECONDS]" >&2; exit 2; }
target=$1 seconds=${2:-60}
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build-fuzz}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
corpus=$PWD/regress/fuzz/corpus/$target
[ -d "$corpus" ] || { echo "no target \"$target\"" >&2; exit 2; }

[ -e "$BUILD/build.ninja" ] ||
    CC=clang meson setup "$BUILD" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false > /dev/null
ninja -C "$BUILD" "regress/fuzz/fuzz_$target" > "$BUILD/build.log" 2>&1 || { tail -n 40 "$BUILD/build.log" >&2; exit 1; }
mkdir -p "$BUILD/corpus-$target"
exec env UBSAN_OPTIONS=halt_on_error=1 "$BUILD/regress/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -max_len=8192 \
    -artifact_prefix="$BUILD/found-$target-" "$BUILD/corpus-$target" "$corpus"
