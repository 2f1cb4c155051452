#!/usr/bin/python3
# needs: ktls
# Ends of connections when prog holds the kTLS socket itself.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import close
import tap

tap.main(*close.all_with(["-m", "kernel"], raw=True))
