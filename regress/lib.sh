# regress/lib.sh - what every story stands on. Sourced by bash; see any file in t/ for its use.
#
#   TAP          story, ok, is, like, unlike, pass, fail, skip_story, finish
#   commands     run (keeps rc, out, err), must, exit_is, pitr, as_pg, background
#   clusters     cluster_init, cluster_start, cluster_stop, cluster_crash, cluster_adopt, cluster_recover, sql
#   WAL          switch_wal, wait_for_archive, wait_until
#   comparing    dump_equal, dump_to
#   settings     write_config, section_cluster, section_local, section_s3, secret_file
#   a store      s3_start, s3_requests, s3_proxy_stop, s3_proxy_start, s3_objects, s3_get,
#                s3_flaky_start, s3_flaky_stop, s3_spoiled
#   small disks  small_disk, small_disk_resize, fill_disk
#
# One story lives in one scratch directory with a short path (the socket's path has to fit 107 bytes) and takes
# everything with it when it ends, however it ends: servers, store, mounts, files. KEEP=1 leaves the directory.
# PostgreSQL refuses to run as root, so servers and pitr run as the user postgres; the story itself stays root.
# A line of level ERROR, FATAL or PANIC in a server's log, and WAL that archive finds damaged, fails the story unless
# expect_log announced it.

set -u -o pipefail
umask 022
export LC_ALL=C.UTF-8 TZ=UTC
for name in $(compgen -e); do # what the caller has set for his own servers and stores stays with him
    case $name in PGBIN | PITR_TEST_*) ;; PG* | AWS_* | R2_* | PITR_*) unset "$name" ;; esac
done
unset name

REGRESS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$(dirname "$REGRESS")
PITR=${PITR:-$SOURCE/build/src/cli/pitr}
TEST_COUNT=0
TEST_FAILURES=0
SCRATCH=

# ---------------------------------------------------------------------------------------------------- TAP

pass() {
    TEST_COUNT=$((TEST_COUNT + 1))
    echo "ok $TEST_COUNT - $1"
}
fail() { # NAME [LINE…]
    TEST_COUNT=$((TEST_COUNT + 1))
    TEST_FAILURES=$((TEST_FAILURES + 1))
    echo "not ok $TEST_COUNT - $1"
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" | diag
}
diag() { sed 's/^/#   /'; }
note() { echo "# $*"; }

ok() { # NAME COMMAND…: the command's status decides
    local name=$1
    shift
    if "$@"; then pass "$name"; else fail "$name" "failed: $*"; fi
}
not_ok() { # NAME COMMAND…: the command must fail
    local name=$1
    shift
    if "$@"; then fail "$name" "unexpectedly true: $*"; else pass "$name"; fi
}
is() { # GOT EXPECTED NAME
    if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "got:      $1" "expected: $2"; fi
}
like() { # GOT REGEX NAME
    if grep -qE -- "$2" <<< "$1"; then pass "$3"; else fail "$3" "got:      $1" "expected: /$2/"; fi
}
unlike() { # GOT REGEX NAME
    if grep -qE -- "$2" <<< "$1"; then fail "$3" "got:        $1" "unexpected: /$2/"; else pass "$3"; fi
}
die() { # what a story stands on is missing: no point in going on
    echo "Bail out! $*"
    exit 1
}
skip_story() { # REASON
    echo "1..0 # SKIP $*"
    TEST_COUNT=-1
    exit 0
}

# ------------------------------------------------------------------------------------------ scratch and end

story() { # SENTENCE
    echo "# $1"
    [ -x "$PITR" ] || die "no program at $PITR; \"sh regress/run.sh\" builds it"
    SCRATCH=$(mktemp -d /tmp/pitr-XXXXXX) || die "no scratch directory"
    trap leave EXIT
    trap 'exit 1' HUP INT TERM
    chmod 755 "$SCRATCH"
    find_postgres
    mkdir "$SCRATCH"/{bin,log,sock,spool,repo,tmp}
    chown "$PG_USER" "$SCRATCH" "$SCRATCH"/{sock,spool,repo,tmp}
    chmod 700 "$SCRATCH/spool"
    # The build directory may lie where only root may go.
    cp "$PITR" "$SCRATCH/bin/pitr"
    PITR_BIN=$SCRATCH/bin/pitr
    CONF=$SCRATCH/pitr.conf
    export TMPDIR=$SCRATCH/tmp HOME=$SCRATCH/tmp
}

find_postgres() {
    PGBIN=${PGBIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)}
    [ -x "$PGBIN/initdb" ] || die "no PostgreSQL server programs; \"sh regress/install.sh\" installs them"
    PATH=$PGBIN:$PATH
    PG_MAJOR=$("$PGBIN/postgres" --version | sed -E 's/.* ([0-9]+)[.a-z].*/\1/')
    PG_USER=$(id -un)
    [ "$(id -u)" = 0 ] || return 0
    PG_USER=postgres
    id "$PG_USER" > /dev/null 2>&1 || useradd --system --no-create-home "$PG_USER" || die "could not create user $PG_USER"
}

# Run as the servers' user.
as_pg() {
    if [ "$(id -u)" = 0 ]; then
        $REPLACE setpriv --reuid "$PG_USER" --regid "$(id -gn "$PG_USER")" --init-groups -- "$@"
    else
        $REPLACE "$@"
    fi
}

finish() {
    check_logs
    echo "1..$TEST_COUNT"
    FINISHED=yes
    [ "$TEST_FAILURES" = 0 ] || exit 1
    exit 0
}

FINISHED=
REPLACE=
BACKGROUND=()
MOUNTS=()
S3_DIR=

leave() {
    local status=$? name pid dir
    trap '' HUP INT TERM
    trap - EXIT
    [ -n "$FINISHED" ] || [ "$TEST_COUNT" = -1 ] || [ "$status" != 0 ] || status=1 # fell off the end
    for pid in "${BACKGROUND[@]}"; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    for name in "${!CLUSTER_DIR[@]}"; do
        cluster_is_running "$name" && as_pg pg_ctl -D "${CLUSTER_DIR[$name]}" -m immediate -t 30 stop > /dev/null 2>&1
    done
    [ -z "$S3_DIR" ] || "$REGRESS/s3/stop.sh" "$S3_DIR" > /dev/null 2>&1
    if [ -n "${REGRESS_LOG_DIR:-}" ]; then
        mkdir -p "$REGRESS_LOG_DIR" && cp "$SCRATCH"/log/* "$REGRESS_LOG_DIR"/ 2>/dev/null
    fi
    for dir in "${MOUNTS[@]}"; do umount "$dir" || umount -l "$dir"; done
    if [ -n "${KEEP:-}" ]; then echo "# kept: $SCRATCH"; else rm -rf "$SCRATCH"; fi
    exit "$status"
}

# --------------------------------------------------------------------------------------------- commands

# Run a command; its status, output and messages are in rc, out and err afterwards and in log/commands.log.
run() {
    out=$("$@" 2> "$SCRATCH/tmp/stderr")
    rc=$?
    err=$(cat "$SCRATCH/tmp/stderr")
    { printf '$ %s\n' "$*"; [ -z "$out" ] || printf '%s\n' "$out"; [ -z "$err" ] || printf '%s\n' "$err"; echo "-> $rc"; } \
        >> "$SCRATCH/log/commands.log"
    # A command that says it succeeded has no error to report; a sanitizer's finding is one in any case.
    if [ $rc = 0 ] && grep -qE '(ERROR|FATAL|PANIC):' <<< "$err" || grep -qE "$SANITIZER_FINDING" <<< "$err"; then
        { printf '$ %s\n' "$*"; printf '%s\n' "$err"; } >> "$SCRATCH/log/unexpected.log"
    fi
    return 0
}
must() { # NAME COMMAND…: run it; without its success the rest of the story means nothing
    local name=$1
    shift
    run "$@"
    exit_is 0 "$name"
    [ "$rc" = 0 ] || die "cannot go on without this"
}
exit_is() { # EXPECTED NAME: of the last run; EXPECTED may name several, "3 4"
    case " $1 " in
    *" $rc "*) pass "$2" ;;
    *) fail "$2" "exit status $rc, expected $1" "$(tail -c 2000 <<< "$out")" "$(tail -c 2000 <<< "$err")" ;;
    esac
}

# pitr with this story's configuration, as the servers' user.
pitr() {
    local command=$1
    shift
    as_pg "$PITR_BIN" "$command" --config "$CONF" "$@"
}

# Start a command that ends with the story; its pid is in $! as always. What as_pg runs replaces the shell it was called
# in, so that a signal to the pid is one to the command and not to a shell that leaves it behind.
background() {
    { REPLACE=exec; "$@"; } &
    BACKGROUND+=($!)
}

wait_until() { # SECONDS COMMAND…: poll until it is true
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<> "/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# --------------------------------------------------------------------------------------------- clusters

declare -A CLUSTER_DIR=() CLUSTER_PORT=()

# A number per cluster: all sockets lie in one directory, no server listens on TCP.
cluster_register() { # NAME DIR
    CLUSTER_DIR[$1]=$2
    CLUSTER_PORT[$1]=$((5500 + ${#CLUSTER_PORT[@]}))
}

# A new cluster, not yet started. fsync is off: no story crashes the kernel. Old segments stay, for stories to look at.
cluster_init() { # NAME [INITDB-OPTION…]
    local name=$1 dir=$SCRATCH/$1
    shift
    cluster_register "$name" "$dir"
    as_pg initdb -D "$dir" -U postgres -A trust --locale=C.UTF-8 -E UTF8 --no-sync "$@" > "$SCRATCH/log/initdb-$name.log" 2>&1 ||
        die "initdb failed: $(tail -3 "$SCRATCH/log/initdb-$name.log")"
    as_pg tee -a "$dir/postgresql.conf" > /dev/null <<- CONF
		listen_addresses = ''
		unix_socket_directories = '$SCRATCH/sock'
		fsync = off
		shared_buffers = 32MB
		wal_level = replica
		wal_keep_size = 1GB
		archive_mode = on
		archive_command = '$(archive_command)'
		track_commit_timestamp = on
		log_line_prefix = '%m [%p] '
		log_timezone = 'UTC'
		timezone = 'UTC'
	CONF
}
archive_command() { echo "$PITR_BIN archive --config $CONF %p"; }

cluster_set() { # NAME SETTING VALUE: in postgresql.conf; the last line wins
    echo "$2 = '$3'" | as_pg tee -a "${CLUSTER_DIR[$1]}/postgresql.conf" > /dev/null
}
cluster_log() { echo "$SCRATCH/log/$1.log"; }
cluster_pid() { head -1 "${CLUSTER_DIR[$1]}/postmaster.pid" 2>/dev/null; }
cluster_is_running() {
    local pid
    pid=$(cluster_pid "$1") && [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = postgres ] &&
        ! grep -q '^State:.[ZX]' "/proc/$pid/status" 2>/dev/null
}
cluster_pg_ctl() { # NAME ARGUMENT…
    local name=$1
    shift
    as_pg pg_ctl -D "${CLUSTER_DIR[$name]}" -t 120 "$@" < /dev/null >> "$(cluster_log "$name")" 2>&1
}
cluster_start() {
    cluster_pg_ctl "$1" -w -o "-p ${CLUSTER_PORT[$1]} -k $SCRATCH/sock" start ||
        die "cluster $1 did not start: $(tail -5 "$(cluster_log "$1")")"
}
cluster_stop() { cluster_pg_ctl "$1" -w -m fast stop || die "cluster $1 did not stop"; }
cluster_crash() { cluster_pg_ctl "$1" -w -m immediate stop; }
cluster_reload() { cluster_pg_ctl "$1" reload || die "cluster $1 did not reload"; }
cluster_conninfo() { echo "host=$SCRATCH/sock port=${CLUSTER_PORT[$1]} user=postgres dbname=postgres"; }

# A data directory that pitr has restored becomes a cluster of the story.
cluster_adopt() { cluster_register "$1" "${2:-$SCRATCH/$1}"; }

pause_state() { # as SQL; PostgreSQL 13 says only that it was asked to pause
    if [ "$PG_MAJOR" -ge 14 ]; then
        echo "pg_get_wal_replay_pause_state()"
    else
        echo "case when pg_is_wal_replay_paused() then 'paused' end"
    fi
}
# Start a restored cluster and wait until recovery has come to its end. Prints what that end was:
#   promoted, paused (at its target, read-only), shutdown (by recovery_target_action) or failed.
# pg_ctl waits until the server is open for reading or is gone again, so that no earlier start is taken for this one; its
# status says little: 0 comes before recovery ends, 1 also for a shutdown at the target.
cluster_recover() { # NAME [SECONDS]
    local name=$1 end=$((SECONDS + ${2:-120})) state
    cluster_pg_ctl "$name" -w -o "-p ${CLUSTER_PORT[$name]} -k $SCRATCH/sock" start
    while [ $SECONDS -lt $end ]; do
        if ! cluster_is_running "$name"; then
            if grep -q 'shutdown at recovery target' "$(cluster_log "$name")"; then echo shutdown; else echo failed; fi
            return
        fi
        state=$(sql_quiet "$name" "select case when not pg_is_in_recovery() then 'promoted' else $(pause_state) end")
        case $state in promoted | paused) echo "$state"; return ;; esac
        sleep 0.1
    done
    echo "still in recovery"
}

# psql: one value per line, columns separated by "|"; an error ends it with status 3.
sql_quiet() { # NAME SQL [DATABASE]
    psql -XAtq -v ON_ERROR_STOP=1 -h "$SCRATCH/sock" -p "${CLUSTER_PORT[$1]}" -U postgres -d "${3:-postgres}" -c "$2" 2>/dev/null
}
sql() {
    psql -XAtq -v ON_ERROR_STOP=1 -h "$SCRATCH/sock" -p "${CLUSTER_PORT[$1]}" -U postgres -d "${3:-postgres}" -c "$2" \
        2>> "$SCRATCH/log/psql.log"
}

# -------------------------------------------------------------------------------------------------- WAL

# End the current segment; prints its name. The message before it makes sure that there is something to end.
switch_wal() {
    sql "$1" "select pg_logical_emit_message(false, 'regress', 'switch')" > /dev/null &&
        sql "$1" "select pg_walfile_name(pg_switch_wal())"
}

# Look at the server's own book of what is archived: .ready becomes .done, which a checkpoint may remove.
wal_is_archived() { # NAME FILE
    local status=${CLUSTER_DIR[$1]}/pg_wal/archive_status
    [ -e "$status/$2.done" ] || { [ ! -e "$status/$2.ready" ] && [ ! -e "${CLUSTER_DIR[$1]}/pg_wal/$2" ]; }
}
wait_for_archive() { # NAME FILE [SECONDS]
    wait_until "${3:-60}" wal_is_archived "$1" "$2" ||
        { note "not archived after ${3:-60} s: $2"; return 1; }
}
archive_all() { # NAME: everything up to now is in the repository afterwards; prints the last segment's name
    local segment
    segment=$(switch_wal "$1") && wait_for_archive "$1" "$segment" && echo "$segment"
}

# -------------------------------------------------------------------------------------------- comparing

# All databases and roles as SQL. Where a tablespace lies is left out (a restore may move it), as are the rows of unlogged
# tables (a backup never has them) and the random \restrict keys of newer pg_dump.
dump_to() { # NAME FILE
    local db
    : > "$2"
    for db in $(sql "$1" "select datname from pg_database where datallowconn order by 1"); do
        echo "-- database $db" >> "$2"
        pg_dump -h "$SCRATCH/sock" -p "${CLUSTER_PORT[$1]}" -U postgres -d "$db" --no-unlogged-table-data \
            2>> "$SCRATCH/log/psql.log" | grep -vE '^\\(un)?restrict ' >> "$2" || return 1
    done
    pg_dumpall -h "$SCRATCH/sock" -p "${CLUSTER_PORT[$1]}" -U postgres --globals-only 2>> "$SCRATCH/log/psql.log" |
        grep -vE '^\\(un)?restrict ' | sed "s/ LOCATION '.*'/ LOCATION/" >> "$2"
}
dump_equal() { # CLUSTER-OR-FILE CLUSTER-OR-FILE NAME
    local side file files=()
    for side in "$1" "$2"; do
        file=$side
        if [ ! -f "$side" ]; then
            file=$SCRATCH/tmp/dump-$side.sql
            dump_to "$side" "$file" || { fail "$3" "could not dump $side"; return; }
        fi
        files+=("$file")
    done
    if [ -s "${files[0]}" ] && cmp -s "${files[@]}"; then
        pass "$3"
    else
        fail "$3" "$(diff "${files[@]}" | head -20)"
    fi
}

# --------------------------------------------------------------------------------------------- settings

write_config() { # [FILE]: the text comes on stdin; readable by the servers' user only
    cat > "${1:-$CONF}" || die "could not write ${1:-$CONF}"
    chown "$PG_USER" "${1:-$CONF}"
    chmod 600 "${1:-$CONF}"
}
secret_file() { # FILE: the text comes on stdin
    cat > "$1" && chown "$PG_USER" "$1" && chmod 600 "$1"
}
# Sections to build a configuration of.
section_cluster() { # CLUSTER-OF-THE-STORY
    printf '[cluster main]\nconninfo = %s\nspool = %s\nwal-timeout = 60s\n' "$(cluster_conninfo "$1")" "$SCRATCH/spool"
}
section_local() { # [NAME [DIR]]
    printf '[repo %s]\nurl = file://%s\n' "${1:-local}" "${2:-$SCRATCH/repo}"
}
section_s3() { # [NAME [PREFIX]]
    printf '[repo %s]\nurl = s3://%s/%s\nendpoint = %s\nca-file = %s\ncredentials-file = %s\n' "${1:-s3}" "$S3_BUCKET" \
        "${2:-pg}" "$S3_ENDPOINT" "$S3_CA" "$SCRATCH/s3.credentials"
}

# The backups that pitr list shows: IDs, one per line.
backup_ids() {
    local listed
    listed=$(pitr list "$@" 2>&1) || { echo "pitr list fails: $listed"; return 1; }
    grep -oE '[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}' <<< "$listed" | sort -u
}
# Where a WAL file lies in a local repository.
stored_file() { # FILE [DIR]
    find "${2:-$SCRATCH/repo}" -type f -name "$1"
}

# -------------------------------------------------------------------------------------------- the S3 server

# Ceph's radosgw with TLS in front, of this story alone; it ends with the story. Sets S3_ENDPOINT, S3_BUCKET, S3_KEY,
# S3_SECRET and S3_CA, and writes the credentials file that section_s3 names. Nothing of it gets into the environment:
# pitr has to find its credentials where its configuration says.
s3_start() {
    S3_DIR=$SCRATCH/s3
    S3_PORTS=("$(free_port)" "$(free_port)")
    s3_proxy_start
    local name value
    while IFS='=' read -r name value; do
        case $name in
        PITR_TEST_S3_ENDPOINT) S3_ENDPOINT=$value ;;
        PITR_TEST_S3_HTTP_ENDPOINT) S3_HTTP=$value ;;
        PITR_TEST_S3_BUCKET) S3_BUCKET=$value ;;
        PITR_TEST_S3_CA_FILE) S3_CA=$SCRATCH/ca.pem && cp "$value" "$S3_CA" ;;
        AWS_ACCESS_KEY_ID) S3_KEY=$value ;;
        AWS_SECRET_ACCESS_KEY) S3_SECRET=$value ;;
        esac
    done < <(sed 's/^export //' "$S3_DIR/env")
    printf 'access-key-id = %s\nsecret-access-key = %s\n' "$S3_KEY" "$S3_SECRET" | secret_file "$SCRATCH/s3.credentials"
}
# Take the TLS proxy away, and bring it back: what is stored stays.
s3_proxy_start() {
    "$REGRESS/s3/start.sh" "$S3_DIR" "${S3_PORTS[@]}" > "$SCRATCH/log/s3-start.txt" 2>&1 ||
        die "no S3 server: $(tail -5 "$SCRATCH/log/s3-start.txt")"
}
s3_proxy_stop() {
    local pid
    pid=$(head -1 "$S3_DIR/tls/haproxy.pid") && kill "$pid"
    wait_until 10 eval "! (exec 3<> /dev/tcp/127.0.0.1/${S3_PORTS[1]}) 2> /dev/null" || die "the TLS proxy does not end"
}

# A proxy in front of the server, plain HTTP at S3_FLAKY_ENDPOINT, that spoils PERCENT of the requests by chance.
s3_flaky_start() { # SEED PERCENT
    local port
    port=$(free_port)
    background exec python3 -B "$REGRESS/flaky.py" "$port" "${S3_HTTP##*:}" "$1" "$2" >> "$SCRATCH/log/flaky.txt"
    S3_FLAKY_PID=$!
    S3_FLAKY_ENDPOINT=http://127.0.0.1:$port
    wait_until 20 eval "(exec 3<> /dev/tcp/127.0.0.1/$port) 2> /dev/null" || die "the flaky proxy does not start"
}
s3_flaky_stop() {
    kill "$S3_FLAKY_PID"
    wait "$S3_FLAKY_PID" 2> /dev/null
}
s3_spoiled() { grep -cE ' (busy|closed|lost|cut)$' "$SCRATCH/log/flaky.txt"; } # how many requests so far

# The server's own log of requests, one per line. It is written behind: a request of ours marks how far it has to be.
s3_request_log() {
    local log=$S3_DIR/log/client.rgw.log mark
    mark=regress-mark-$(date +%s%N)
    curl -s -o /dev/null --noproxy '*' "$S3_HTTP/$mark"
    wait_until 10 grep -q "$mark" "$log"
    sed -nE '/ beast: /{ /regress-mark-/d; s/.*"([A-Z]+ [^"]*) HTTP[^"]*" ([0-9]+).*/\1 \2/p }' "$log"
}
s3_requests() { s3_request_log | wc -l; }

# One signed GET as by any other S3 client: what there is in the bucket, by names or by bytes.
s3_get() { # PATH-AND-QUERY
    curl -s --noproxy '*' --cacert "$S3_CA" --aws-sigv4 aws:amz:us-east-1:s3 --user "$S3_KEY:$S3_SECRET" \
        -H "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" "$S3_ENDPOINT/$S3_BUCKET$1"
}
s3_objects() { s3_get '?list-type=2' | grep -oE '<Key>[^<]*' | sed 's/<Key>//'; }

# ------------------------------------------------------------------------------------------ small disks

# A file system of its own, to be filled. Not every container may mount one.
small_disk() { # DIR SIZE
    mkdir -p "$1"
    mount -t tmpfs -o "size=$2,mode=755" pitr-regress "$1" 2>/dev/null || return 1
    MOUNTS+=("$1")
    chown "$PG_USER" "$1"
}
small_disk_resize() { mount -o "remount,size=$2" "$1" || die "could not resize $1"; }
# Leave this many bytes free (whole pages of 4096).
fill_disk() { # DIR FREE-BYTES
    local free
    rm -f "$1/ballast"
    free=$(df -B1 --output=avail "$1" | tail -1)
    head -c $((free - $2)) /dev/zero > "$1/ballast" || die "could not fill $1"
}

# --------------------------------------------------------------------------------------------- the logs

# Said while pollers knock at a server that starts, never a finding.
EXPECTED_LOG=('FATAL:  the database system is (starting up|not yet accepting connections)')
DAMAGE_FINDING='valid WAL ends at LSN' # no server's own WAL is damaged
SANITIZER_FINDING='AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:'

# Announce lines of level ERROR, FATAL or PANIC that this story brings about. A regular expression.
expect_log() { EXPECTED_LOG+=("$1"); }

check_logs() {
    local file lines pattern findings=
    for file in "$SCRATCH"/log/*.log; do
        [ -e "$file" ] || continue
        case ${file##*/} in commands.log | psql.log | initdb-*) continue ;; esac
        lines=$(grep -hE "(ERROR|FATAL|PANIC):|archive command (failed|was terminated)|$DAMAGE_FINDING|$SANITIZER_FINDING" "$file")
        for pattern in "${EXPECTED_LOG[@]}"; do
            lines=$(grep -vE -- "$pattern" <<< "$lines")
        done
        [ -z "$lines" ] || findings+="${file##*/}: $lines"$'\n'
    done
    if [ -z "$findings" ]; then
        pass "no unexpected error in any log"
    else
        fail "no unexpected error in any log" "$(head -20 <<< "$findings")"
    fi
}
