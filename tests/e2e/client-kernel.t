#!/usr/bin/python3
# needs: ktls; takes: long
# ktls-connect, ktls-accept and a client in Python, below ktls-init; the kernel
# protects.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import client
import tap

tap.main(*client.bound("kernel"))
