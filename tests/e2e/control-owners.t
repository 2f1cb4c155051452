#!/usr/bin/python3
# ktls-init's socket service: whose files, ports and channels.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import tap
import owners

tap.main(*owners.ALL)
