#!/usr/bin/python3
# ktls-init's socket service: 2,000 handshakes at once.
# runs: host; takes: long
# runs: newest kernel; not: sanitizers; takes: long

import lib
import many
import tap

tap.main(many.thousand)
