#!/usr/bin/python3
# needs: ktls (every kernel)
# Ends of connections through the relay, records in the kernel.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import close
import tap

tap.main(*close.all_with(["-m", "relay"], raw=False))
