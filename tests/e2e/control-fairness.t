#!/usr/bin/python3
# ktls-init's socket service: who waits for whom.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import fairness
import tap

tap.main(*fairness.ALL)
