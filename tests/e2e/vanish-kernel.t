#!/bin/sh
# needs: ktls (every kernel); not: sanitizers
# Peers that close the connection at every place of the handshake, with -m kernel.
KTLS_TEST_MODE=kernel exec "${0%-kernel.t}.t" "$@"
