# shellcheck shell=bash disable=SC2034,SC2154
# prepare.sh - what is measured with: clusters, segments of WAL, and the description of the machine.
# Sourced by run.sh.

# Of segments: those that are measured, and one before them.
segments_needed() {
    local need=0
    ! is_wanted push1 push fetch || need=$((1 + REPEATS + SEGMENTS))
    ! is_wanted recovery || [ "$need" -ge "$RECOVERY" ] || need=$RECOVERY
    echo "$need"
}

# Segments, and those that are fetched; the cluster they are made on, its base and a recovered one, with their WAL; the
# cluster to back up, thrice and its backups; of the sparse files what is not zeros, thrice.
needs_room() {
    local segments need=1000 free memory
    segments=$(segments_needed)
    [ "$segments" = 0 ] || need=$((need + (segments + SEGMENTS) * 16 + WAL_SCALE * 16 * 3 + 3000))
    # shellcheck disable=SC2086
    ! is_wanted $BACKUPS || need=$((need + SCALE * 17 * 4 + 1500))
    ! is_wanted big || need=$((need + BIG * 16 * 3))
    free=$(df -BM --output=avail "$SCRATCH" | tail -1 | tr -dc 0-9)
    [ "$free" -gt "$need" ] || die "$need MB free space needed in $SCRATCH, $free there"
    memory=$(awk '/MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
    [ "$memory" -gt $((SCALE * 20 + segments * 50)) ] ||
        note "only $memory MB of memory: the store may not have room for all objects of a round"
}

# What the server archives with. An own script, because it changes between measurements.
server_archives_with() { # COMMAND with %p
    printf '#!/bin/sh\n%s\n' "${1//%p/\"\$1\"}" > "$SCRATCH/bin/archive.new"
    chmod 755 "$SCRATCH/bin/archive.new"
    mv "$SCRATCH/bin/archive.new" "$SCRATCH/bin/archive"
}

cluster_for_pgbench() { # NAME SCALE
    server_archives_with true
    cluster_init "$1" --data-checksums
    cluster_set "$1" archive_command "$SCRATCH/bin/archive %p # pgbackrest wants its name here"
    cluster_set "$1" wal_compression off
    cluster_set "$1" wal_keep_size 0
    cluster_set "$1" shared_buffers 256MB
    cluster_set "$1" autovacuum off
    cluster_start "$1"
    pgbench_on "$1" -i -q -s "$2"
}
connection_of() { echo "-h $SCRATCH/sock -p ${CLUSTER_PORT[$1]} -U postgres"; } # NAME
pgbench_on() { # NAME OPTION…
    local name=$1
    shift
    # shellcheck disable=SC2046
    as_pg pgbench "$@" $(connection_of "$name") postgres >> "$SCRATCH/log/pgbench.txt" 2>&1 ||
        die "pgbench failed: $(tail -3 "$SCRATCH/log/pgbench.txt")"
}

# Frozen after all else, so that no reader of a table or a catalog sets a hint bit or prunes a page: the files of a
# restore are compared with those of the source.
prepare_cluster() {
    note "a cluster of scale $SCALE"
    cluster_for_pgbench main "$SCALE"
    # shellcheck disable=SC2046
    sql main "create table documents as
                  select g as id, md5(g::text) as name, g % 1000 as kind, now() - g * interval '1 s' as made
                  from generate_series(1, $SCALE * 5000) g;
              create index on documents (id); create index on documents (name);
              create index on documents (kind, made); create index on documents (made)" &&
        as_pg vacuumdb -q --all --analyze-only $(connection_of main) &&
        as_pg vacuumdb -q --all --freeze $(connection_of main) &&
        sql main checkpoint || die "could not fill the cluster"
    CLUSTER_BYTES=$(sql main "select sum(pg_database_size(oid)) from pg_database")
}

# The segments of a server of its own, kept aside by its archiver, so that every tool and round has the same bytes; and
# that server's data as it was before them, for recovery to begin with. The server ends with it.
prepare_segments() {
    local need name
    need=$(segments_needed)
    note "$need segments of pgbench"
    STAND=$SCRATCH/stand
    as_pg mkdir -p "$STAND/global" "$STAND/pg_wal/archive_status" "$SCRATCH/fetched"
    cluster_for_pgbench wal "$WAL_SCALE"
    # Many checkpoints: there are whole pages in the WAL, and it is soon made.
    sql wal "alter system set max_wal_size = '256MB'" && cluster_reload wal
    archive_all wal > /dev/null || die "the server does not archive"
    server_archives_with "case %p in *.*) ;; *) cp %p '$STAND/pg_wal/' ;; esac"
    # shellcheck disable=SC2046
    as_pg pg_basebackup -D "$SCRATCH/base" -X none -c fast $(connection_of wal) > "$SCRATCH/tmp/said" 2>&1 ||
        die "no base to recover from: $(tail -3 "$SCRATCH/tmp/said")"
    until [ "$(find "$STAND/pg_wal" -maxdepth 1 -type f | wc -l)" -ge "$need" ]; do
        pgbench_on wal -n -M prepared -c 4 -j 2 -T 2
    done
    WAL_STATE="select count(*), sum(delta), (select sum(abalance) from pgbench_accounts) from pgbench_history"
    WAL_STATE_AT_END=$(sql wal "$WAL_STATE")
    archive_all wal > /dev/null || die "the server does not archive"
    mapfile -t NAMES < <(find "$STAND/pg_wal" -maxdepth 1 -type f -printf '%f\n' | sort)
    as_pg cp "$SCRATCH/wal/PG_VERSION" "$STAND/"
    as_pg cp "$SCRATCH/wal/global/pg_control" "$STAND/global/"
    as_pg pg_controldata "$STAND" > "$SCRATCH/tmp/said" || die "no data directory in $STAND"
    cluster_stop wal
    rm -rf "$SCRATCH/wal"
    LZ4_PERCENT=$(for name in "${NAMES[@]}"; do lz4 -q -1 -c "$STAND/pg_wal/$name"; done | wc -c)
    LZ4_PERCENT=$((LZ4_PERCENT * 100 / ${#NAMES[@]} / 16777216))
}

version_of() { # PROGRAM [ARGUMENT]
    if command -v "$1" > /dev/null; then "$1" "${2:---version}" 2>&1 | head -1; else echo "no $1"; fi
}
mib() { echo "$((($1 + 524288) / 1048576)) MiB"; }
describe_machine() {
    echo "CPU         $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1), $(nproc) cores"
    echo "memory      $(awk '/MemTotal/ {printf "%.1f GiB", $2 / 1048576}' /proc/meminfo)"
    echo "system      $(uname -sr), $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release), $(stat -f -c %T "$SCRATCH") in ${SCRATCH%/*}"
    echo "PostgreSQL  $(version_of postgres)"
    echo "pitr        $(version_of "$PITR_BIN"), sha256 $(sha256sum "$PITR_BIN" | cut -c 1-12)"
    echo "peers       $(version_of pgbackrest version); $(version_of wal-g)"
    echo "floor       $(version_of lz4 | grep -oE 'v[0-9.]+' | sed 's/^/lz4 /'), $(version_of curl | cut -d ' ' -f 1-2)"
    echo "store       $(version_of radosgw | cut -d ' ' -f 1-3), in memory, TLS by haproxy, all on this machine"
    echo "network     round trips of $DELAYS ms for WAL, $CLUSTER_DELAYS ms for backups$([ "$RATE" = 0 ] || echo "; $RATE MiB/s")"
    [ -z "${STAND:-}" ] ||
        echo "segments    $SEGMENTS of 16 MiB by pgbench at scale $WAL_SCALE; lz4 makes $LZ4_PERCENT % of them;" \
            "$RECOVERY or some more to recover"
    [ -z "${CLUSTER_BYTES:-}" ] ||
        echo "cluster     scale $SCALE, $(mib "$CLUSTER_BYTES"), data checksums; the big one has $BIG GB of sparse files, too"
}
# Rounds may be added to what is there only when they compare. The data is made anew each time, and differs a little.
same_machine() {
    [ ! -s "$OUT/results.tsv" ] ||
        diff <(comparable "$OUT/machine.txt") <(comparable "$SCRATCH/tmp/machine.txt") > /dev/null
}
comparable() { # FILE
    sed -E 's/lz4 makes [^;]*//; s/^(cluster +scale [0-9]+), [0-9]+ MiB/\1/; s/round trips of .* for backups//' "$1"
}
put_aside() {
    local aside file
    aside=$OUT/earlier-$(date +%Y%m%d%H%M%S)
    note "$OUT holds the results of another machine, program or size; they are in $aside now"
    mkdir "$aside" || die "could not make $aside"
    for file in results.tsv machine.txt report.txt wall.svg memory.svg; do
        [ ! -e "$OUT/$file" ] || mv "$OUT/$file" "$aside/"
    done
}

# The first to touch memory pays for it, on virtual machines seconds: the store fills its own once, untold. Before each
# measurement measure.py has some touched anew, for what was deleted meanwhile may have been given back.
warm_up() {
    [ -n "${STAND:-}" ] || return 0
    note "warming up"
    group_open warm-up s3 0
    push_unmeasured floor "${NAMES[@]:0:100}" || die "the store does not take segments"
    group_close
}
