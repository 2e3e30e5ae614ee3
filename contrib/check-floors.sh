#!/bin/sh
# check-floors.sh - fail when a file of a room includes a header of a room on a higher floor.
#
#   check-floors.sh [SOURCE-ROOT]   look at src/<room> and include/<room>; print each offence; exit 1 on any
#   check-floors.sh --self-test     plant offences and innocents in a scratch tree and see which are reported
#
# Looks at #include lines with quotes or brackets that name "<room>/…", wherever the blanks are. A header outside the
# rooms (libc, libcurl) is on no floor. A quoted include without a folder, which would hide its room, is an offence too.
# A room that is not on the list below is an offence as well: a new room must be given its floor.
set -eu

floors='base stream storage codec pg repo ops cli'

check_tree() {
    # With nothing to look at, the answer would be a comforting lie.
    [ -d "$1/src" ] && [ -d "$1/include" ] || { echo "no src and include in \"$1\"" >&2; return 2; }
    (cd "$1" && find -L src include -type f \( -name '*.c' -o -name '*.h' \) | sort) |
        awk -v root="$1" -v floors="$floors" '
            BEGIN {
                count = split(floors, names, " ")
                for (i = 1; i <= count; i++) floor_of[names[i]] = i
            }
            {
                file = $0
                split(file, parts, "/")
                room = parts[2]
                seen++
                if (!(room in floor_of)) {
                    printf "%s: room \"%s\" has no floor\n", file, room
                    bad = 1
                    next
                }
                line_no = 0
                path = root "/" file
                while ((got = (getline line < path)) > 0) {
                    line_no++
                    if (line !~ /^[ \t]*#[ \t]*include[ \t]*["<]/) continue
                    quoted = line ~ /^[ \t]*#[ \t]*include[ \t]*"/
                    sub(/^[^"<]*["<]/, "", line)
                    sub(/[">].*$/, "", line)
                    slash = index(line, "/")
                    target = slash ? substr(line, 1, slash - 1) : ""
                    if (target in floor_of) {
                        if (floor_of[target] > floor_of[room]) {
                            printf "%s:%d: \"%s\" is on a higher floor than %s\n", file, line_no, line, room
                            bad = 1
                        }
                    } else if (quoted) {
                        printf "%s:%d: \"%s\" names no room\n", file, line_no, line
                        bad = 1
                    }
                }
                if (got < 0) {
                    printf "%s: could not read\n", file
                    bad = 1
                }
                close(path)
            }
            END {
                if (!seen) { print "no source files found"; bad = 1 }
                exit bad
            }'
}

# Each case: room, file, the line in it, "refused" or "accepted".
self_test_cases() {
    cat <<'CASES'
base|src/base/x.c|#include "stream/sink.h"|refused
base|include/base/x.h|#include "storage/store.h"|refused
codec|src/codec/x.c|  #  include	<pg/lsn.h>|refused
repo|src/repo/x.c|#include "cli/exit.h" // why not|refused
pg|src/pg/x.c|#include "lsn.h"|refused
pg|src/pg/x.c|#include "../cli/exit.h"|refused
attic|src/attic/x.c|#include "base/err.h"|refused
base|src/base/x.c|#include "base/err.h"|accepted
cli|src/cli/x.c|#include "ops/archive.h"|accepted
repo|include/repo/x.h|#include "pg/lsn.h"|accepted
stream|src/stream/x.c|#include <archive.h>|accepted
stream|src/stream/x.c|#include <sys/types.h>|accepted
base|src/base/x.c|/* see #include "cli/exit.h" */|accepted
CASES
}

self_test() {
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/check-floors.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    failed=0
    if check_tree "$scratch" >/dev/null 2>&1; then
        echo "self-test: an empty tree was accepted"
        failed=1
    fi
    self_test_cases > "$scratch/cases"
    while IFS='|' read -r room file line expected; do
        tree="$scratch/tree"
        rm -rf "$tree"
        mkdir -p "$tree/src/$room" "$tree/include/$room"
        printf '%s\n' "$line" > "$tree/$file"
        if check_tree "$tree" >/dev/null; then got=accepted; else got=refused; fi
        if [ "$got" != "$expected" ]; then
            echo "self-test: $file with '$line' was $got, should be $expected"
            failed=1
        fi
    done < "$scratch/cases"
    return $failed
}

case ${1:-} in
    --self-test) self_test ;;
    *) check_tree "${1:-.}" ;;
esac
