#!/bin/sh
# needs: ktls
exec "$(dirname "$0")/control-thousand.t"
