# shellcheck shell=bash disable=SC2034,SC2154
# tools.sh - each work as each tool does it. Sourced by run.sh.
#
# WORK_by TOOL prepares, measures, and checks what came of it. All tools compress with lz4 at its default level; pitr
# seals with a recipient, pgBackRest enciphers, the floor does neither. pgBackRest may use two processes wherever it
# can use more than one. Both programs talk to the store by the same TLS proxy and authority.

config_of() { echo "$SCRATCH/$1-$round.conf"; } # TOOL

repository_new() { # TOOL: an empty repository, known to the tool
    as_pg mkdir -m 700 "$SCRATCH/spool/$1" || return 1
    "${1%-async}_config" "$1" | write_config "$(config_of "$1")"
    case $1 in
    pitr) as_pg "$PITR_BIN" init --quiet --config "$(config_of pitr)" ;;
    *) pgbackrest_do "$1" --no-online --pg1-path="$STAND" stanza-create ;;
    esac >> "$SCRATCH/log/repositories.txt" 2>&1 || { tail -5 "$SCRATCH/log/repositories.txt"; return 1; }
}

pitr_config() {
    if [ ! -e "$SCRATCH/recipients" ]; then
        as_pg "$PITR_BIN" key generate "$SCRATCH/tmp/identity" > "$SCRATCH/recipients" || die "could not make a key"
    fi
    cat << CONF
[cluster main]
conninfo = $(cluster_conninfo main)
spool = $SCRATCH/spool/pitr
checkpoint = fast
[repo s3]
url = s3://$BUCKET/pitr
endpoint = $S3_ENDPOINT
ca-file = $S3_CA
credentials-file = $SCRATCH/s3.credentials
recipients-file = $SCRATCH/recipients
identity-file = $SCRATCH/tmp/identity
CONF
}

pgbackrest_config() { # TOOL
    cat << CONF
[global]
repo1-type=s3
repo1-path=/$1
repo1-s3-bucket=$BUCKET
repo1-s3-endpoint=localhost
repo1-s3-region=us-east-1
repo1-s3-uri-style=path
repo1-s3-key=$S3_KEY
repo1-s3-key-secret=$S3_SECRET
repo1-storage-host=localhost
repo1-storage-port=${S3_PORTS[1]}
repo1-storage-ca-file=$S3_CA
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=benchmark
repo1-retention-full=9
repo1-bundle=y
compress-type=lz4
process-max=2
start-fast=y
archive-async=$(case $1 in *-async) echo y ;; *) echo n ;; esac)
spool-path=$SCRATCH/spool/$1
lock-path=$SCRATCH/spool/$1/lock
log-path=$SCRATCH/spool/$1
log-level-file=off
log-level-console=warn
[main]
pg1-path=$SCRATCH/main
pg1-socket-path=$SCRATCH/sock
pg1-port=${CLUSTER_PORT[main]}
pg1-user=postgres
CONF
}
pgbackrest_command() { # TOOL: as a line for the shell
    echo "pgbackrest --config=$(config_of "$1") --stanza=main"
}
pgbackrest_do() { # TOOL ARGUMENT…
    local tool=$1
    shift
    # shellcheck disable=SC2046
    as_pg $(pgbackrest_command "$tool") "$@"
}

floor_environment() { # COMMAND…
    env FLOOR_CA="$S3_CA" FLOOR_USER="$S3_KEY:$S3_SECRET" FLOOR_TMP="$SCRATCH/tmp" "$@"
}
floor_command() { echo "FLOOR_CA=$S3_CA FLOOR_USER=$S3_KEY:$S3_SECRET FLOOR_TMP=$SCRATCH/tmp exec $SCRATCH/bin/floor"; }

# -------------------------------------------------------------------------------------------- WAL segments

push_by() { # TOOL: all segments wait, the archiver hands over one after the other
    local status=$STAND/pg_wal/archive_status command
    rm -f "$status"/*
    as_pg touch "${NAMES[@]/#/$status/}" && (cd "$status" && for f in *; do mv "$f" "$f.ready"; done)
    case $1 in
    pitr) command="$PITR_BIN archive --config $(config_of pitr) pg_wal/%f" ;;
    floor) command="$(floor_command) push pg_wal/%f $S3_ENDPOINT/$BUCKET/floor/%f" ;;
    *) command="$(pgbackrest_command "$1") --pg1-path=$STAND archive-push pg_wal/%f" ;;
    esac
    measure push "$1" --cwd "$STAND" --status "$status" "$command" "${NAMES[@]}"
}

fetch_by() { # TOOL: recovery asks for one after the other
    local command name
    case $1 in
    pitr) command="$PITR_BIN fetch --config $(config_of pitr) %f $SCRATCH/fetched/%f" ;;
    floor) command="$(floor_command) fetch $S3_ENDPOINT/$BUCKET/floor/%f $SCRATCH/fetched/%f" ;;
    *)
        rm -rf "$SCRATCH/spool/$1/archive"
        command="$(pgbackrest_command "$1") --pg1-path=$STAND archive-get %f $SCRATCH/fetched/%f"
        ;;
    esac
    measure fetch "$1" --cwd "$STAND" "$command" "${NAMES[@]}" || { rm -f "$SCRATCH/fetched"/*; return 1; }
    for name in "${NAMES[@]}"; do
        cmp -s "$SCRATCH/fetched/$name" "$STAND/pg_wal/$name" || { wrong fetch "$1" "$name differs"; return; }
    done
    rm -f "$SCRATCH/fetched"/*
}

# ----------------------------------------------------------------------------------------- backup, restore

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
    local command
    case $2 in
    pitr) command="$PITR_BIN backup --quiet --config $(config_of pitr)" ;;
    floor) command="pg_basebackup -Ft -X none -c fast -D $SCRATCH/basebackup -h $SCRATCH/sock -p ${CLUSTER_PORT[main]} -U postgres" ;;
    *) command="$(pgbackrest_command "$2") --type=$3 backup" ;;
    esac
    server_archives_by "$2" "$1" && measure "$1" "$2" "$command"
    local status=$?
    rm -rf "$SCRATCH/basebackup"
    return $status
}
backup_by() { back_up backup "$1" full; }
again_by() { back_up again "$1" incr; }

restore_by() { # TOOL
    local dir=$SCRATCH/restored command status=0
    case $1 in
    pitr) command="$PITR_BIN restore --quiet --config $(config_of pitr) --pgdata $dir" ;;
    floor) command="exec $SCRATCH/bin/floor copy-cluster $SCRATCH/main $dir" ;;
    *) command="$(pgbackrest_command "$1") --pg1-path=$dir restore" ;;
    esac
    case $1 in pgbackrest) as_pg mkdir -m 700 "$dir" ;; esac
    if measure restore "$1" "$command"; then
        # Nothing has changed in the source since its backup, and its checkpoint wrote everything.
        diff -rq --exclude=pg_internal.init --exclude=pgsql_tmp "$SCRATCH/main/base" "$dir/base" > "$SCRATCH/tmp/differences" ||
            wrong restore "$1" "$(head -1 "$SCRATCH/tmp/differences")" || status=1
    else
        status=1
    fi
    rm -rf "$dir"
    return $status
}

wrong() { # WORK TOOL WHY: it ended well, but what it left is not what was asked for
    note "round $round: $1 by $2 is WRONG: $3"
    return 1
}
