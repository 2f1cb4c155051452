#!/usr/bin/python3
# needs: ktls
# The process that relays records which the kernel makes, on each path that leads
# to it: its rights and limits with TLS_UID and without, as root and as somebody else.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import engine
import proc
import separation
import tap
from programs import TLSC, TLSD, UCSPITLSD
from separation import ENV

separation.need_root()

BOTH = ("1.2", "1.3") if proc.kernel_can_rekey() else ("1.2",)
ROWS = [
    *((TLSD, ["-m", "relay"], {"version": version}) for version in BOTH),
    (TLSD, ["-S"], {"version": BOTH[-1]}),
    (TLSD, ["-J"], {"version": "1.3"}),
    (TLSC, [], {"version": "1.3"}),
    (UCSPITLSD, [], {"version": BOTH[-1]}),
]


def alone():
    """ktls-relay as a program of its own."""
    for words in (["--bounding-set", "-sys_chroot"], ["--bounding-set", "-setuid"], ["--bounding-set", "-setgid"]):
        name = f"setpriv {' '.join(words)} ktls-relay"
        engine.refused(("setpriv", *words), ENV, name, "ktls-relay: fatal: jail for the engine: ")
    engine.refused(engine.WITHOUT_SECCOMP, ENV, "no filters", "jail for the engine: system call filter: ")


tap.main(
    *tap.bound([engine.paths], ROWS),
    *tap.bound([engine.truncation, engine.without_filters], "relay"),
    alone,
)
