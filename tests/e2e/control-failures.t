#!/usr/bin/python3
# takes: long
# ktls-init's socket service: processes and peers that fail.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import tap
import failures

tap.main(*failures.ALL)
