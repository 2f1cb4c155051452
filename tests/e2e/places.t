#!/bin/sh
# The tree in a folder whose name holds spaces, a quote and an umlaut, unpacked from
# what make dist made and without git; and a build outside of it.
# runs: host; not: sanitizers

cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0
report() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; sed 's/^/# /' "$work/log"; fi
}

unset MAKEFLAGS MAKELEVEL
mkdir "$work/it's a tüls folder" "$work/another place"
tools/dist "$work/first.tar.gz" >"$work/log" 2>&1 &&
    tar -xzf "$work/first.tar.gz" -C "$work/it's a tüls folder" >>"$work/log" 2>&1
report $? 'tools/dist'
tree=$(echo "$work/it's a tüls folder"/*)

# build: a small part, with debugging information, where paths would be seen
build() { "$1"/configure --disable-shared CFLAGS='-O0 -g' && make libktls.a ktls-check; }

cd "$tree" || exit 1
build . >"$work/log" 2>&1
report $? 'configure and make there'
build/bin/ktls-check --version >"$work/log" 2>&1
report $? 'a program of this build runs'
make build/tests/unit/control_service >"$work/log" 2>&1 && KTLS_TEST_KERNEL=none tests/run control_service >>"$work/log" 2>&1
report $? 'tests/run runs a test'
make dist >"$work/log" 2>&1 && cmp ./*.tar.gz "$work/first.tar.gz" >>"$work/log" 2>&1
report $? 'make dist: the same bytes'
make -n install >"$work/log" 2>&1 && [ ! -e build/bin/ktls-tlsd ]
report $? 'make -n says what it would do, and does nothing'

rm -f ./*.tar.gz
mv build "$work/first"
find . -type d -exec chmod a-w {} +
touch "$work/stamp"
cd "$work/another place" || exit 1
build "$tree" >"$work/log" 2>&1
report $? 'configure and make in another folder, the tree being read-only'
for name in bin/ktls-check lib/libktls.a; do cmp "build/$name" "$work/first/$name"; done >"$work/log" 2>&1
report $? 'the same bytes'
! grep -rl "$work" build/obj build/bin >"$work/log" 2>&1
report $? 'the path of neither folder is in them'
make build/tests/unit/control_service >"$work/log" 2>&1 && KTLS_TEST_KERNEL=none tests/run control_service >>"$work/log" 2>&1
report $? 'tests/run runs a test there'
find "$tree" -newer "$work/stamp" ! -name __pycache__ >"$work/log"
[ ! -s "$work/log" ]
report $? 'nothing was written into the tree'
find "$tree" -type d -exec chmod u+w {} +
mkdir "$tree/src/build"
cd "$tree/src/build" && ! ../../configure >"$work/log" 2>&1 && grep -q 'holds sources' "$work/log" && [ ! -e Makefile ]
report $? 'a folder of sources is not taken for one to build in'
echo "1..$count"
