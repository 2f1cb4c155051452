#!/usr/bin/python3
# Where capabilities, /proc, folders or system calls are missing.
# runs: host; not: sanitizers (they need /proc)

import lib
import confined
import separation
import tap

separation.need_root()
tap.main(*confined.ALL)
