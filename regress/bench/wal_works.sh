# shellcheck shell=bash disable=SC2034,SC2154
# wal_works.sh - push1, push, fetch and recovery, as each tool does them. Sourced by run.sh.
#
# WORK_by TOOL prepares, measures, and checks what came of it. Segments lie in $STAND, which is as much of a data
# directory as an archive_command looks at; NAMES are all of them in order. In each group the first one is pushed
# unmeasured: from then on the tool is in the state of an archiver at work. REPEATS single ones come next, then SEGMENTS
# that wait.

push_command() { # TOOL: %f is the segment
    case $1 in
    pitr) echo "$PITR_BIN archive --config $(config_of pitr) pg_wal/%f" ;;
    floor) echo "$(floor_command) push pg_wal/%f $(endpoint)/$BUCKET/floor/%f" ;;
    wal-g) echo "$(wal-g_command) wal-push pg_wal/%f" ;;
    *) echo "$(pgbackrest_command "$1") --pg1-path=$STAND archive-push pg_wal/%f" ;;
    esac
}
fetch_command() { # TOOL: into $SCRATCH/fetched
    case $1 in
    pitr) echo "$PITR_BIN fetch --config $(config_of pitr) %f $SCRATCH/fetched/%f" ;;
    floor) echo "$(floor_command) fetch $(endpoint)/$BUCKET/floor/%f $SCRATCH/fetched/%f" ;;
    wal-g) echo "$(wal-g_command) wal-fetch %f $SCRATCH/fetched/%f" ;;
    *) echo "$(pgbackrest_command "$1") --pg1-path=$STAND archive-get %f $SCRATCH/fetched/%f" ;;
    esac
}

STATUS_ARGUMENTS=()
segments_wait() { # NAME…: the server has finished them, its archiver begins
    local status=$STAND/pg_wal/archive_status
    find "$status" -type f -delete
    as_pg touch "${@/#/$status/}" && (cd "$status" && for f in *; do mv "$f" "$f.ready"; done)
    STATUS_ARGUMENTS=(--cwd "$STAND" --status "$status")
}

push_unmeasured() { # TOOL NAME…
    local tool=$1
    shift
    segments_wait "$@"
    measured "$SCRATCH/tmp/figures" "${STATUS_ARGUMENTS[@]}" "$(push_command "$tool")" "$@" ||
        wrong "first push" "$tool" "$(tail -5 "$SCRATCH/tmp/said")"
}

# The push of the last of several is shown by a fetch of it. All are compared by the work fetch.
is_stored() { # WORK TOOL NAME
    local command
    command=$(fetch_command "$2")
    case $2 in pgbackrest*) command="$command --no-archive-async" ;; esac
    if ! measured "$SCRATCH/tmp/figures-of-check" --cwd "$STAND" "$command" "$3"; then
        wrong "$1" "$2" "$3 can't be fetched: $(tail -3 "$SCRATCH/tmp/said")"
        return
    fi
    are_fetched "$1" "$2" "$3"
}
are_fetched() { # WORK TOOL NAME…
    local work=$1 tool=$2 name bad=
    shift 2
    for name in "$@"; do
        cmp -s "$SCRATCH/fetched/$name" "$STAND/pg_wal/$name" || bad=$name
    done
    fetched_empty
    [ -z "$bad" ] || wrong "$work" "$tool" "$bad differs"
}

fetched_empty() { find "$SCRATCH/fetched" -mindepth 1 -delete; } # tools keep things of their own there, too

push1_by() { # TOOL: one segment that nothing waits behind, by a process and a connection of its own
    segments_wait "$SINGLE"
    measure push1 "$1" 1 "${STATUS_ARGUMENTS[@]}" "$(push_command "$1")" "$SINGLE" && is_stored push1 "$1" "$SINGLE"
}

push_by() { # TOOL: all segments wait, the archiver hands over one after the other
    segments_wait "${WAITING[@]}"
    measure push "$1" "$SEGMENTS" "${STATUS_ARGUMENTS[@]}" "$(push_command "$1")" "${WAITING[@]}" &&
        is_stored push "$1" "${WAITING[-1]}"
}

fetch_by() { # TOOL: recovery asks for one after the other, on a machine that knows nothing of them
    spool_empty "$1"
    measure fetch "$1" "$SEGMENTS" --cwd "$STAND" "$(fetch_command "$1")" "${WAITING[@]}" ||
        { fetched_empty; return 1; }
    are_fetched fetch "$1" "${WAITING[@]}"
}

run_wal_works() { # DELAY
    local tool tools=()
    WAITING=("${NAMES[@]:1+REPEATS:SEGMENTS}")
    group_open "$round-wal-$1" s3 "$1"
    for tool in pitr pgbackrest pgbackrest-async wal-g floor; do
        is_missing "$tool" && continue
        repository_new "$tool" "$STAND"
        if push_unmeasured "$tool" "${NAMES[0]}"; then tools+=("$tool"); else FAILED+=("all by $tool, $1 ms"); fi
    done
    if is_wanted push1; then
        # shellcheck disable=SC2068
        for SINGLE in "${NAMES[@]:1:REPEATS}"; do run_work push1 ${tools[@]/pgbackrest-async/}; done
    fi
    ! is_wanted push || run_work push "${tools[@]}"
    ! is_wanted fetch || run_work fetch "${tools[@]}"
    group_close
}

# ------------------------------------------------------------------------------------------------- recovery

# All segments in a repository for the whole run. The floor reads them where they lie.
prepare_recovery() {
    note "${#NAMES[@]} segments to recover from"
    group_open recovery s3 0
    repository_new pitr "$STAND"
    push_unmeasured pitr "${NAMES[@]}" || die "nothing to recover from"
}

# A copy of the base that was taken before the segments were written recovers to the end of the archive and promotes.
# The clock runs from the start of the server until it says that it accepts connections; it is asked ten times a second.
recovery_by() { # TOOL
    local dir=$SCRATCH/recovered command status=0
    case $1 in
    pitr) command="$PITR_BIN fetch --config $(config_of pitr) %f %p" ;;
    floor) command="cp $STAND/pg_wal/%f %p" ;;
    esac
    spool_empty "$1"
    as_pg cp -a "$SCRATCH/base" "$dir"
    as_pg touch "$dir/recovery.signal"
    printf '%s\n' "restore_command = '$command'" "hot_standby = off" "archive_mode = off" |
        as_pg tee "$dir/postgresql.auto.conf" > /dev/null
    recovery_scripts "$dir"
    measure recovery "$1" "${#NAMES[@]}" --after "sh $SCRATCH/tmp/look" "sh $SCRATCH/tmp/recover" || status=1
    [ $status = 1 ] || [ "$(cat "$SCRATCH/tmp/recovered-state")" = "$WAL_STATE_AT_END" ] ||
        wrong recovery "$1" "the rows are not those of the source" || status=1
    [ $status = 0 ] || tail -5 "$SCRATCH/tmp/recovery.txt" | diag
    as_pg pg_ctl -D "$dir" -m immediate -w stop > /dev/null 2>&1
    rm -rf "$dir" "$SCRATCH/tmp/recovery.txt"
    return $status
}
recovery_scripts() { # DIR
    local log=$SCRATCH/tmp/recovery.txt port=5499
    as_pg tee "$SCRATCH/tmp/recover" > /dev/null << SH
pg_ctl -D "$1" -W -l "$log" -o "-p $port -k $SCRATCH/sock" start || exit 1
until grep -qsE 'database system is (ready to accept connections|shut down)' "$log"; do sleep 0.1; done
grep -q 'ready to accept connections' "$log"
SH
    as_pg tee "$SCRATCH/tmp/look" > /dev/null << SH
psql -XAtq -h "$SCRATCH/sock" -p $port -U postgres -c "$WAL_STATE" postgres > "$SCRATCH/tmp/recovered-state" &&
    pg_ctl -D "$1" -m immediate -w stop
SH
}

run_recovery() {
    group_use recovery s3 0
    run_work recovery pitr floor
}
