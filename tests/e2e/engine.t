#!/usr/bin/python3
# The process that relays records in user space, on each path that leads to it:
# its rights and limits with TLS_UID and without, as root and as somebody else.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import engine
import separation
import tap
from programs import TLSC, TLSD, UCSPITLSC, UCSPITLSD

separation.need_root()

ROWS = [
    (TLSD, ["-m", "user"], {"version": "1.3"}),
    (TLSD, ["-m", "user"], {"version": "1.2"}),
    (TLSD, ["-m", "relay"], {}),
    (TLSD, ["-S"], {}),
    (TLSD, ["-J"], {}),
    (TLSC, ["-m", "user"], {}),
    (TLSC, ["-t", "1.3"], {}),
    (UCSPITLSD, ["-m", "user"], {}),
    (UCSPITLSC, ["-m", "user"], {}),
]

tap.main(*tap.bound([engine.paths], ROWS), *tap.bound([engine.truncation, engine.without_filters], "user"))
