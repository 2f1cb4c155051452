#!/bin/sh
# A program of somebody else, with names of its own, links against what make
# install installed and shakes hands with itself; make uninstall removes all of it
# and nothing else. The folder's name holds a space.
# runs: host; not: sanitizers

cd "$(dirname "$0")/../.." || exit 1
build=${KTLS_BUILD:-build}
build=${build#"$PWD/"} # make has no paths with spaces
work="$(mktemp -d "${TMPDIR:-/tmp}/ktls install.XXXXXX")" || exit 1
trap 'rm -rf "$work"' EXIT
count=0
report() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; sed 's/^/# /' "$work/log"; fi
}

prefix=$(sed -n 's/^prefix := //p' "$build/config.mak")
root=$work/root$prefix
make -s BUILD="$build" DESTDIR="$work/root" install >"$work/log" 2>&1
report $? 'make install'
[ -x "$root/bin/ktls-tlsd" ] && [ -x "$root/bin/ktls-tlsc" ] && [ -x "$root/bin/ktls-relay" ]
report $? 'the programs are there'
[ -f "$root/share/man/man1/ktls-tlsd.1" ] && [ -f "$root/share/man/man7/ktls-tools.7" ]
report $? 'and the manual'
[ -f "$root/include/ktls-tools/ktls/ktls.h" ] && [ -f "$root/lib/libktls.so" ] && [ -f "$root/lib/libktls.a" ] &&
    [ -f "$root/lib/pkgconfig/libktls.pc" ] && [ -f "$root/share/man/man3/libktls.3" ]
report $? 'and the library for others'
[ -f "$root/include/ktls-tools/ktls/service.h" ] && [ -f "$root/lib/libktls-service.so" ] &&
    [ -f "$root/lib/libktls-service.a" ] && [ -f "$root/lib/pkgconfig/libktls-service.pc" ] &&
    [ -f "$root/share/man/man3/libktls-service.3" ]
report $? "and the library for clients of ktls-init's service"

for archive in ktls_:libktls ktls_:libktls-service crypto_:libktls-crypto x509_:libktls-x509 tls_:libktls-tls; do
    nm -g --defined-only "$root/lib/${archive#*:}.a" | awk -v prefix="${archive%:*}" 'NF == 3 && index($3, prefix) != 1'
done >"$work/log"
[ ! -s "$work/log" ]
report $? 'an archive has no name without the prefix of its layer'

cc=$(sed -n 's/^CC := //p' "$build/config.mak")
ldflags=$(sed -n 's/^LDFLAGS := //p' "$build/config.mak")
$cc -std=c11 -D_GNU_SOURCE -I"$root/include/ktls-tools" -o "$work/foreign" tests/e2e/install/foreign.c \
    $ldflags -L"$root/lib" -l:libktls-tls.a -l:libktls-x509.a -l:libktls-crypto.a -l:libktls.a -l:libbearssl.a \
    -lpthread >"$work/log" 2>&1
report $? 'a foreign program links against the archives'
"$work/foreign" "$KTLS_PKI/ec256.crt" "$KTLS_PKI/ec256.key" "$KTLS_PKI/ca.pem" >"$work/log" 2>&1
report $? 'and shakes hands with itself'

: >"$root/bin/of-somebody-else"
make -s BUILD="$build" DESTDIR="$work/root" uninstall >"$work/log" 2>&1
report $? 'make uninstall'
find "$work/root" ! -type d >"$work/log"
[ "$(cat "$work/log")" = "$root/bin/of-somebody-else" ] && [ ! -e "$root/include/ktls-tools" ]
report $? 'removes what was installed, and nothing else'
echo "1..$count"
