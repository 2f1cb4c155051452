#!/usr/bin/python3
# needs: ktls
# TLS_UID and TLS_GID where the kernel protects the records: nothing but prog is left.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import separation
import tap

separation.need_root()
tap.main(*separation.all_with(["-m", "kernel"]))
