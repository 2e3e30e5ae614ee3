#!/bin/bash
# Nothing wrong gets in, nothing stored is replaced, and every refusal has its exit status and names what is wrong.
. "$(dirname "$0")/../lib.sh"
story "an identical push succeeds again, a different one is refused, and bad input gets a clear error"

cluster_init source
cluster_init stranger
for cluster in source stranger; do cluster_set $cluster archive_command /bin/true; done
cluster_start source
cluster_start stranger
sql source "create table t as select generate_series(1, 1000) as n"
sql stranger "create table other as select generate_series(1, 1000) as n"
segment=$(switch_wal source)
next=$(switch_wal source)
foreign=$(switch_wal stranger)
wal=$SCRATCH/source/pg_wal
in_pgdata() { (cd "$SCRATCH/source" && pitr "$@"); }
{ section_cluster source; section_local; } | write_config
must "the repository is set up" in_pgdata init

# ------------------------------------------------------------------------------------- twice the same name
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "a segment is archived"
before=$(sha256sum < "$(stored_file "$segment")")
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "the same segment again is success: the server may not have heard the first answer"

# One byte of valid WAL differs. Offset 5000 lies in the first page, inside a record.
altered=$SCRATCH/tmp/$segment
as_pg cp "$wal/$segment" "$altered"
printf '\xa5\x5a' | dd of="$altered" bs=1 seek=5000 conv=notrunc status=none
run in_pgdata archive "$altered"
exit_is 3 "a different segment of the same name is refused"
like "$err" "$segment" "the refusal names the segment"
like "$err" "there from host $(hostname), $SCRATCH/source, .*; here from host $(hostname), $SCRATCH, " "and the origin of both"
is "$(sha256sum < "$(stored_file "$segment")")" "$before" "the stored object is unchanged"
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
ok "and still comes back as it was" cmp "$wal/$segment" "$SCRATCH/tmp/got"
rm -f "$SCRATCH/tmp/got" "$altered"

printf '1\t0/3000000\tat restore point "a"\n' | as_pg tee "$wal/00000002.history" > /dev/null
run in_pgdata archive pg_wal/00000002.history
exit_is 0 "a history file is archived"
printf '1\t0/4000000\tat restore point "b"\n' | as_pg tee "$wal/00000002.history" > /dev/null
run in_pgdata archive pg_wal/00000002.history
exit_is 3 "a second timeline of the same number is refused"
rm "$wal/00000002.history"

# --------------------------------------------------------------------------- files that are not what they say
stored_objects() { find "$SCRATCH/repo" -type f | sort | xargs sha256sum; }
objects_before=$(stored_objects)
mkdir "$SCRATCH/bad"
segment_copy() { rm -rf "${SCRATCH:?}"/bad/*; file=$SCRATCH/bad/$next; cp "$wal/$next" "$file"; }
named() { mv "$file" "$SCRATCH/bad/$1"; file=$SCRATCH/bad/$1; }
refused() { # EXIT-STATUS WORDS WHAT
    [ ! -f "$file" ] || chown "$PG_USER" "$file"
    run in_pgdata archive "$file"
    exit_is "$1" "$3 is refused"
    like "$err" "$2" "$3: the message says so"
    segment_copy
}
segment_copy
truncate -s 1048576 "$file"; refused 4 'size|bytes' "a segment cut short"
truncate -s 0 "$file"; refused 4 'size|empty|bytes' "an empty file"
printf x >> "$file"; refused 4 'size|bytes' "a segment one byte too long"
truncate -s 0 "$file"; truncate -s 16777216 "$file"; refused 4 'magic|zero' "a segment of zeros"
printf '\377\377' | dd of="$file" bs=1 conv=notrunc status=none; refused 4 magic "a segment of an unknown version"
named 000000010000000000000077; refused 4 'name|address|position' "a segment under another segment's name"
printf '\5' | dd of="$file" bs=1 seek=4 conv=notrunc status=none; refused 4 timeline "a segment of a later timeline than its name's"
cp "$SCRATCH/stranger/pg_wal/$foreign" "$file"; named "$foreign"; refused 3 'system identifier|cluster' "another cluster's segment"
rm "$file"; refused 6 'No such file' "a file that does not exist"
rm "$file"; mkdir "$file"; refused 2 'not a regular file' "a directory"
named 0000.walx; refused 2 '0000\.walx' "a name PostgreSQL never uses"
if [ "$(id -u)" = 0 ]; then
    chown root "$file"
    chmod 000 "$file"
    run in_pgdata archive "$file"
    exit_is 6 "a file that may not be read is refused"
    like "$err" "Permission denied" "a file that may not be read: the message says so"
fi
# The segment in use: stored now, it would be in the way of the whole one for ever.
sql source "create table in_use ()" # its file is there once something is written
in_use=$(sql source "select pg_walfile_name(pg_current_wal_insert_lsn())")
for path in "pg_wal/$in_use" "$wal/$in_use"; do
    run in_pgdata archive "$path"
    exit_is 3 "the segment that the server still writes, as $path, is refused"
    like "$err" "PostgreSQL has not asked for segment \"$path\"" "and named"
done
is "$(stored_objects)" "$objects_before" "none of them left anything in the repository"
in_use_ended=$(switch_wal source)
is "$in_use_ended" "$in_use" "the server has ended that segment"
run in_pgdata archive "pg_wal/$in_use"
exit_is 0 "and now it is archived"

# --------------------------------------------------------------------------------------- wrong configuration
# what | configuration lines | expected words; each is usage (2), and names file and line
while IFS='|' read -r what where text words; do
    {
        section_cluster source
        [ "$where" != cluster ] || printf '%b\n' "$text"
        section_local
        [ "$where" != repo ] || printf '%b\n' "$text"
    } | write_config
    line=$(grep -nF -- "$(printf '%b' "$text" | tail -1)" "$CONF" | head -1 | cut -d: -f1)
    run in_pgdata archive "pg_wal/$next"
    exit_is 2 "$what is a configuration error"
    like "$err" "$CONF.*[^0-9]$line([^0-9]|$)" "$what: file and line are named"
    like "$err" "$words" "$what: what is wrong is named"
done << 'TABLE'
a misspelled key|cluster|compres = lz4|compres
an unknown section|repo|[repository x]|repository
an unknown unit|cluster|pack-size = 32furlong|32furlong
a number out of range|cluster|jobs = 1000|jobs
a word that is no choice|cluster|compress = gzip|gzip
a line that is no setting|repo|just words|.
TABLE
run as_pg "$PITR_BIN" list --config "$SCRATCH/no-such.conf"
exit_is 2 "a named configuration file that is missing is an error"
like "$err" "no-such.conf" "and is named"
run as_pg "$PITR_BIN" frobnicate
exit_is 2 "an unknown command is a usage error"
run as_pg "$PITR_BIN" list --no-such-option
exit_is 2 "an unknown option is a usage error"
like "$err" "no-such-option" "and is named"
{ section_cluster source; section_local; } | write_config
run in_pgdata plan --target-time '2026-11-20 14:29:00'
exit_is 2 "a time without a zone is refused"
like "$err" "zone" "and the message asks for the zone"
run in_pgdata plan --target-time 'half past ten UTC'
exit_is 2 "a time that is none is refused"
run in_pgdata plan --target-lsn 0/1 --target-xid 7
exit_is 2 "two targets at once are refused"

# --------------------------------------------------------------------------------------- keys and identities
key() { as_pg "$PITR_BIN" key "$@"; }
must "an identity is generated" key generate "$SCRATCH/spool/identity"
recipient=$out
is "$(stat -c %a "$SCRATCH/spool/identity")" 600 "only its owner may read it"
identity_before=$(sha256sum < "$SCRATCH/spool/identity")
run key generate "$SCRATCH/spool/identity"
unlike "$rc" '^0$' "an existing identity is never overwritten"
is "$(sha256sum < "$SCRATCH/spool/identity")" "$identity_before" "and is still the old one"
run key show "$SCRATCH/spool/identity"
is "$out" "$recipient" "key show prints the recipient that key generate printed"
run key generate "$SCRATCH/spool/wrong-identity"
echo "$recipient" | secret_file "$SCRATCH/recipients"
mkdir "$SCRATCH/repo-sealed" && chown "$PG_USER" "$SCRATCH/repo-sealed"
sealed_config() { # IDENTITY-FILE
    section_cluster source
    section_local sealed "$SCRATCH/repo-sealed"
    echo "recipients-file = $SCRATCH/recipients"
    [ -z "$1" ] || echo "identity-file = $1"
}
sealed_config "" | write_config
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "with a recipient alone a segment is archived"
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "and the same again succeeds, still without the identity"
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 200 "without an identity it is not fetched, and not called absent"
like "$err" "identity" "and the message says that an identity is missing"
sealed_config "$SCRATCH/spool/wrong-identity" | write_config
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 200 "with another identity it is not fetched, and not called absent"
not_ok "and no file appears" test -e "$SCRATCH/tmp/got"
sealed_config "$SCRATCH/spool/identity" | write_config
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 0 "with its identity it is fetched"
ok "byte for byte" cmp "$wal/$segment" "$SCRATCH/tmp/got"
rm -f "$SCRATCH/tmp/got"
chmod 644 "$SCRATCH/spool/identity"
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 200 "an identity file that everybody may read is refused"
like "$err" "identity.*(permission|readable|mode|access)|(permission|readable|mode|access).*identity" "and the message says why"
chmod 600 "$SCRATCH/spool/identity"
sealed_config "$SCRATCH/spool/no-such-identity" | write_config
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 200 "an identity file that is missing is not taken for no identity"
like "$err" "no-such-identity" "and is named"
head -c 200 "$SCRATCH/spool/identity" | tr 'a-f' 'g-l' | secret_file "$SCRATCH/spool/garbled-identity"
sealed_config "$SCRATCH/spool/garbled-identity" | write_config
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 200 "an identity file with something else in it is refused"
like "$err" "garbled-identity" "and is named"
unlike "$err" "$(tail -1 "$SCRATCH/spool/garbled-identity")" "and nothing of what is in it"
not_ok "and no file appears" test -e "$SCRATCH/tmp/got"
echo "not a key" | secret_file "$SCRATCH/recipients"
run in_pgdata archive "pg_wal/$next"
exit_is 2 "a recipients file with something else in it is refused"
unlike "$(find "$SCRATCH/repo-sealed" -name "$next")" . "and nothing is stored unsealed instead"

# A damaged object: neither fetched nor called absent.
sealed_config "$SCRATCH/spool/identity" | write_config
stored=$(stored_file "$segment" "$SCRATCH/repo-sealed")
size=$(stat -c %s "$stored")
cp "$stored" "$SCRATCH/tmp/good"
for offset in 0 9 $((size / 2)) $((size - 1)); do
    cp "$SCRATCH/tmp/good" "$stored"
    chmod u+w "$stored"
    byte=$(od -An -tu1 -j "$offset" -N1 "$stored" | tr -d ' ')
    printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$stored" bs=1 seek="$offset" conv=notrunc status=none
    run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
    exit_is 200 "a stored object with one bit flipped at $offset is not given out"
    not_ok "nor any part of it" test -e "$SCRATCH/tmp/got"
done
for length in 0 1 100 $((size / 2)) $((size - 1)); do
    cp "$SCRATCH/tmp/good" "$stored"
    truncate -s "$length" "$stored"
    run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
    exit_is 200 "a stored object cut to $length bytes is not given out"
    not_ok "nor any part of it" test -e "$SCRATCH/tmp/got"
done
# With a second repository that has a good copy, that one is taken.
{
    sealed_config "$SCRATCH/spool/identity"
    section_local local
} | write_config
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 0 "a good copy in the second repository is taken instead"
ok "byte for byte" cmp "$wal/$segment" "$SCRATCH/tmp/got"
rm -f "$SCRATCH/tmp/got"
run in_pgdata fetch 0000000100000000000000EE "$SCRATCH/tmp/got"
exit_is 1 "absent is said when every repository says so"

# The repository's disk is not mounted: an empty directory is in its place. That is neither the end of the WAL nor a
# place to begin anew.
{ section_cluster source; section_local; } | write_config
mv "$SCRATCH/repo" "$SCRATCH/unmounted"
as_pg mkdir "$SCRATCH/repo"
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 200 "an empty directory in the repository's place is not the end of the WAL"
like "$err" 'has nothing of cluster "main"' "and the message says what is missing"
run in_pgdata archive "pg_wal/$next"
exit_is 5 "nor is anything archived there"
like "$err" 'has lost cluster "main"' "and the message asks for the disk"
is "$(find "$SCRATCH/repo" -type f)" "" "and nothing of it is written to"
rm -r "$SCRATCH/repo"
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 200 "nor is a directory that is gone the end of the WAL"
mv "$SCRATCH/unmounted" "$SCRATCH/repo"

# A push goes to every repository. While one of them takes none it is no success; what arrived stays, and the push is
# tried again until all have it.
{
    section_cluster source
    section_local local
    section_local second "$SCRATCH/second/repo"
} | write_config
as_pg mkdir "$SCRATCH/second"
must "a second repository is set up" in_pgdata init
run in_pgdata archive "pg_wal/$next"
exit_is 0 "a segment is archived to two repositories"
like "$(stored_file "$next")" . "it is in the first"
like "$(stored_file "$next" "$SCRATCH/second/repo")" . "and in the second"
third=$(switch_wal source)
chmod -R a-w "$SCRATCH/second"
run in_pgdata archive "pg_wal/$third"
unlike "$rc" '^0$' "while one repository takes nothing the push is no success"
like "$err" 'repository "second"' "and that one is named"
chmod -R u+w "$SCRATCH/second"
run in_pgdata archive "pg_wal/$third"
exit_is 0 "the same push again succeeds when it takes segments again"
like "$(stored_file "$third" "$SCRATCH/second/repo")" . "and the segment is there, too"
fourth=$(switch_wal source)
chmod 0 "$SCRATCH/repo"
run in_pgdata archive "pg_wal/$fourth"
exit_is 3 "while a repository may not be opened the push is no success"
like "$err" 'repository "local": .*Permission denied' "and that one is named"
like "$(stored_file "$fourth" "$SCRATCH/second/repo")" . "but the other one has the segment"
run in_pgdata fetch "$fourth" "$SCRATCH/tmp/got"
exit_is 0 "what lies in a repository that may not be opened comes from the second"
ok "byte for byte" cmp "$wal/$fourth" "$SCRATCH/tmp/got"
rm -f "$SCRATCH/tmp/got"
run in_pgdata fetch 0000000100000000000000EE "$SCRATCH/tmp/got"
exit_is 200 "and what the second has not is not called absent"
chmod 700 "$SCRATCH/repo"
rm "$(stored_file "$third")"
run in_pgdata fetch "$third" "$SCRATCH/tmp/got"
exit_is 0 "what the first repository has lost comes from the second"
ok "byte for byte" cmp "$wal/$third" "$SCRATCH/tmp/got"
rm -f "$SCRATCH/tmp/got"

# Damaged WAL in a full segment is taken, for PostgreSQL demands it, but not without a word. Behind a switch the same is
# filler, and no damage. The byte lies in the middle of a segment full of records.
sql source "insert into t select generate_series(1, 300000)"
fifth=$(sql source "select pg_walfile_name(pg_current_wal_lsn() - 16777216)")
as_pg cp "$wal/$fifth" "$SCRATCH/tmp/$fifth"
printf '\xa5\x5a' | dd of="$SCRATCH/tmp/$fifth" bs=1 seek=8000000 conv=notrunc status=none
run in_pgdata archive "$SCRATCH/tmp/$fifth"
exit_is 0 "a full segment with damaged WAL in it is archived"
damaged=$(grep -oE 'valid WAL ends at LSN [0-9A-F/]+' <<< "$err" | grep -oE '[^ ]+$')
like "$err" "WARNING:  valid WAL ends at LSN [0-9A-F]+/[0-9A-F]+, inside segment \"$fifth\"" "with a warning"
distance=$(sql source "select '$damaged'::pg_lsn - ('0/' || lpad(upper(to_hex((('x' || '${fifth:16}')::bit(32)::bigint) << 24)), 8, '0'))::pg_lsn")
ok "that names the LSN of the damage" test "$distance" -gt 7990000 -a "$distance" -le 8000000
rm "$SCRATCH/tmp/$fifth"
run in_pgdata archive "pg_wal/$third"
unlike "$err" 'valid WAL ends' "a segment after a switch is not taken for damaged"

# -------------------------------------------------------------------------------------------------- S3
s3_start
{ section_cluster source; section_s3; } | write_config
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "S3: a segment is archived"
altered=$SCRATCH/tmp/$segment
as_pg cp "$wal/$segment" "$altered"
printf '\xa5\x5a' | dd of="$altered" bs=1 seek=5000 conv=notrunc status=none
run in_pgdata archive "$altered"
exit_is 3 "S3: a different segment of the same name is refused"
run in_pgdata archive "pg_wal/$segment"
exit_is 0 "S3: the same segment again is success"
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
ok "S3: and still comes back as it was" cmp "$wal/$segment" "$SCRATCH/tmp/got"
rm -f "$SCRATCH/tmp/got" "$altered"

refused_by_s3() { # WHAT WORDS: neither archive nor fetch may mistake it for anything else
    run in_pgdata archive "pg_wal/$next"
    exit_is "2 3 5" "S3: $1: archive fails"
    like "$err" "$2" "S3: $1: archive says why"
    unlike "$err" "$S3_SECRET" "S3: $1: no secret in the message"
    run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
    exit_is 200 "S3: $1: fetch does not call it absent"
    like "$err" "$2" "S3: $1: fetch says why"
}
{ section_cluster source; section_s3 | sed "s|s3://$S3_BUCKET/|s3://no-such-bucket/|"; } | write_config
refused_by_s3 "a bucket that does not exist" "NoSuchBucket|bucket"
{ section_cluster source; section_s3; } | write_config
cp -p "$SCRATCH/s3.credentials" "$SCRATCH/tmp/credentials"
printf 'access-key-id = %s\nsecret-access-key = %s\n' "$S3_KEY" wrongwrongwrongwrong | secret_file "$SCRATCH/s3.credentials"
refused_by_s3 "a wrong secret" "SignatureDoesNotMatch|403"
printf 'access-key-id = %s\nsecret-access-key = %s\n' nobody "$S3_SECRET" | secret_file "$SCRATCH/s3.credentials"
refused_by_s3 "an unknown key" "InvalidAccessKeyId|403"
cp -p "$SCRATCH/tmp/credentials" "$SCRATCH/s3.credentials"
chmod 644 "$SCRATCH/s3.credentials"
refused_by_s3 "a credentials file that everybody may read" "credentials.*(permission|readable|mode|access)|(permission|readable|mode|access).*credentials"
chmod 600 "$SCRATCH/s3.credentials"
{ section_cluster source; section_s3 | grep -v ca-file; echo "retry-budget = 1s"; } | write_config
refused_by_s3 "a certificate nobody vouches for" "certificate|SSL|TLS"
{ section_cluster source; section_s3 | sed "s|^endpoint = .*|endpoint = https://127.0.0.1:$(free_port)|"; echo "retry-budget = 1s"; } | write_config
refused_by_s3 "a server that is not there" "connect"
run in_pgdata archive "pg_wal/$next"
exit_is 5 "S3: a server that is not there is a transient failure"
{ section_cluster source; echo "unreachable = absent"; section_s3 | sed "s|^endpoint = .*|endpoint = https://127.0.0.1:$(free_port)|"; echo "retry-budget = 1s"; } | write_config
run in_pgdata fetch "$segment" "$SCRATCH/tmp/got"
exit_is 1 "S3: with unreachable = absent, asked for by a standby, the outage is answered with 1"

cluster_stop source
cluster_stop stranger
finish
