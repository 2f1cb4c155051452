#!/usr/bin/python3
# needs: ktls; takes: long
# not: sanitizers
# What the engine of an idle connection costs where the kernel has the keys.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import relay
import tap

tap.main(*relay.bound(relay.IMAGE[:1], "relay"))
