#!/bin/sh
# needs: ktls (oldest kernel); not: sanitizers
exec "$(dirname "$0")/tiniktls.t"
