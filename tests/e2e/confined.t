#!/usr/bin/python3
# Where capabilities, /proc, folders or system calls are missing.
# not: sanitizers (they need /proc)

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import confined
import separation
import tap

separation.need_root()
tap.main(*confined.ALL)
