#!/bin/sh
# regress/run.sh - build pitr and prove it: the unit suite, then the stories of regress/t on real servers.
#
#   sh regress/run.sh                 everything; installs what is missing first (Debian 12, as root)
#   sh regress/run.sh 020 040         only these stories
#   sh regress/run.sh unit            only the unit suite
#   sh regress/run.sh stories         only the stories, all of them
#   sh regress/run.sh versions        only the stories about what differs between versions, on PostgreSQL 13 to 18
#   sh regress/run.sh versions 053    only this story, on PostgreSQL 13 to 18
#
# Stories run on Debian's PostgreSQL 15; those with a line "# versions: all" run on the other major versions too.
#
#   BUILD=DIR      build directory (build; build-sanitize with SANITIZE=1)
#   SANITIZE=1     build with AddressSanitizer and UBSan, unit suite and stories alike
#   VALGRIND=1     run the unit suite under valgrind
#   PITR=PROGRAM   run the stories against this program, and nothing else
#   VERSIONS=LIST  the major versions for the stories that run on all ("13 18"); 15 is Debian's own
#   KEEP=1         leave the stories' scratch directories where they are
#   TIMEOUT=600    seconds a story may take
# Ends with one line per suite and story; the status is 0 only when all of them passed. What a story and its servers
# said is in <build>/regress/<story>/.
set -eu
cd "$(dirname "$0")/.."
. regress/servers.sh
: "${SANITIZE:=}" "${VALGRIND:=}" "${PITR:=}" "${TIMEOUT:=600}"
BUILD=${BUILD:-build${SANITIZE:+-sanitize}}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac

failed=0
summary=
say() { printf '%s\n' "$*"; }
record() { # STATUS NAME DETAIL
    line=$(printf '%-7s %s (%s)' "$1" "$2" "$3")
    say "$line"
    summary="$summary$line
"
    [ "$1" != FAILED ] || failed=$((failed + 1))
}

install_missing() {
    sh regress/install.sh build server s3
    [ -z "$on_majors" ] || sh regress/install.sh versions
    [ -z "$VALGRIND" ] || sh regress/install.sh checkers
}

build() {
    if [ ! -e "$BUILD/build.ninja" ]; then
        # shellcheck disable=SC2046
        meson setup "$BUILD" $([ -z "$SANITIZE" ] || echo -Db_sanitize=address,undefined) > /dev/null || {
            tail -20 "$BUILD/meson-logs/meson-log.txt" >&2
            exit 1
        }
    fi
    ninja -C "$BUILD" > "$BUILD/build.log" 2>&1 || {
        grep -E 'error|FAILED' "$BUILD/build.log" | head -40 >&2
        say "build failed; the whole output is in $BUILD/build.log" >&2
        exit 1
    }
}

# The suite's tests of the S3 store run against the same real server as the stories. Without it (it needs root) they
# skip, and say so.
unit_s3=
stop_unit_s3() {
    [ -z "$unit_s3" ] || regress/s3/stop.sh "$unit_s3" > /dev/null 2>&1 || true
    [ -z "$unit_s3" ] || rm -rf "$unit_s3"
    unit_s3=
}
free_port() {
    while :; do
        port=$(shuf -i 20000-31999 -n 1)
        bash -c "exec 3<> /dev/tcp/127.0.0.1/$port" 2> /dev/null || break
    done
    echo "$port"
}
start_unit_s3() {
    [ "$(id -u)" = 0 ] || return 0
    unit_s3=$(mktemp -d /tmp/pitr-unit-XXXXXX)
    regress/s3/start.sh "$unit_s3" "$(free_port)" "$(free_port)" > "$BUILD/unit-s3.log" 2>&1 || {
        tail -5 "$BUILD/unit-s3.log"
        record FAILED "S3 server for the unit suite" "log in $BUILD/unit-s3.log"
        return 0
    }
    . "$unit_s3/env"
}

unit_suite() {
    start_unit_s3
    started=$(date +%s)
    name="unit suite${SANITIZE:+, sanitized}${VALGRIND:+, under valgrind}"
    set -- test -C "$BUILD" --no-rebuild --print-errorlogs
    # check has time limits of its own beside meson's.
    [ -z "$VALGRIND" ] || export CK_TIMEOUT_MULTIPLIER=20
    # Where a test is a script, the program it starts is what valgrind is for; servers and shells are left alone.
    [ -z "$SANITIZE" ] || export PITR_TEST_HISTORIES=150 # of ops/plan_histories: sanitizers make it some fifteen times slower
    [ -z "$VALGRIND" ] || export PITR_TEST_THIN=10 # every tenth of many like cases: valgrind is thirty times slower
    [ -z "$VALGRIND" ] || set -- "$@" --timeout-multiplier 20 --wrapper \
        "valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect \
            --trace-children=yes --trace-children-skip=/usr/*,/bin/*,/sbin/*,/lib* \
            --suppressions=$PWD/regress/valgrind.supp"
    if meson "$@" > "$BUILD/unit.log" 2>&1; then status=ok; else status=FAILED; fi
    [ $status = ok ] || tail -60 "$BUILD/unit.log"
    stop_unit_s3
    record $status "$name" "$(sed -nE 's/^Ok: +//p' "$BUILD/unit.log") tests, $(sed -nE 's/^Skipped: +//p' \
        "$BUILD/unit.log" | grep . || echo 0) skipped, $(($(date +%s) - started)) s"
}

# A story passes when it says so in TAP: a plan that fits, no "not ok", status 0.
story_passed() { # LOG STATUS
    [ "$2" = 0 ] && ! grep -q '^not ok' "$1" &&
        [ "$(grep -c '^ok ' "$1")" = "$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$1")" ]
}

run_story() { # FILE [MAJOR]
    name=$(basename "$1" .sh)${2:+ ($2)}
    logs=$BUILD/regress/$(basename "$1" .sh)${2:+-$2}
    pgbin=${PGBIN:-}
    [ -z "${2:-}" ] || pgbin=$(server_bin "$2")
    if [ -n "${2:-}" ] && ! server_is_there "$2"; then
        record skipped "$name" "no PostgreSQL $2"
        return
    fi
    rm -rf "$logs"
    mkdir -p "$logs"
    started=$(date +%s)
    status=0
    REGRESS_LOG_DIR=$logs PITR=$program PGBIN=$pgbin timeout -k 60 "$TIMEOUT" bash "$1" > "$logs/story.tap" 2>&1 \
        < /dev/null || status=$?
    detail="$(grep -c '^ok ' "$logs/story.tap") checks, $(($(date +%s) - started)) s"
    if grep -q '^1\.\.0 # SKIP' "$logs/story.tap"; then
        record skipped "$name" "$(sed -n 's/^1\.\.0 # SKIP //p' "$logs/story.tap")"
    elif story_passed "$logs/story.tap" $status; then
        record ok "$name" "$detail"
    else
        grep -A6 -E '^not ok|^Bail out' "$logs/story.tap" | head -100 || true
        say "--- the end of what $name said:"
        tail -15 "$logs/story.tap"
        if [ -s "$logs/commands.log" ]; then
            say "--- its last commands:"
            tail -25 "$logs/commands.log"
        fi
        [ $status != 124 ] || detail="$detail, ended after $TIMEOUT s"
        record FAILED "$name" "$detail; logs in $logs"
    fi
}

what=all
stories=
on_majors= # those that the stories about versions run on, beside the default server
for argument in "$@"; do
    case $argument in
    unit | stories | versions) what=$argument ;;
    *)
        [ "$what" = versions ] || what=named
        found=$(ls regress/t/"$argument"*.sh 2>/dev/null) || { say "run.sh: no story \"$argument\"" >&2; exit 2; }
        stories="$stories $found"
        ;;
    esac
done
case $what in
all | stories) on_majors=${VERSIONS-$(echo "$majors" | sed 's/15 //')} ;;
versions) on_majors=${VERSIONS-$majors} ;;
esac
for major in $on_majors; do
    case " $majors " in
    *" $major "*) ;;
    *) say "run.sh: no PostgreSQL \"$major\"; there are $majors" >&2; exit 2 ;;
    esac
done
about_versions=${stories:-$(grep -l '^# versions: all$' regress/t/*.sh)}
stories=${stories:-$(ls regress/t/*.sh)}

# A story that is ended cleans up after itself.
trap stop_unit_s3 EXIT
trap 'exit 1' HUP INT TERM
if [ -n "$PITR" ]; then
    sh regress/install.sh server s3
    [ -z "$on_majors" ] || sh regress/install.sh versions
    program=$PITR
    mkdir -p "$BUILD"
else
    install_missing
    build
    program=$BUILD/src/cli/pitr
fi
case $what in all | unit) [ -n "$PITR" ] || unit_suite ;; esac
case $what in
all | stories | named) for file in $stories; do run_story "$file"; done ;;
esac
for major in $on_majors; do
    for file in $about_versions; do run_story "$file" "$major"; done
done

say
say "summary"
printf '%s' "$summary"
if [ $failed != 0 ]; then
    say "$failed failed"
    exit 1
fi
say "all passed"
