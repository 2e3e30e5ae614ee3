#!/bin/bash
# PITR_REPO and its like are configuration enough for everything, a restore too: what the restored server's
# restore_command needs is written into it, and no secret is.
. "$(dirname "$0")/../lib.sh"
story "without a configuration file the environment is enough, from init to recovery"

cluster_init source
s3_start
as_pg mkdir -m 700 "$SCRATCH/safe"
must "an identity is generated" as_pg "$PITR_BIN" key generate "$SCRATCH/safe/identity"
echo "$out" | write_config "$SCRATCH/recipients"
settings=(PITR_REPO="s3://$S3_BUCKET/env" PITR_ENDPOINT="$S3_ENDPOINT" PITR_CA_FILE="$S3_CA"
    PITR_RECIPIENTS_FILE="$SCRATCH/recipients" PITR_SPOOL="$SCRATCH/spool" PITR_WAL_TIMEOUT=60s
    PITR_CONNINFO="$(cluster_conninfo source)")
secrets=(AWS_ACCESS_KEY_ID="$S3_KEY" AWS_SECRET_ACCESS_KEY="$S3_SECRET")
export_all() { export "${settings[@]}" "${secrets[@]}"; }
in_environment() { (export_all && as_pg "$PITR_BIN" "$@"); }
start() { (export_all && cluster_start "$1"); }

cluster_set source archive_command "$PITR_BIN archive %p"
start source
must "init" in_environment init
sql source "create table t (n int); insert into t values (1)"
must "backup" in_environment backup --checkpoint fast
sql source "insert into t values (2)"
sql source "select pg_create_restore_point('here')" > /dev/null
sql source "insert into t values (3)"
archive_all source > /dev/null
run in_environment check
exit_is 0 "check"
run in_environment list
exit_is 0 "list"

secrets+=(PITR_IDENTITY_COMMAND="cat $SCRATCH/safe/identity")
must "restore" in_environment restore --pgdata "$SCRATCH/copy" --target-name here --target-action promote
unlike "$(cat "$SCRATCH/copy/postgresql.auto.conf")" "$S3_SECRET" "no secret is written into the copy"
unlike "$(cat "$SCRATCH/copy/postgresql.auto.conf")" "safe/identity" "nor the command that gets one"
like "$err" "restore_command sets what this environment says: .*PITR_REPO" "what is written into it is said"
like "$err" "does not set PITR_IDENTITY_COMMAND, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY" "and what the server must have"
cluster_adopt copy
# The server that recovers has what leads to secrets in its environment, and nothing else.
recover() { (export "${secrets[@]}" && cluster_recover copy); }
is "$(recover)" promoted "recovered"
is "$(sql copy "select string_agg(n::text, ' ' order by n) from t")" "1 2" "and ends at its target"
cluster_stop copy
cluster_stop source
finish
