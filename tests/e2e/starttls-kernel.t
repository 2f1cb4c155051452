#!/usr/bin/python3
# needs: ktls
# STARTTLS from end to end with the keys in the kernel: behind pipes, and with
# the connection itself.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import starttls
import tap

tap.main(*starttls.all_with("default", []), *starttls.all_with("-m kernel", ["-m", "kernel"]))
