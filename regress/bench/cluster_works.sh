# shellcheck shell=bash disable=SC2034,SC2154
# cluster_works.sh - backup, restore and again, as each tool does them, in a directory and on S3. Sourced by run.sh.
#
# WORK_by TOOL prepares, measures, and checks what came of it. What is measured in a directory is called WORK-dir.

work_here() { case $PLACE in dir) echo "$1-dir" ;; *) echo "$1" ;; esac; } # WORK

# Both programs wait for the WAL that the server archives meanwhile, pgBackRest for the segment before it, too.
server_archives_by() { # TOOL WORK
    case $1 in
    pitr) server_archives_with "exec $PITR_BIN archive --config $(config_of pitr) %p" ;;
    floor) server_archives_with true ;;
    *) server_archives_with "exec $(pgbackrest_command "$1") archive-push %p" ;;
    esac
    if ! archive_all main > /dev/null; then
        wrong "archiving for $2" "$1" "$(grep 'archive' "$(cluster_log main)" | tail -1)"
        server_archives_with true
        return 1
    fi
    sql main checkpoint
}

back_up() { # WORK TOOL PGBACKREST-TYPE
    local command status
    case $2 in
    pitr) command="$PITR_BIN backup --quiet --config $(config_of pitr)" ;;
    floor) command="pg_basebackup -Ft -X none -c fast -D $SCRATCH/basebackup $(connection_of main)" ;;
    *) command="$(pgbackrest_command "$2") --type=$3 backup" ;;
    esac
    server_archives_by "$2" "$1" && measure "$1" "$2" 1 "$command"
    status=$?
    rm -rf "$SCRATCH/basebackup"
    return $status
}
backup_by() { back_up "$(work_here backup)" "$1" full; }
again_by() { back_up "$(work_here again)" "$1" incr; }

restore_by() { restore_as "$(work_here restore)" "$1"; }
restore_as() { # WORK TOOL
    local work=$1 tool=$2 dir=$SCRATCH/restored command status=0
    case $tool in
    pitr) command="$PITR_BIN restore --quiet --config $(config_of pitr) --pgdata $dir" ;;
    floor) command="exec $SCRATCH/bin/floor copy-cluster $SCRATCH/main $dir" ;;
    *) command="$(pgbackrest_command "$tool") --pg1-path=$dir restore" ;;
    esac
    case $tool in pgbackrest) as_pg mkdir -m 700 "$dir" ;; esac
    if measure "$work" "$tool" 1 "$command"; then
        is_restored "$dir" || wrong "$work" "$tool" "$(head -1 "$SCRATCH/tmp/differences")" || status=1
    else
        status=1
    fi
    rm -rf "$dir"
    return $status
}
# Nothing has changed in the source since its backup, and its checkpoint wrote everything.
is_restored() { # DIR
    local below
    for below in base ballast; do
        [ ! -e "$SCRATCH/main/$below" ] ||
            diff -rq --exclude=pg_internal.init --exclude=pgsql_tmp "$SCRATCH/main/$below" "$1/$below" \
                > "$SCRATCH/tmp/differences" 2>&1 || return 1
    done
}

# A backup is there before what needs one.
run_cluster_works() { # PLACE DELAY
    local tool work
    group_open "$round-cluster-$1-$2" "$1" "$2"
    for tool in pitr pgbackrest; do repository_new "$tool" "$SCRATCH/main"; done
    for work in backup restore again; do
        is_wanted "$(work_here $work)" || continue
        case $work in
        again) run_work "$(work_here again)" pitr pgbackrest ;;
        *) run_work "$(work_here $work)" pitr pgbackrest floor ;;
        esac
    done
    server_archives_with true
    group_close
}

# ------------------------------------------------------------------------------------------------- memory

# Does memory grow with the cluster? Files of a GB are put into it, zeros with a MiB of noise in each 64.
ballast_make() {
    local i at file
    as_pg mkdir -m 700 "$SCRATCH/main/ballast"
    for ((i = 1; i <= BIG; i++)); do
        file=$SCRATCH/main/ballast/$i
        as_pg truncate -s 1G "$file"
        for ((at = i % 64; at < 1024; at += 64)); do
            dd if=/dev/urandom of="$file" bs=1M count=1 seek=$at conv=notrunc status=none ||
                die "no room for the ballast"
        done
    done
}

run_big() { # once a run: what it shows does not vary
    local work
    note "$BIG GB of sparse files"
    ballast_make
    group_open big s3 0
    repository_new pitr "$SCRATCH/main"
    run_work backup-big pitr
    run_work restore-big pitr
    server_archives_with true
    group_close
    rm -rf "$SCRATCH/main/ballast"
}
backup-big_by() { back_up backup-big "$1" full; }
restore-big_by() { restore_as restore-big "$1"; }
