#!/bin/sh
# regress/bench/plan.sh - what does a plan cost, from a thousand segments to ten million?
#
#   sh regress/bench/plan.sh          builds, plans, prints a table; nothing is installed, no server, no network
#
#   SIZES="1000 …"  segments of the archives
#   TARGETS=50      random times in each
#   BUILD=DIR       build directory (build-release)
#   OUT=DIR         plan.tsv, plan.txt and plan.svg (build-release/bench)
#
# The archives are made up as they are read (regress/unit/ops/history_store.h): five timelines, sixty backups, segments of
# 16 MiB, their descriptors with the archiver's runs. Requests are those an S3 server would see. Memory and time hold
# what making up takes, most of it for the segments that are read whole.
set -eu
source_tree=$(cd "$(dirname "$0")/../.." && pwd)
SIZES=${SIZES:-1000 10000 100000 1000000 10000000} TARGETS=${TARGETS:-50}
BUILD=${BUILD:-$source_tree/build-release}
OUT=${OUT:-$BUILD/bench}

[ -e "$BUILD/build.ninja" ] ||
    meson setup "$BUILD" "$source_tree" -Dbuildtype=release -Db_ndebug=true -Dwerror=false > /dev/null
mkdir -p "$OUT"
ninja -C "$BUILD" regress/bench/plan_bench > "$OUT/plan-build.log" 2>&1 ||
    { grep -E 'error|FAILED' "$OUT/plan-build.log" | head -20 >&2; exit 1; }

: > "$OUT/plan.tsv"
for segments in $SIZES; do
    "$BUILD/regress/bench/plan_bench" "$segments" "$TARGETS" >> "$OUT/plan.tsv"
done

awk -F '\t' '
    BEGIN {
        print "A plan for a time, mean (most)\n"
        printf "%10s  %12s  %12s  %12s  %12s  %16s  %8s\n", "segments", "LIST", "GET whole", "GET range",
            "of limit 40", "ms", "peak MiB"
    }
    function cell(i) { return sprintf("%.1f (%d)", $i, $(i + 1)) }
    {
        printf "%10d  %12s  %12s  %12s  %12s  %16s  %8.0f\n", $1, cell(3), cell(5), cell(7), cell(11), cell(9),
            $13 / 1024
        if ($12 > most) most = $12
        if ($13 > memory) memory = $13
    }
    END {
        printf "\n%s: at most %d requests beside whole segments (limit 40), %.0f MiB (limit 64)\n",
            most <= 40 && memory < 65536 ? "pass" : "MISS", most, memory / 1024
    }
' "$OUT/plan.tsv" | tee "$OUT/plan.txt"

# Requests of a plan over the size of the archive, both in powers of ten.
awk -F '\t' '
    function log10(x) { return log(x) / log(10) }
    function x_of(n) { return 70 + (log10(n) - 3) * 130 }
    function y_of(n) { return 330 - (n < 1 ? 0 : log10(n)) * 70 }
    function text(x, y, anchor, s) {
        printf "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, s
    }
    function line(x1, y1, x2, y2, color) {
        printf "<path d=\"M%d %dL%d %d\" stroke=\"%s\"/>\n", x1, y1, x2, y2, color
    }
    BEGIN {
        print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 680 400\" fill=\"none\" " \
              "font-family=\"sans-serif\" font-size=\"13\">"
        print "<rect width=\"680\" height=\"400\" fill=\"white\"/><g fill=\"black\">"
        text(340, 24, "middle", "Requests of a plan, by segments in the archive")
        for (n = 0; n <= 4; n++) text(60, y_of(10 ^ n) + 4, "end", 10 ^ n)
        for (n = 3; n <= 7; n++) text(x_of(10 ^ n), 352, "middle", sprintf("%d", 10 ^ n))
        print "</g>"
        for (n = 0; n <= 4; n++) line(70, y_of(10 ^ n), 590, y_of(10 ^ n), "#ddd")
        split("LIST,GET whole,GET range", names, ",")
        split("#b4441e,#1f6f8b,#5a7d2a", colors, ",")
    }
    {
        for (i = 1; i <= 3; i++) {
            if (NR > 1) line(x, y[i], x_of($1), y_of($(1 + 2 * i)), colors[i])
            y[i] = y_of($(1 + 2 * i))
        }
        x = x_of($1)
    }
    END {
        for (pass = 0; pass < 9; pass++) # no label over another
            for (i = 1; i <= 3; i++)
                for (j = i + 1; j <= 3; j++) {
                    near = 15 - (y[i] < y[j] ? y[j] - y[i] : y[i] - y[j])
                    if (near > 0) {
                        y[i] += (y[i] < y[j] ? -near : near) / 2
                        y[j] += (y[i] < y[j] ? near : -near) / 2
                    }
                }
        for (i = 1; i <= 3; i++) {
            printf "<g fill=\"%s\">", colors[i]
            text(x + 6, y[i] + 4, "start", names[i])
            print "</g>"
        }
        print "</svg>"
    }
' "$OUT/plan.tsv" > "$OUT/plan.svg"
echo "in $OUT: plan.tsv, plan.txt, plan.svg"
