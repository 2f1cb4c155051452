#!/usr/bin/python3
# needs: ktls; not: sanitizers (memory for so many of them); takes: long
# One thousand connections at the same time, protected by the kernel; in User
# Mode Linux, where each process costs ten times as much, some less.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import crowd
import tap
from separation import ENV

COUNT = 1000 if os.environ.get("KTLS_KERNEL") == "host" else 250
LIMIT = 1200
OPTIONS = ["-m", "kernel", "-K", str(1000 * LIMIT)]


def here():
    crowd.serve(COUNT, OPTIONS, {}, "ktls-tlsd -m kernel", LIMIT)


def apart():
    if os.geteuid() != 0:
        return tap.skip("with TLS_UID", "needs root")
    crowd.serve(COUNT, OPTIONS, ENV, "ktls-tlsd -m kernel with TLS_UID", LIMIT)


tap.main(here, apart)
