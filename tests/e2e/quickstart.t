#!/bin/sh
# tools/quickstart and tools/install-deps: what they show, and what they show when
# something fails.
# runs: host; not: sanitizers

cd "$(dirname "$0")/../.." || exit 1
if [ "${KTLS_BUILD:-$PWD/build}" != "$PWD/build" ]; then
    echo "1..0 # SKIP quickstart builds in build/, which this is not"
    exit
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0
report() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; sed 's/^/# /' "$work/log"; fi
}
says() { grep -q -e "$1" "$work/log"; }

# stand_in NAME LINE...: a script that is found instead of the program
stand_in() {
    name=$1
    shift
    { echo '#!/bin/sh'; printf '%s\n' "$@"; } >"$work/bin/$name"
    chmod +x "$work/bin/$name"
}
with_stand_ins() { PATH=$work/bin:$PATH "$@" >"$work/log" 2>&1; }

mkdir "$work/bin"
stand_in modprobe 'exit 1' # the machine keeps the modules that it has

with_stand_ins tools/quickstart
report $? 'tools/quickstart'
[ "$(grep -m 1 . "$work/log")" = '== Build' ]
report $? 'begins with its own heading'
[ "$(wc -l <"$work/log")" -lt 70 ] && ! says '^  *\(CC\|LINK\|AR\) ' && ! says '^configure:'
report $? 'few lines, and none of the compiler'
says '^ *program  *bytes$' && says '^ *ktls-tlsd  *[0-9][0-9]*$'
report $? 'names before sizes, with headings'
[ "$(grep -c 'TLSv1.[23] .*path ' "$work/log")" = 4 ]
report $? 'what four ends have negotiated'

tools/quickstart --help >"$work/log" 2>&1 && says '^usage: tools/quickstart '
report $? '--help'
for tool in quickstart check; do
    "tools/$tool" --nonsense >"$work/log" 2>&1
    [ $? = 100 ] && says "^$tool: unknown option --nonsense$" && says '^usage: '
    report $? "tools/$tool: an unknown option is named before the usage"
done

stand_in make 'echo "the compiler says why"' 'exit 2'
! with_stand_ins tools/quickstart && says '^the compiler says why$' && says '^quickstart: this failed: compiling$'
report $? 'a build that fails: what was said, and at what step'

stand_in dpkg-query 'exit 1'
stand_in sudo 'exec "$@"'
stand_in apt-get 'echo "apt $1"'
with_stand_ins tools/install-deps one two && [ "$(cat "$work/log")" = 'install-deps: installing one two' ]
report $? 'install-deps: one line'
stand_in apt-get 'echo "apt $*"' 'echo "E: no package two" >&2' '[ $1 = update ]'
! with_stand_ins tools/install-deps one two && says '^E: no package two' && says '^install-deps: apt-get failed'
report $? 'install-deps: what apt says when it fails'
echo "1..$count"
