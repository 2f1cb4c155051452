#!/usr/bin/python3
# ktls-init's socket service: processes and peers that fail.
# runs: host; takes: long
# runs: newest kernel; not: sanitizers; takes: long

import lib
import failures
import tap

tap.main(*failures.ALL)
