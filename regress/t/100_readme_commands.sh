#!/bin/bash
# What README.md tells people to type works as printed.
. "$(dirname "$0")/../lib.sh"
story "the commands of the README work as printed"

readme=$SOURCE/README.md
[ -f "$readme" ] || die "there is no README.md"
# The lines of its code blocks, continuation lines joined.
blocks=$(awk '/^ *```/ { inside = !inside; next } inside' "$readme" | sed -e ':a' -e '/\\$/N; s/\\\n//; ta' -e 's/^ *[$#] //')

like "$blocks" '^sh contrib/demo\.sh' "the README names the demonstration"
like "$blocks" '^sh regress/run\.sh' "and the tests"
run env PITR="$PITR_BIN" sh "$SOURCE/contrib/demo.sh"
exit_is 0 "sh contrib/demo.sh succeeds"
like "$out" 'Barbara' "and shows the row that only the WAL knew"
demo_dir=$(grep -oE '/tmp/pitr-demo-[A-Za-z0-9]+' <<< "$out" | tail -1)
like "$demo_dir" . "and says where it worked"
not_ok "and leaves nothing there" test -e "$demo_dir"

# Every pitr command it prints is one, and has the options it is given there.
while read -r words; do
    words=${words%%#*}
    command=$(sed -nE 's/.*\bpitr[ -]([a-z]+).*/\1/p' <<< "$words")
    [ -n "$command" ] || continue
    help=$(as_pg "$PITR_BIN" "$command" --help 2>/dev/null) || { fail "README: \"$words\" is a command"; continue; }
    pass "README: \"pitr $command\" is a command"
    for option in $(grep -oE -- '(^| )--[a-z-]+' <<< "${words#*pitr}" | tr -d ' '); do
        like "$help" "(^|[ ,|[])$option" "README: pitr $command has $option"
    done
done < <(grep -E '(^|[ /'"'"'"])pitr[ -][a-z]' <<< "$blocks")

# Its configuration file is accepted (with files of its own in place of those it names).
awk '/^ *```ini/ { inside = 1; next } /^ *```/ { inside = 0 } inside' "$readme" > "$SCRATCH/readme.conf"
if [ -s "$SCRATCH/readme.conf" ]; then
    run as_pg "$PITR_BIN" key generate "$SCRATCH/spool/identity"
    echo "$out" | secret_file "$SCRATCH/spool/recipients"
    sed -E -e "s#^(recipients-file *= *)[^ ]*#\1$SCRATCH/spool/recipients#" -e "s#^(identity-file *= *)[^ ]*#\1$SCRATCH/spool/identity#" \
        -e "s#^(spool *= *)[^ ]*#\1$SCRATCH/spool#" -e "s#https://[^ ]*#https://127.0.0.1:$(free_port)#" \
        "$SCRATCH/readme.conf" | write_config
    echo "retry-budget = 1s" >> "$CONF"
    cluster=$(sed -n 's/^ *\[cluster \(.*\)\].*/\1/p' "$CONF" | head -1)
    run env AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret setpriv --reuid "$PG_USER" --regid "$(id -gn "$PG_USER")" \
        --init-groups -- "$PITR_BIN" list --config "$CONF" --cluster "${cluster:-main}"
    unlike "$rc" '^2$' "the README's configuration is accepted"
fi
finish
