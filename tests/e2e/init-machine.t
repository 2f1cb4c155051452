#!/bin/sh
# ktls-init as process 1 of a whole machine.
# runs: host; not: sanitizers; takes: long

kernel=${KTLS_UML:-/usr/bin/linux.uml}
if [ ! -x "$kernel" ]; then
    echo "1..0 # SKIP no $kernel; Debian package user-mode-linux has it"
    exit
fi

# Which program is process 1; what a thousand orphans leave behind.
output=$(tools/uml -t 120 -i "'$KTLS_BIN/ktls-init' -vv" sh -c '
    tr "\0" "\n" </proc/1/cmdline | head -n 1
    "$KTLS_BUILD/tests/e2e/witness" orphans 1000 </dev/null >/dev/null
    n=0
    while grep -q "^State:.Z" /proc/[0-9]*/status 2>/dev/null && [ $n -lt 100 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    grep -c "^State:.Z" /proc/[0-9]*/status 2>/dev/null | grep -vc ":0$"
    exit 7' 2>"$KTLS_BUILD/tests/run/init-machine.err")
code=$?

count=0 failed=0
ok() { # NAME WHAT SHOULD-BE
    count=$((count + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $count - $1"
    else
        failed=1
        echo "not ok $count - $1"
        echo "# $2 instead of $3"
    fi
}

ok 'it is process 1' "$(echo "$output" | sed -n 1p)" "$KTLS_BIN/ktls-init"
ok 'no zombie stays' "$(echo "$output" | sed -n 2p)" 0
ok '1000 orphans were reaped' \
    "$(($(grep -c 'reaped orphan process' "$KTLS_BUILD/tests/run/init-machine.err") / 1000))" 1
ok 'the machine ends as it should' "$code" 7
echo "1..$count"
exit "$failed"
