#!/usr/bin/python3
# needs: ktls (every kernel)
# A TLS connection behaves like a pair of pipes; data passes by splice where the
# kernel can do all of it.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import relay
import tap

tap.main(*relay.bound(relay.KERNEL, "relay"))
