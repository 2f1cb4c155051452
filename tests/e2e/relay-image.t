#!/usr/bin/python3
# not: sanitizers; takes: long
# What the engine of an idle connection costs, and what is not in it.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import relay
import tap

tap.main(*relay.bound(relay.IMAGE, "user"))
