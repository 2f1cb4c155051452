#!/usr/bin/python3
# Ends of connections through ktls-relay in user space.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import close
import tap

tap.main(*close.all_with(["-m", "user"], raw=False))
