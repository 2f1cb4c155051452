#!/usr/bin/python3
# One thousand connections at the same time, protected by user space and by the
# kernel; in User Mode Linux, where each process costs ten times as much, some less.
# runs: host; not: sanitizers (memory for a thousand of them); takes: long
# runs: newest kernel; not: sanitizers; takes: long

import os

import lib
import crowd
import tap
from separation import ENV

MODE = "kernel" if tap.KERNEL else "user"
COUNT = 250 if tap.KERNEL and tap.KERNEL != "host" else 1000
LIMIT = 1200
OPTIONS = ["-m", MODE, "-K", str(1000 * LIMIT)]


def here():
    crowd.serve(COUNT, OPTIONS, {}, f"ktls-tlsd -m {MODE}", LIMIT)


def apart():
    if os.geteuid() != 0:
        return tap.skip("with TLS_UID", "needs root")
    crowd.serve(COUNT, OPTIONS, ENV, f"ktls-tlsd -m {MODE} with TLS_UID", LIMIT)


tap.main(here, apart)
