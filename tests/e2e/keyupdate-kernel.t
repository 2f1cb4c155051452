#!/usr/bin/python3
# needs: ktls (every kernel); takes: long
# KeyUpdates under load, records in the kernel where it can replace keys (Linux
# 6.14 and later), else in user space.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import keyupdate
import proc
import tap


def relay():
    keyupdate.flood("relay", "relay" if proc.kernel_can_rekey() else "user")


tap.main(relay)
