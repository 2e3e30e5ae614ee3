# shellcheck shell=bash disable=SC2034,SC2154
# store.sh - the store of the benchmark: buckets, and how many requests it answered. Sourced by run.sh.

# Objects of one round live in one bucket, which goes with the round: memory is bounded by a round.
bucket_new() { # NAME
    local status
    status=$(curl -s -m 60 -o /dev/null -w '%{http_code}' --noproxy '*' -X PUT --aws-sigv4 aws:amz:us-east-1:s3 \
        -H "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" \
        --user "$S3_KEY:$S3_SECRET" "$S3_HTTP/$1")
    [ "$status" = 200 ] || die "could not create bucket $1: HTTP $status"
    BUCKET=$1
}
bucket_drop() { # NAME
    radosgw-admin -c "$S3_DIR/ceph.conf" --admin-socket= -n client.admin bucket rm --bucket="$1" --purge-objects \
        --bypass-gc --yes-i-really-mean-it >> "$SCRATCH/log/bucket-rm.txt" 2>&1 ||
        note "could not empty bucket $1: $(tail -1 "$SCRATCH/log/bucket-rm.txt")"
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
