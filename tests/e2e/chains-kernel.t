#!/usr/bin/python3
# needs: ktls; not: sanitizers
# Our programs among execline's, s6's and ucspi-tcp's, and the keys in the kernel.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import chains
import tap

tap.main(*chains.all_with("kernel"))
