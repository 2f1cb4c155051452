#!/bin/sh
# needs: ktls; not: sanitizers
# tlsserver.t where prog has the kTLS socket itself.
KTLS_TEST_MODE=kernel exec "${0%-kernel.t}.t"
