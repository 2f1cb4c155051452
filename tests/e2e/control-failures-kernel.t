#!/bin/sh
# needs: ktls
exec "$(dirname "$0")/control-failures.t"
