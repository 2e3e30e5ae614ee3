# shellcheck shell=bash disable=SC2034,SC2154
# store.sh - the store of the benchmark: ways to it, places in it, how many requests it answered. Sourced by run.sh.
#
# A group is a place for the repositories of all tools in one round, and goes with its works: a bucket, and a directory
# with their configurations and spools. GROUP, PLACE (s3 or dir) and DELAY are those of the works under way.

# A port for each round trip: that of the TLS proxy itself, or a relay in front of it.
declare -A PORT_AT=()
proxies_start() {
    local delay out
    for delay in 0 $DELAYS $CLUSTER_DELAYS; do
        [ -z "${PORT_AT[$delay]:-}" ] || continue
        PORT_AT[$delay]=${S3_PORTS[1]}
        [ "$delay-$RATE" != 0-0 ] || continue
        out=$SCRATCH/tmp/port-$delay
        background as_pg "$SCRATCH/bin/slow_proxy" --backend "${S3_PORTS[1]}" --delay-ms "$delay" \
            --rate-mib "$RATE" > "$out"
        wait_until 10 test -s "$out" || die "the relay for $delay ms does not start"
        PORT_AT[$delay]=$(cat "$out")
    done
}
endpoint() { echo "https://localhost:${PORT_AT[$DELAY]}"; }

group_open() { # NAME PLACE DELAY
    group_use "$@"
    as_pg mkdir -p "$SCRATCH/groups/$GROUP"
    [ "$PLACE" != s3 ] || bucket_new
}
group_use() { GROUP=$1 PLACE=$2 DELAY=$3 BUCKET=bench-$1; }
group_close() {
    [ "$PLACE" != s3 ] || bucket_drop
    rm -rf "${SCRATCH:?}/groups/$GROUP"
}

bucket_new() {
    local status
    status=$(curl -s -m 60 -o /dev/null -w '%{http_code}' --noproxy '*' -X PUT --aws-sigv4 aws:amz:us-east-1:s3 \
        -H "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" \
        --user "$S3_KEY:$S3_SECRET" "$S3_HTTP/$BUCKET")
    [ "$status" = 200 ] || die "could not create bucket $BUCKET: HTTP $status"
}
bucket_drop() {
    radosgw-admin -c "$S3_DIR/ceph.conf" --admin-socket= -n client.admin bucket rm --bucket="$BUCKET" --purge-objects \
        --bypass-gc --yes-i-really-mean-it >> "$SCRATCH/log/bucket-rm.txt" 2>&1 ||
        note "could not empty bucket $BUCKET: $(tail -1 "$SCRATCH/log/bucket-rm.txt")"
}

# A request of our own marks a place in the server's log, which is written behind: REQUESTS_FROM is the byte after it.
REQUESTS_FROM=0
requests_mark() {
    local log=$S3_DIR/log/client.rgw.log mark
    mark=regress-mark-$(date +%s%N)
    curl -s -o /dev/null --noproxy '*' "$S3_HTTP/$mark"
    wait_until 10 requests_has_mark "$log" "$mark" || die "the store does not log its requests in $log"
    REQUESTS_FROM=$(($(stat -c %s "$log") + 1))
}
requests_has_mark() { tail -c 65536 "$1" | grep -q "$2"; }
requests_between() { # FROM TO
    tail -c "+$1" "$S3_DIR/log/client.rgw.log" | head -c "$(($2 - $1))" | grep ' beast: ' | grep -vc regress-mark-
}
