#!/bin/bash
#
# stop.sh DIR - end the S3 server that start.sh DIR … began, and remove DIR, which holds nothing but that.
#
# Processes are known by their pid files and by name, so neither another instance nor a stranger that got the pid is
# touched. The data lives in memory: there is nothing to save, and SIGKILL saves time.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
[ -d "$1" ] || exit 0
dir=$(cd "$1" && pwd)

end()
{
    local pid
    alive "$1" "$2" || return 0
    pid=$(head -n 1 "$1")
    kill -KILL "$pid" 2> /dev/null || return 0
    for _ in $(seq 200); do
        alive "$1" "$2" || return 0
        sleep 0.05
    done
    echo "$0: process $pid ($2) does not end" >&2
    return 1
}

end "$dir/tls/haproxy.pid" haproxy
end "$dir/run/rgw.pid" radosgw
end "$dir/run/osd.pid" ceph-osd
end "$dir/run/mon.pid" ceph-mon
rm -rf "$dir"/{run,log,mon,osd,rgw,tls} "$dir"/{ceph.conf,mon.port,fsid,monmap,env}
rmdir "$dir" 2> /dev/null || true
