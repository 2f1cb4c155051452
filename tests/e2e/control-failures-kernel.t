#!/bin/sh
# needs: ktls; not: sanitizers; takes: long
exec "$(dirname "$0")/control-failures.t"
