#!/bin/sh
# check-promises.sh DIRECTORY - the tests that docs/ARCHITECTURE.md names for its promises are there.
#
# In its tables "`room/test_x.c`: one_test, other_test" stands for tests of regress/unit, "`regress/t/x.sh`" for a story.
cd "${1:?usage: $0 DIRECTORY}" || exit 2
status=0
missing() { echo "docs/ARCHITECTURE.md names $*" >&2; status=1; }
for story in $(grep -oE 'regress/t/[0-9a-z_]+\.sh' docs/ARCHITECTURE.md | sort -u); do
    [ -e "$story" ] || missing "$story, which is not there"
done
while read -r file tests; do
    [ -e "regress/unit/$file" ] || { missing "$file, which is not there"; continue; }
    for test in $tests; do
        grep -rqw "$test" "regress/unit/${file%/*}" || missing "$test of $file, which is not there"
    done
done << LIST
$(grep -oE '`[a-z]+/test_[a-z0-9_]+\.c`(: [a-z0-9_]+(, [a-z0-9_]+)*)?' docs/ARCHITECTURE.md | tr -d '`,:')
LIST
exit $status
