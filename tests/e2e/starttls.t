#!/usr/bin/python3
# STARTTLS from end to end where the kernel has no TLS.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import starttls
import tap

tap.main(*starttls.all_with("-m user", ["-m", "user"]))
