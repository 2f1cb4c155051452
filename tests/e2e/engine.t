#!/usr/bin/python3
# The process that relays records, on each path that leads to it: its rights and
# limits with TLS_UID and without, as root and as somebody else.
# runs: host
# runs: newest kernel

import lib
import engine
import proc
import separation
import tap
from programs import TLSC, TLSD, UCSPITLSC, UCSPITLSD
from separation import ENV

separation.need_root()

IN_USER_SPACE = [
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
BOTH = ("1.2", "1.3") if proc.kernel_can_rekey() else ("1.2",)
IN_KERNEL = [
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
    host=[
        *tap.bound([engine.paths], IN_USER_SPACE),
        *tap.bound([engine.truncation, engine.without_filters], "user"),
    ],
    kernel=[
        *tap.bound([engine.paths], IN_KERNEL),
        *tap.bound([engine.truncation, engine.without_filters], "relay"),
        alone,
    ],
)
