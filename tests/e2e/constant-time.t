#!/bin/sh
# Our code neither branches on secrets nor uses them as indices: tests/e2e/constant-time.c
# under valgrind's memcheck.
# runs: host; not: sanitizers

command -v valgrind >/dev/null || { echo "1..0 # SKIP no valgrind; Debian package valgrind"; exit 0; }
suppressions=$(mktemp) || exit 1
trap 'rm -f "$suppressions"' EXIT
trap 'exit 1' HUP INT TERM

# BearSSL has tests of its own. Its big integers begin with their length, which it
# computes from a secret number's bytes, and loops and addresses depend on it. Decoding base64 asks which characters are
# white space or padding; what it makes of the others it computes without tables.
# Looking for the end of a key's text asks which characters end a line.
cat >"$suppressions" <<'EOF'
{
   conditions in BearSSL
   Memcheck:Cond
   ...
   fun:br_*
}
{
   addresses in BearSSL
   Memcheck:Value8
   ...
   fun:br_*
}
{
   white space and padding in base64
   Memcheck:Cond
   ...
   fun:x509_base64_decode
}
{
   ends of lines
   Memcheck:Cond
   ...
   fun:x509_pem_next
}
EOF
valgrind -q --suppressions="$suppressions" "$KTLS_BUILD/tests/e2e/constant-time"
