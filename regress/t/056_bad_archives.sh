#!/bin/bash
# What lies in an archive may be damaged, missing, another cluster's or a lie: it is named, and no plan comes of it that
# would end elsewhere than it says.
. "$(dirname "$0")/../lib.sh"
story "a bad object in the archive is named, and leads neither to a crash nor to a wrong restore"

cluster_init source
cluster_init stranger
must "an identity is generated" as_pg "$PITR_BIN" key generate "$SCRATCH/spool/identity"
echo "$out" | secret_file "$SCRATCH/recipients"
sealed() { printf 'recipients-file = %s\nidentity-file = %s\n' "$SCRATCH/recipients" "$SCRATCH/spool/identity"; }
{ section_cluster source; section_local; sealed; } | write_config
cluster_set stranger archive_command /bin/true
cluster_start source
cluster_start stranger
must "the repository is set up" pitr init
sql source "create table t (n int)"
must "a backup is taken" pitr backup --checkpoint fast

# A segment for each row: segment[N], time[N] and lsn[N], behind its commit, are where it became visible.
segment=() time=() lsn=()
for n in 1 2 3 4 5 6; do
    sql source "insert into t values ($n)"
    lsn[n]=$(sql source "select pg_current_wal_lsn()")
    time[n]=$(sql source "select pg_xact_commit_timestamp(xmin) from t where n = $n")
    segment[n]=$(archive_all source)
done
us_of() { sql source "select (extract(epoch from '$1'::timestamptz) * 1000000)::bigint"; }
stored() { stored_file "${segment[$1]}"; }
spoiled=$SCRATCH/tmp/spoiled
spoil() { rm -rf "$spoiled"; cp -a "$SCRATCH/repo" "$spoiled"; }
unspoil() { rm -rf "$SCRATCH/repo"; mv "$spoiled" "$SCRATCH/repo"; }

# Whatever lies there, no command crashes: it ends with a status of its own, and does not fail without a word.
survives() { # WHAT COMMAND…
    local what=$1
    shift
    run "$@"
    ok "$what: $* ends by itself" test "$rc" -le 6
    [ "$rc" = 0 ] || like "$out$err" "ERROR|FAILED" "$what: and says why"
}
survive() { # WHAT
    survives "$1" pitr plan
    survives "$1" pitr list --json
    survives "$1" pitr check
    survives "$1" pitr log --since 0/1
}
named() { # WHAT STATUS WORDS COMMAND…
    local what=$1 status=$2 words=$3
    shift 3
    run "$@"
    exit_is "$status" "$what: $*"
    like "$out$err" "$words" "$what: what is bad is named"
}
# A restore whose WAL turns out bad on the way stops there: neither promoted nor open.
stops() { # WHAT SEGMENT OPTION…
    local what=$1 bad=$2 name=copy$((copies += 1))
    shift 2
    must "$what: restored" pitr restore --pgdata "$SCRATCH/$name" --target-action promote "$@"
    cluster_adopt "$name"
    expect_log 'FATAL:  could not restore file'
    expect_log "ERROR:  could not fetch \"$bad\""
    is "$(cluster_recover "$name")" failed "$what: recovery does not get past it"
    like "$(cat "$(cluster_log "$name")")" "could not fetch \"$bad\"" "$what: and names it"
}
copies=0

# ---------------------------------------------------------------------------------------------- nothing but histories
{ section_cluster source; section_local histories "$SCRATCH/histories"; } | write_config
as_pg mkdir "$SCRATCH/histories"
printf '1\t0/3000000\tat restore point "a"\n' | as_pg tee "$SCRATCH/source/pg_wal/00000002.history" > /dev/null
must "a history file is archived alone" pitr archive "$SCRATCH/source/pg_wal/00000002.history"
rm "$SCRATCH/source/pg_wal/00000002.history"
survive "only histories"
named "only histories" 3 "there is no backup" pitr plan
named "only histories" 3 "there is no backup" pitr plan --target-time "${time[2]}"
named "only histories" 3 "no WAL|there is no|nothing" pitr log
run pitr list
exit_is 0 "only histories: list shows that there is nothing"
{ section_cluster source; section_local; sealed; } | write_config

# ------------------------------------------------------------------------------------------------- damage by accident
flip() { # FILE OFFSET
    local byte
    byte=$(od -An -tu1 -j "$2" -N1 "$1" | tr -d ' ')
    chmod u+w "$1"
    printf "\\x$(printf %02x $((byte ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
bad=${segment[3]}
spoil
flip "$(stored 3)" $(($(stat -c %s "$(stored 3)") / 2))
survive "a bit flipped in the boundary segment"
named "a bit flipped in the boundary segment" 4 "$bad" pitr plan --target-time "${time[3]}"
named "a bit flipped in the boundary segment" 4 "$bad" pitr plan --target-lsn "${lsn[3]}"
named "a bit flipped in the boundary segment" "0 4" "$bad" pitr log --since 0/1
run pitr plan --target-time "${time[1]}"
exit_is 0 "and what ends before it is planned"
stops "a bit flipped in a segment" "$bad"
unspoil

spoil
flip "$(stored 3)" "$(grep -abo '"max_commit":' "$(stored 3)" | head -1 | awk -F: '{ print $1 + 20 }')"
survive "a bit flipped in a time of a descriptor"
named "a bit flipped in a time of a descriptor" 4 "$bad" pitr plan --target-time "${time[3]}"
named "a bit flipped in a time of a descriptor" "0 4" "$bad" pitr log --since 0/1
unspoil

spoil
truncate -s 100 "$(stored 6)"
survive "the last segment cut short"
named "the last segment cut short" 4 "${segment[6]}" pitr plan
named "the last segment cut short" 0 "${segment[6]}" pitr list
unspoil

# ------------------------------------------------------------------------------------- another cluster's in the middle
{ section_cluster stranger; section_local stranger "$SCRATCH/strange"; sealed; } | sed "s|^spool.*|spool = $SCRATCH/strange-spool|" | write_config
as_pg mkdir "$SCRATCH/strange"
as_pg mkdir -m 700 "$SCRATCH/strange-spool"
foreign=$(switch_wal stranger)
while [[ "$foreign" < "$bad" ]]; do foreign=$(switch_wal stranger); done
is "$foreign" "$bad" "the other cluster has a segment of the same name"
must "which is archived, sealed for the same recipient" pitr archive "$SCRATCH/stranger/pg_wal/$foreign"
{ section_cluster source; section_local; sealed; } | write_config
spoil
cp -f "$(stored_file "$foreign" "$SCRATCH/strange")" "$(stored 3)"
survive "another cluster's segment"
named "another cluster's segment" 4 "segment \"$bad\" says that it is wal .* of line" pitr plan --target-time "${time[3]}"
named "another cluster's segment" 4 "$bad" pitr plan --target-lsn "${lsn[3]}"
named "another cluster's segment" "0 4" "$bad" pitr log --since 0/1
stops "another cluster's segment" "$bad"
unspoil

# ------------------------------------------------------------------------------------------------------------- lies
forge() { # N EDIT…
    local file
    file=$(stored "$1")
    shift
    chmod u+w "$file"
    python3 "$SOURCE/regress/forge.py" "$file" "$@" || die "cannot forge"
}
# Where it says it lies, and what it says it holds, must fit; so must the run that it tells of.
while IFS='|' read -r what edits; do
    spoil
    # shellcheck disable=SC2086
    forge 3 $edits
    survives "$what" pitr list --json
    survives "$what" pitr log --since 0/1
    named "$what" 4 "$bad" pitr plan --target-time "${time[3]}"
    unspoil
done << TABLE
a run that begins behind the segment|run_from="0/FF000000"
a run without its newest time|run_max=
a newest time before its own commits'|run_max=0
a commit that lies in another segment|commit_lsn="0/1000028"
more commits than there is room for|commits=1000000
commits without their times|min_commit=
an end behind the segment's|end_lsn="0/FF000000"
another timeline|timeline=2
another system identifier|system_identifier="0123456789abcdef"
TABLE

member() { head -c 4096 "$(stored "$1")" | grep -aoE "\"$2\":[^,}]*" | head -1 | cut -d : -f 2-; } # N MEMBER
# What fits and is a lie: the seal behind it tells where it would decide the end.
late=$(us_of "${time[6]}")
early=$(us_of "${time[1]}")
refused_lie() { # WHAT N
    named "$1" 4 "${segment[$2]}" pitr plan --target-time "${time[3]}"
}
spoil
forge 3 first_commit="$late" last_commit="$late" min_commit="$late" max_commit="$late" run_max="$late"
refused_lie "a commit dated too late" 3
unspoil
spoil
forge 4 first_commit="$early" last_commit="$early" min_commit="$early" max_commit="$early" run_max="$(us_of "${time[3]}")"
refused_lie "a commit dated too early" 4
unspoil
spoil
forge 3 --of "$(stored 2)"
refused_lie "a swapped descriptor" 3
unspoil
# The time is passed in a later segment than it should be: replay comes to the segment that lies, and stops.
spoil
forge 4 commits=0 aborts=0 first_commit= last_commit= min_commit= max_commit= commit_lsn='"0/0"' drops=0 truncates=0 \
    run_max="$(us_of "${time[3]}")" run_commit="$(member 3 commit_lsn)"
survive "a commit that is hidden"
refused_lie "a commit that is hidden" 4
unspoil

# ------------------------------------------------------------------------------------------------------- timelines
printf '1\t0/3000000\tnever was\n' | as_pg tee "$SCRATCH/source/pg_wal/00000002.history" > /dev/null
must "the number of timeline 2 is taken" pitr archive "$SCRATCH/source/pg_wal/00000002.history"
rm "$SCRATCH/source/pg_wal/00000002.history"
must "a restore to an LSN" pitr restore --pgdata "$SCRATCH/heir" --target-lsn "${lsn[5]}" --target-timeline 1 \
    --target-action promote --keep-archiving
cluster_adopt heir
is "$(cluster_recover heir)" promoted "which promotes"
sql heir "insert into t values (100)"
heirs=$(archive_all heir)
is "${heirs:0:8}" 00000003 "to timeline 3"
ok "its history is archived" wait_for_archive heir 00000003.history
spoil
rm "$(stored_file 00000002.history)"
survive "a timeline number with a hole before it"
run pitr plan
exit_is 0 "a hole in the numbers is no hindrance"
like "$out" 'timeline 3|1 -> 3|00000003' "timeline 3 is the latest"
unspoil
spoil
rm "$(stored_file 00000003.history)"
survive "a missing history file"
named "a missing history file" 3 "timeline 3 has no history file" pitr plan --target-timeline 3
named "a missing history file" 0 "timeline 3 has WAL but no history file" pitr plan
named "a missing history file" 0 "timeline 3" pitr list
unspoil
spoil
flip "$(stored_file 00000003.history)" $(($(stat -c %s "$(stored_file 00000003.history)") - 20))
survive "a damaged history file"
named "a damaged history file" 4 "00000003.history" pitr plan
unspoil

# ------------------------------------------------------------------------------------ a repository that is behind
cp -a "$SCRATCH/repo" "$SCRATCH/behind"
rm "$(stored_file "${segment[6]}" "$SCRATCH/behind")" "$(stored_file "${segment[5]}" "$SCRATCH/behind")" \
    "$(stored_file 00000003.history "$SCRATCH/behind")"
rm -r "$(find "$SCRATCH/behind" -type d -name 00000003)"
{ section_cluster source; section_local behind "$SCRATCH/behind"; sealed; section_local; sealed; } | write_config
run pitr plan --target-timeline 1
exit_is 0 "a plan to the end of the archive"
like "$out" 'repository "behind" goes to LSN .* on timeline 1 only: this plan is on "local"' "is on the repository that goes furthest"
is "$(pitr plan --target-timeline 1 --json | jq -r .repository)" local "as JSON too"
run pitr plan
like "$out" 'this plan is on "local", which goes to LSN [0-9A-F/]+ on timeline 3' "a higher timeline goes further as well"
run pitr plan --target-time '2099-01-01 00:00:00+00' --target-timeline 1 --or-latest
like "$out" 'repository "behind" goes to LSN .* only: this plan is on "local"' "and so does --or-latest"
must "restored" pitr restore --pgdata "$SCRATCH/newest" --target-timeline 1 --target-action promote
cluster_adopt newest
is "$(cluster_recover newest)" promoted "and recovered"
is "$(sql newest "select max(n) from t")" 6 "with the newest transaction"
run pitr plan --repo behind
exit_is 0 "who names a repository gets it"
unlike "$out" '"local"' "and no other is asked"
chmod 0 "$SCRATCH/repo"
run pitr plan --target-timeline 1
exit_is 0 "with the other one away there is a plan"
like "$out" 'repository "local" may go further than this plan, and could not be asked' "that says so"
chmod 700 "$SCRATCH/repo"

for cluster in newest heir stranger source; do cluster_stop $cluster; done
finish
