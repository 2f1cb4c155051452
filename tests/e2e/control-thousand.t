#!/usr/bin/python3
# takes: long
# ktls-init's socket service: 2,000 handshakes at once.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import many
import tap

tap.main(many.thousand)
