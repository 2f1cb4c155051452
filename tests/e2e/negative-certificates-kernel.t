#!/bin/sh
# needs: ktls
# Certificates and names that must not be accepted, with -m kernel.
KTLS_TEST_MODE=kernel exec "${0%-kernel.t}.t" "$@"
