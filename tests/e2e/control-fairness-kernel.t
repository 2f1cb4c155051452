#!/bin/sh
# needs: ktls
exec "$(dirname "$0")/control-fairness.t"
