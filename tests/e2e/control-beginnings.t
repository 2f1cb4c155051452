#!/usr/bin/python3
# ktls-init's socket service: when it starts, and what becomes of it.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import beginnings
import tap

tap.main(*beginnings.ALL)
