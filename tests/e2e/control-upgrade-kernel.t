#!/bin/sh
# needs: ktls; not: sanitizers
exec "$(dirname "$0")/control-upgrade.t"
