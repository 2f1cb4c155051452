#!/bin/sh
# needs: ktls; not: sanitizers
# Peers that do not speak TLS, or not ours, or slowly, or not at all, with -m kernel.
KTLS_TEST_MODE=kernel exec "${0%-kernel.t}.t" "$@"
