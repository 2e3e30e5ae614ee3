#!/bin/bash
#
# start.sh DIR PORT TLSPORT - a real S3 server for the tests: Ceph radosgw, with TLS in front, all on loopback.
#
# One monitor, one OSD in memory and one gateway, every file of theirs under DIR, as root and without kernel devices.
# Prints the environment that the tests source, and keeps it in DIR/env. Calling it again is harmless and prints the
# same; several instances live side by side with different directories and ports. PORT is the gateway's own, plain
# http; TLSPORT is haproxy's, with a certificate of an authority made for this instance. The monitor takes the two
# ports named by MON_PORT, or a free pair found by the kernel's own choice.
#
# On a bare Debian 12 the packages are installed first (ceph-mon ceph-osd radosgw haproxy curl openssl, about 270 MB).
# What radosgw does differently from R2 and AWS is told in docs/TESTING.md.
set -euo pipefail

[ $# -eq 3 ] || { echo "usage: $0 DIR PORT TLSPORT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd) port=$2 tls_port=$3 ip=127.0.0.1
access_key=pitrkey secret_key=pitrsecretpitrsecretpitrsecret bucket=pitr
empty_hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
. "$here/lib.sh"

say() { echo "$0: $*" >&2; }

# No service may start by itself while packages are installed; a policy that is there already is left alone.
install_packages()
{
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' > $policy
        chmod +x $policy
        made=yes
    fi
    say "installing packages"
    DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
        ceph-mon ceph-osd radosgw haproxy curl openssl >&2 ||
        { apt-get -q update >&2 && DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 install -y \
            --no-install-recommends ceph-mon ceph-osd radosgw haproxy curl openssl >&2; }
    [ -z "$made" ] || rm -f $policy
}

# A pair of neighbouring ports that nothing listens on.
free_pair()
{
    local p
    for _ in $(seq 200); do
        p=$((20000 + RANDOM % 12000))
        if ! (exec 3<> /dev/tcp/$ip/$p) 2> /dev/null && ! (exec 3<> /dev/tcp/$ip/$((p + 1))) 2> /dev/null; then
            echo $p
            return
        fi
    done
    say "no free ports"
    return 1
}

write_ceph_conf()
{
    local mon=${MON_PORT:-$(free_pair)}
    fsid=$(cat /proc/sys/kernel/random/uuid)
    echo "$mon" > "$dir/mon.port"
    echo "$fsid" > "$dir/fsid"
    cat > "$dir/ceph.conf" << CONF
[global]
fsid = $fsid
mon host = [v2:$ip:$mon,v1:$ip:$((mon + 1))]
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
run dir = $dir/run
admin socket = $dir/run/\$cluster-\$name.asok
pid file = $dir/run/\$type.pid
log file = $dir/log/\$name.log
crash dir = $dir/log
log to syslog = false
mon cluster log file = $dir/log/cluster.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 2000
osd crush chooseleaf type = 0
ms bind ipv6 = false
# without it the gateway waits 300 s for a key that nobody has
ms mon client mode = crc
[mon]
mon data = $dir/mon
mon data avail warn = 1
mon data avail crit = 0
paxos propose interval = 0.05
paxos min wait = 0.01
[osd]
public addr = $ip
cluster addr = $ip
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = ${MEMSTORE_BYTES:-6442450944}
osd memory target = 939524096
osd numa auto affinity = false
osd op num shards = 2
osd op num threads per shard = 1
osd mclock skip benchmark = true
[client.rgw]
pid file = $dir/run/rgw.pid
# without tcp_nodelay small answers take 44 ms
rgw frontends = beast endpoint=$ip:$port tcp_nodelay=1
rgw data = $dir/rgw
rgw thread pool size = 32
rgw enable ops log = false
rgw enable usage log = false
rgw dynamic resharding = false
rgw override bucket index max shards = 1
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw gc processor max time = 5
CONF
}

start_ceph()
{
    local conf="-c $dir/ceph.conf" mon
    # What was in memory died with the OSD: begin anew.
    if [ -f "$dir/ceph.conf" ] && ! alive "$dir/run/osd.pid" ceph-osd; then
        "$here/stop.sh" "$dir"
        mkdir -p "$dir"
    fi
    mkdir -p "$dir"/{run,log,mon,osd,rgw}
    [ -f "$dir/ceph.conf" ] || write_ceph_conf
    mon=$(cat "$dir/mon.port")
    if [ ! -d "$dir/mon/store.db" ]; then
        monmaptool --create --clobber --fsid "$(cat "$dir/fsid")" --addv m "[v2:$ip:$mon,v1:$ip:$((mon + 1))]" \
            "$dir/monmap" > "$dir/log/monmaptool.out" 2>&1
        ceph-mon $conf --mkfs -i m --monmap "$dir/monmap" >&2
    fi
    alive "$dir/run/mon.pid" ceph-mon || ceph-mon $conf -i m >&2
    if [ ! -f "$dir/osd/whoami" ]; then
        local uuid
        uuid=$(cat /proc/sys/kernel/random/uuid)
        ceph $conf --connect-timeout 20 osd new "$uuid" 0 > /dev/null
        ceph-osd $conf -i 0 --mkfs --osd-uuid "$uuid" > "$dir/log/mkfs.out" 2>&1
    fi
    alive "$dir/run/osd.pid" ceph-osd || ceph-osd $conf -i 0 > /dev/null 2>> "$dir/log/osd.err"
    alive "$dir/run/rgw.pid" radosgw || radosgw $conf -n client.rgw >&2
    await "http://$ip:$port/"
    radosgw-admin $conf --admin-socket= -n client.admin user info --uid=pitr > /dev/null 2>&1 ||
        timeout 60 radosgw-admin $conf --admin-socket= -n client.admin user create --uid=pitr --display-name=pitr \
            --access-key=$access_key --secret-key=$secret_key > "$dir/log/user.json" 2> "$dir/log/user.err"
}

await()
{
    for _ in $(seq 600); do
        curl -s -m 2 -o /dev/null --noproxy '*' ${2:+--cacert "$2"} "$1" && return
        sleep 0.1
    done
    say "nothing answers at $1; see $dir/log"
    return 1
}

make_certificates()
{
    local d=$dir/tls
    [ -f "$d/both.pem" ] && return
    mkdir -p "$d"
    {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=pitr test CA" \
            -keyout "$d/ca.key" -out "$d/ca.pem" -addext basicConstraints=critical,CA:TRUE \
            -addext keyUsage=critical,keyCertSign,cRLSign
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
            -keyout "$d/server.key" -out "$d/server.csr"
        openssl x509 -req -in "$d/server.csr" -CA "$d/ca.pem" -CAkey "$d/ca.key" -CAcreateserial -days 3650 \
            -out "$d/server.pem" -extfile <(printf '%s\n' "subjectAltName=DNS:localhost,DNS:$bucket.localhost,IP:127.0.0.1" \
                extendedKeyUsage=serverAuth)
    } 2> "$d/openssl.out"
    cat "$d/server.pem" "$d/server.key" > "$d/both.pem"
}

start_tls()
{
    local d=$dir/tls
    alive "$d/haproxy.pid" haproxy && return
    cat > "$d/haproxy.cfg" << CFG
global
    daemon
    pidfile $d/haproxy.pid
    maxconn 200
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode tcp
    timeout connect 5s
    timeout client 300s
    timeout server 300s
frontend s3
    bind $ip:$tls_port ssl crt $d/both.pem
    default_backend gateway
backend gateway
    server s3 $ip:$port
CFG
    haproxy -f "$d/haproxy.cfg" >&2
    await "https://localhost:$tls_port/" "$d/ca.pem"
}

make_bucket()
{
    local status
    status=$(curl -s -m 30 -o /dev/null -w '%{http_code}' --noproxy '*' -X PUT -H "x-amz-content-sha256: $empty_hash" \
        --aws-sigv4 aws:amz:us-east-1:s3 --user $access_key:$secret_key "http://$ip:$port/$bucket")
    [ "$status" = 200 ] || { say "could not create bucket: HTTP $status"; return 1; }
}

for program in ceph ceph-mon ceph-osd radosgw radosgw-admin haproxy curl openssl; do
    PATH=$PATH:/usr/sbin command -v $program > /dev/null || { install_packages; break; }
done
PATH=$PATH:/usr/sbin
start_ceph
make_certificates
start_tls
make_bucket
cat > "$dir/env" << ENV
export PITR_TEST_S3_ENDPOINT=https://localhost:$tls_port
export PITR_TEST_S3_HTTP_ENDPOINT=http://$ip:$port
export PITR_TEST_S3_BUCKET=$bucket
export PITR_TEST_S3_CA_FILE=$dir/tls/ca.pem
export AWS_ACCESS_KEY_ID=$access_key
export AWS_SECRET_ACCESS_KEY=$secret_key
ENV
cat "$dir/env"
