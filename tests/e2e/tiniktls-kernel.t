#!/bin/sh
# needs: ktls
exec "$(dirname "$0")/tiniktls.t"
