# shellcheck shell=bash disable=SC2034,SC2154
# tools.sh - the tools: which there are, their repositories, configurations and command lines. Sourced by run.sh.
#
# All compress with lz4 at its default level; pitr seals with a recipient, pgBackRest enciphers, the floor does neither.
# pgBackRest and WAL-G may do two things at once wherever they can do more than one. All talk to the store by the same
# way and by the same TLS proxy and authority. WAL-G is not in Debian: it takes part in push1, push and fetch when it is
# on PATH.

PEERS="pgbackrest wal-g"
is_missing() { # TOOL
    case $1 in
    pgbackrest* | wal-g) ! command -v "${1%-async}" > /dev/null ;;
    *) false ;;
    esac
}

config_of() { # TOOL
    case $1 in
    wal-g) echo "$SCRATCH/groups/$GROUP/wal-g.json" ;; # it goes by the name
    *) echo "$SCRATCH/groups/$GROUP/$1.conf" ;;
    esac
}
spool_of() { echo "$SCRATCH/groups/$GROUP/spool-$1"; } # TOOL

# An empty repository that the tool knows, for a data directory.
repository_new() { # TOOL PGDATA
    case $1 in floor) return ;; esac
    is_missing "$1" && return
    as_pg mkdir -m 700 "$(spool_of "$1")" "$SCRATCH/groups/$GROUP/$1" || die "could not make room for $1"
    "${1%-async}_config" "$1" | write_config "$(config_of "$1")"
    case $1-$2 in
    pitr-"$SCRATCH/main") as_pg "$PITR_BIN" init --quiet --config "$(config_of pitr)" ;;
    pitr-* | wal-g-*) ;; # no server to ask; the first push sets up what is missing
    *) pgbackrest_do "$1" --no-online --pg1-path="$2" stanza-create ;;
    esac > "$SCRATCH/tmp/said" 2>&1 || die "could not set up a repository for $1: $(tail -5 "$SCRATCH/tmp/said")"
}
spool_empty() { # TOOL…: as on a machine that has seen nothing of all this
    local tool
    for tool in "$@"; do
        [ ! -d "$(spool_of "$tool")" ] || find "$(spool_of "$tool")" -mindepth 1 -delete
    done
}

pitr_config() {
    if [ ! -e "$SCRATCH/recipients" ]; then
        as_pg "$PITR_BIN" key generate "$SCRATCH/tmp/identity" > "$SCRATCH/recipients" || die "could not make a key"
    fi
    cat << CONF
[cluster main]
conninfo = $(cluster_conninfo main)
spool = $(spool_of pitr)
checkpoint = fast
[repo one]
recipients-file = $SCRATCH/recipients
identity-file = $SCRATCH/tmp/identity
CONF
    case $PLACE in
    dir) echo "url = file://$SCRATCH/groups/$GROUP/pitr" ;;
    s3) printf 'url = s3://%s/pitr\nendpoint = %s\nca-file = %s\ncredentials-file = %s\n' \
        "$BUCKET" "$(endpoint)" "$S3_CA" "$SCRATCH/s3.credentials" ;;
    esac
}

pgbackrest_config() { # TOOL
    echo "[global]"
    case $PLACE in
    dir) printf 'repo1-type=posix\nrepo1-path=%s\n' "$SCRATCH/groups/$GROUP/$1" ;;
    s3) pgbackrest_s3_config "$1" ;;
    esac
    cat << CONF
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=benchmark
repo1-retention-full=9
repo1-bundle=y
compress-type=lz4
process-max=2
start-fast=y
archive-async=$(case $1 in *-async) echo y ;; *) echo n ;; esac)
spool-path=$(spool_of "$1")
lock-path=$(spool_of "$1")/lock
log-path=$(spool_of "$1")
log-level-file=off
log-level-console=warn
[main]
pg1-path=$SCRATCH/main
pg1-socket-path=$SCRATCH/sock
pg1-port=${CLUSTER_PORT[main]}
pg1-user=postgres
CONF
}
pgbackrest_s3_config() { # TOOL
    cat << CONF
repo1-type=s3
repo1-path=/$1
repo1-s3-bucket=$BUCKET
repo1-s3-endpoint=localhost
repo1-s3-region=us-east-1
repo1-s3-uri-style=path
repo1-s3-key=$S3_KEY
repo1-s3-key-secret=$S3_SECRET
repo1-storage-host=localhost
repo1-storage-port=${PORT_AT[$DELAY]}
repo1-storage-ca-file=$S3_CA
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

wal-g_config() {
    cat << CONF
{"WALG_S3_PREFIX": "s3://$BUCKET/wal-g", "AWS_ENDPOINT": "$(endpoint)", "AWS_REGION": "us-east-1",
 "AWS_S3_FORCE_PATH_STYLE": "true", "WALG_S3_CA_CERT_FILE": "$S3_CA", "AWS_ACCESS_KEY_ID": "$S3_KEY",
 "AWS_SECRET_ACCESS_KEY": "$S3_SECRET", "WALG_COMPRESSION_METHOD": "lz4", "WALG_LIBSODIUM_KEY_TRANSFORM": "hex",
 "WALG_LIBSODIUM_KEY": "$(printf benchmark | sha256sum | cut -c 1-64)", "PGDATA": "$STAND",
 "WALG_UPLOAD_CONCURRENCY": "2", "WALG_DOWNLOAD_CONCURRENCY": "2"}
CONF
}
wal-g_command() { echo "wal-g --config $(config_of wal-g)"; }

floor_command() { echo "FLOOR_CA=$S3_CA FLOOR_USER=$S3_KEY:$S3_SECRET FLOOR_TMP=$SCRATCH/tmp exec $SCRATCH/bin/floor"; }
