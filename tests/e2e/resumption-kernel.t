#!/usr/bin/python3
# needs: ktls (every kernel)
# Session tickets where the kernel protects the records: the first of ours is
# sent before it has the keys.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import tap
from peers import BOTH
from resumption import back_and_back_again


def resumed():
    for version in BOTH:
        for mode in ("kernel", "relay"):
            back_and_back_again(version, ["-m", mode], f"-m {mode}")


tap.main(resumed)
