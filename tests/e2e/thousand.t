#!/usr/bin/python3
# One thousand connections at the same time.
# not: sanitizers (memory for a thousand of them); takes: long

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import crowd
import tap
from separation import ENV

COUNT, LIMIT = 1000, 1200
OPTIONS = ["-m", "user", "-K", str(1000 * LIMIT)]


def here():
    crowd.serve(COUNT, OPTIONS, {}, "ktls-tlsd", LIMIT)


def apart():
    if os.geteuid() != 0:
        return tap.skip("with TLS_UID", "needs root")
    crowd.serve(COUNT, OPTIONS, ENV, "ktls-tlsd with TLS_UID", LIMIT)


tap.main(here, apart)
