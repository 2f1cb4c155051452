#!/bin/sh
# needs: ktls; not: sanitizers; takes: long
# The table of options where the kernel has TLS: in the mode that is the default.
KTLS_TEST_MODE=auto exec "${0%-kernel.t}.t" options written
