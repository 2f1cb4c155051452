#!/bin/sh
# needs: ktls (oldest kernel); not: sanitizers; takes: long
# ktls-init in the kernels that we support: the other tests of it once more. (Not
# the one of races: nothing there is fast enough.)

count=0 failed=0
for name in init init-signals init-reap init-tty; do
    count=$((count + 1)) result='ok'
    output=$("${0%/*}/$name.t" 2>&1) || result='not ok' failed=1
    echo "$result $count - $name.t"
    [ "$result" = ok ] || echo "$output" | grep -v '^ok' | sed 's/^/# /'
done
echo "1..$count"
exit "$failed"
