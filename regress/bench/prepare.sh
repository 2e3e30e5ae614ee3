# shellcheck shell=bash disable=SC2034,SC2154
# prepare.sh - what is measured with: a cluster, segments of its WAL, and the description of the machine.
# Sourced by run.sh.

needs_room() { # clusters thrice (source, restored, basebackup), segments thrice, WAL of the server
    local need=$((SCALE * 17 * 3 + SEGMENTS * 16 * 3 + 2500)) free memory
    free=$(df -BM --output=avail "$SCRATCH" | tail -1 | tr -dc 0-9)
    [ "$free" -gt "$need" ] || die "$need MB free space needed in $SCRATCH, $free there"
    memory=$(awk '/MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
    [ "$memory" -gt $((SCALE * 20 + SEGMENTS * 40)) ] ||
        note "only $memory MB of memory: the store may not have room for all objects of a round"
}

# The tool whose turn it is archives. An own script, because archive_command changes between measurements.
server_archives_with() { # COMMAND with %p
    printf '#!/bin/sh\ncd "%s" || exit 1\n%s\n' "$SCRATCH/main" "${1//%p/\"\$1\"}" > "$SCRATCH/bin/archive.new"
    chmod 755 "$SCRATCH/bin/archive.new"
    mv "$SCRATCH/bin/archive.new" "$SCRATCH/bin/archive"
}

prepare_cluster() {
    note "a cluster of scale $SCALE"
    server_archives_with true
    cluster_init main --data-checksums
    cluster_set main archive_command "$SCRATCH/bin/archive %p # pgbackrest wants its name here"
    cluster_set main wal_compression off
    cluster_set main wal_keep_size 0
    cluster_set main shared_buffers 256MB
    cluster_set main autovacuum off
    cluster_start main
    as_bench pgbench -i -q -s "$SCALE" || die "pgbench could not fill the cluster: $(tail -3 "$SCRATCH/log/pgbench.txt")"
    sql main "create table documents as
                  select g as id, md5(g::text) as name, g % 1000 as kind, now() - g * interval '1 s' as made
                  from generate_series(1, $SCALE * 5000) g;
              create index on documents (id); create index on documents (name);
              create index on documents (kind, made); create index on documents (made)" &&
        sql main "vacuum analyze documents" || die "could not fill the cluster"
    CLUSTER_BYTES=$(sql main "select sum(pg_database_size(oid)) from pg_database")
}
as_bench() { # PGBENCH-COMMAND…: its connection
    as_pg "$@" -h "$SCRATCH/sock" -p "${CLUSTER_PORT[main]}" -U postgres postgres >> "$SCRATCH/log/pgbench.txt" 2>&1
}

# The server's own segments, kept aside by its archiver, so that every tool and round pushes the same bytes. They lie
# in a directory that is as much of a data directory as an archive_command looks at.
prepare_segments() {
    note "$SEGMENTS segments of pgbench"
    STAND=$SCRATCH/stand
    as_pg mkdir -p "$STAND/global" "$STAND/pg_wal/archive_status" "$SCRATCH/kept" "$SCRATCH/fetched"
    sql main checkpoint
    archive_all main > /dev/null || die "the server does not archive"
    server_archives_with "case %p in *.*) ;; *) cp %p '$SCRATCH/kept/' ;; esac"
    until [ "$(ls "$SCRATCH/kept" | wc -l)" -ge "$SEGMENTS" ]; do
        as_bench pgbench -n -M prepared -c 4 -j 2 -T 2 || die "pgbench failed: $(tail -3 "$SCRATCH/log/pgbench.txt")"
    done
    archive_all main > /dev/null || die "the server does not archive"
    server_archives_with true
    sql main checkpoint
    mapfile -t NAMES < <(ls "$SCRATCH/kept" | head -n "$SEGMENTS")
    as_pg mv "${NAMES[@]/#/$SCRATCH/kept/}" "$STAND/pg_wal/"
    rm -rf "$SCRATCH/kept"
    as_pg cp "$SCRATCH/main/PG_VERSION" "$STAND/"
    as_pg cp "$SCRATCH/main/global/pg_control" "$STAND/global/"
    as_pg pg_controldata "$STAND" > "$SCRATCH/log/stand.txt" || die "no data directory in $STAND"
    LZ4_BYTES=$(cat "${NAMES[@]/#/$STAND/pg_wal/}" | lz4 -q -1 | wc -c)
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
    echo "peers       $(version_of pgbackrest version)"
    echo "floor       $(version_of lz4 | grep -oE 'v[0-9.]+' | sed 's/^/lz4 /'), $(version_of curl | cut -d ' ' -f 1-2)"
    echo "store       $(version_of radosgw | cut -d ' ' -f 1-3), in memory, TLS by haproxy, all on this machine"
    echo "segments    $SEGMENTS of $(mib "$(stat -c %s "$STAND/pg_wal/${NAMES[0]}")"); lz4 makes $(mib "$LZ4_BYTES") of all"
    echo "cluster     scale $SCALE, $(mib "$CLUSTER_BYTES"), with data checksums"
}
# Rounds may be added to what is there only when they compare. The data is made anew each time, and differs a little.
same_machine() {
    [ ! -s "$OUT/results.tsv" ] || diff <(comparable "$OUT/machine.txt") <(comparable "$SCRATCH/tmp/machine.txt") >&2
}
comparable() { sed -E 's/; lz4 makes .*//; s/^(cluster +scale [0-9]+),.*/\1/' "$1"; }

# The first to touch memory pays for it, on virtual machines seconds: the store fills its own once, untold.
warm_up() {
    local name
    note "warming up"
    bucket_new bench-warm-up
    for name in "${NAMES[@]}"; do
        floor_environment "$SCRATCH/bin/floor" push "$STAND/pg_wal/$name" "$S3_ENDPOINT/$BUCKET/$name" || die "the store does not take a segment"
    done
    bucket_drop bench-warm-up
}
