#!/usr/bin/python3
# ktls-init's socket service: who waits for whom.
# runs: host
# runs: newest kernel

import lib
import fairness
import tap

tap.main(*fairness.ALL)
