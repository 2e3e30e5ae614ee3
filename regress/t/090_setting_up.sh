#!/bin/bash
# init, check and list: one line per finding, an exit status that says whether all is well, the same as JSON.
. "$(dirname "$0")/../lib.sh"
story "init, check and list say in lines and exit statuses whether the set-up is right"

cluster_init source
{ section_cluster source; section_local; } | write_config
json() { jq -e . > /dev/null 2>&1 <<< "$out"; }

run pitr --help
run as_pg "$PITR_BIN" --help
exit_is 0 "--help"
for command in archive fetch backup plan restore init check list key; do
    like "$out" "(^|[^a-z])$command([^a-z]|$)" "--help names $command"
done
run as_pg "$PITR_BIN" --version
exit_is 0 "--version"
like "$out" '^pitr .*[0-9]+\.[0-9]+' "--version prints name and version"
for command in archive fetch backup plan restore init check list key; do
    run as_pg "$PITR_BIN" $command --help
    exit_is 0 "$command --help"
    ln -sf pitr "$SCRATCH/bin/pitr-$command"
    by_link=$(as_pg "$SCRATCH/bin/pitr-$command" --help 2>/dev/null)
    is "$by_link" "$out" "pitr-$command --help is the same"
done

run pitr list
exit_is 0 "an empty repository can be listed"
like "$out" "^  nothing of this cluster$" "and says that it is empty"
run pitr check
exit_is 5 "check finds a server that does not run"
like "$out" '^FAILED +server: could not connect to the server: ' "and says so"

cluster_start source
run pitr init
exit_is 0 "init succeeds"
identifier=$(sql source "select system_identifier from pg_control_system()")
like "$out" "^ok +repository \"local\": made line [0-9a-f]{16} of cluster \"main\": system identifier $identifier, PostgreSQL" \
    "and names the line it made"
like "$out" '^warning +repository "local": objects are stored unencrypted$' "and says that nothing is encrypted"
lines_before=$(find "$SCRATCH/repo" -name line.json | xargs sha256sum)
run pitr init
exit_is 0 "init again changes nothing"
is "$(find "$SCRATCH/repo" -name line.json | xargs sha256sum)" "$lines_before" "and leaves line.json as it was"
run pitr check
exit_is 0 "check finds the set-up right"
like "$out" '^warning .*no backup yet: nothing can be restored$' "and says that there is no backup yet"
unlike "$out" '^FAILED' "and nothing failed"
files_before=$(find "$SCRATCH/repo" -type f | sort)
run pitr check --json
exit_is 0 "check --json"
is "$(jq -c ".ok, ([.findings[] | select(.level == \"failed\")] | length)" <<< "$out" | tr "\n" " ")" "true 0 " "is JSON, and says the same"
is "$(find "$SCRATCH/repo" -type f | sort)" "$files_before" "check leaves nothing of its own in the repository"

# What check has to find.
finds() { # STATUS LINE WHAT
    run pitr check
    exit_is "$1" "check finds $3"
    like "$out$err" "^$2" "$3: and says so"
}
restart() { cluster_stop source; cluster_start source; }
cluster_set source archive_command ''
cluster_reload source
finds 2 'FAILED +archiving: archive_command is ' "an empty archive_command"
cluster_set source archive_command "$(archive_command)"
cluster_set source archive_mode off
restart
finds 2 'FAILED +archiving: archive_mode is off: nothing is archived$' "archiving switched off"
run pitr backup
exit_is 3 "a backup without archiving is refused"
like "$err" 'ERROR: .*archive_mode is off on the server' "before anything is sent, and says why"
cluster_set source archive_mode on
cluster_set source wal_level minimal
cluster_set source max_wal_senders 0
expect_log 'FATAL:  number of requested standby connections exceeds max_wal_senders'
cluster_set source archive_mode off
restart
finds 2 'FAILED +archiving: wal_level is minimal: ' "a wal_level that is too low"
cluster_set source wal_level replica
cluster_set source max_wal_senders 10
cluster_set source archive_mode on
restart
sql source "create role weak login"
{ section_cluster source | sed 's/user=postgres/user=weak/'; section_local; } | write_config
expect_log 'FATAL:  .*(replication|weak)'
expect_log 'ERROR:  .*(permission denied|must be)'
finds 3 'FAILED +base backup: the role in conninfo lacks REPLICATION$' "a role that may not take a backup"
{ section_cluster source; section_local local "$SCRATCH/nowhere/deep"; } | write_config
cluster_init other
as_pg mkdir -m 555 "$SCRATCH/readonly"
{ section_cluster source; section_local local "$SCRATCH/readonly/repo"; } | write_config
finds 5 'FAILED +repository "local": could not open repository directory ".*/readonly/repo": No such file' \
    "a repository whose directory is missing"
not_ok "check makes no directory" test -e "$SCRATCH/readonly/repo"
run pitr init
exit_is 3 "init can't make the directory where it may not write"
like "$out" '^FAILED +repository "local": could not create repository directory ".*/readonly/repo": Permission denied$' "and says so"
as_pg mkdir -m 0 "$SCRATCH/closed"
{ section_cluster source; section_local closed "$SCRATCH/closed"; section_local; } | write_config
finds 3 'FAILED +repository "closed": could not open repository directory ".*/closed": Permission denied$' \
    "a repository that it may not open"
like "$out" '^ok +repository "local": an object was stored' "and looks at the others all the same"
{ section_cluster source; section_local; } | write_config
run pitr check
exit_is 0 "put right again, check is content"

# Another initdb under the same name needs a decision.
cluster_start other
{ section_cluster other; section_local; } | write_config
finds 3 'FAILED +repository "local": cluster "main" belongs to system identifier [0-9]+ there, but the server is [0-9]+$' "another cluster under this one's name"
run pitr backup --checkpoint fast
exit_is 3 "a backup of it is refused"
run pitr init
exit_is 0 "init makes it a line of its own"
run pitr backup --checkpoint fast
exit_is 0 "and then a backup is not refused"
others_backup=$out
cluster_stop other
{ section_cluster source; section_local; } | write_config

# ----------------------------------------------------------------------------------------------- list
must "a backup is taken" pitr backup --checkpoint fast --label 'before the change'
backup=$out
is "$(wc -l <<< "$out")" 1 "standard output is its ID and nothing else"
sql source "create table t (n int)"
last=$(archive_all source)
run pitr list
exit_is 0 "list"
like "$out" "$backup" "list shows the backup"
like "$out" "^ +1 +[0-9A-F]{24} +$last " "and the WAL there is"
run pitr list --json
exit_is 0 "list --json"
is "$(jq -r '.repositories[].lines[] | select(.backups[].label == "before the change") | .backups[].id, .wal[].last' <<< "$out")" \
    "$backup"$'\n'"$last" "is JSON, and names the backup and the WAL behind it"
run pitr list --repo local
exit_is 0 "list --repo of a repository that is configured"
run pitr list --repo nosuch
exit_is 2 "list --repo of one that is not"
like "$err" nosuch "names it"
run pitr plan --json
exit_is 0 "plan --json"
ok "is JSON" json
is "$(jq -r .backup.id <<< "$out")" "$others_backup" "and takes the newest backup of the line made last"
is "$(jq -r '.other_lines | length' <<< "$out")" 1 "and names the line it did not take"
run pitr plan --backup "$backup"
exit_is 0 "plan for a backup of the other line"
like "$out" "^Backup +$backup, " "names that backup"
like "$out" "not looked at: line [0-9a-f]{16}$" "and the line it is not on"
like "$out" "^Ends at +the end of the archived WAL, then promote$" "and where it ends"

# Two clusters in one file: which one has to be said.
{ section_cluster source; section_local; printf '[cluster second]\nconninfo = host=/nowhere\n'; } | write_config
run pitr list --cluster main
exit_is 0 "--cluster names one of several"
like "$out" "$backup" "and lists that one"
run pitr list --cluster third
exit_is 2 "--cluster of one that is not in the file"
like "$err" third "names it"

cluster_stop source
finish
