#!/usr/bin/python3
# takes: long
# OpenSSL, GnuTLS and curl through ktls-relay with the record protection in user space.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import interop
import tap

tap.main(*interop.all_with(["-m", "user"]))
