#!/bin/sh
# needs: ktls
# Peers that close the connection at every place of the handshake, with -m kernel.
KTLS_TEST_MODE=kernel exec "${0%-kernel.t}.t" "$@"
