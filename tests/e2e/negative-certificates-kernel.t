#!/bin/sh
# needs: ktls; not: sanitizers
# Certificates and names that must not be accepted, with -m kernel.
KTLS_TEST_MODE=kernel exec "${0%-kernel.t}.t" "$@"
