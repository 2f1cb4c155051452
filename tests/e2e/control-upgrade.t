#!/usr/bin/python3
# ktls-init's socket service: connections of its clients, and certificates by the hello.
# runs: host
# runs: newest kernel; not: sanitizers

import lib
import tap
import upgrade

tap.main(*upgrade.ALL)
