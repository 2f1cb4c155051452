#!/usr/bin/python3
# ktls-init's socket service: connections of its clients, and certificates by the hello.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import tap
import upgrade

tap.main(*upgrade.ALL)
