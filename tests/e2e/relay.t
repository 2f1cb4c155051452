#!/usr/bin/python3
# A TLS connection behaves like a pair of pipes, records in user space.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import relay
import tap

tap.main(*relay.bound(relay.USER_SPACE, "user"))
