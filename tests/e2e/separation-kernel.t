#!/usr/bin/python3
# needs: ktls (every kernel)
# TLS_UID and TLS_GID where the kernel protects the records: nothing but prog is left.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import separation
import tap
import tickets
from peers import Tls, context, marker, started, tcp_pair, tlsc

separation.need_root()


def tickets_are_taken():
    for speaker in ("client", "server"):
        tickets.run(speaker, 20, 1, f"with TLS_UID, the {speaker} speaks first", env=separation.ENV)


def after_handshake(env, sent):
    """What becomes of a client whose server sends this instead of a ticket."""
    a, b = tcp_pair()
    path, prog = marker()
    with tlsc(b, ["-m", "kernel", "-t", "1.3", "-k", "localhost"], prog, env=env) as ours, a:
        tls = Tls(a, context(server=True, cert="ec256", tickets=0), server=True)
        tls.handshake()
        a.sendall(sent)
        return ours.wait(), ours.stderr(), started(path)


def no_tickets():
    forged = bytes([23, 3, 3, 0, 32]) + bytes(32)
    here, apart = (after_handshake(env, forged) for env in ({}, separation.ENV))
    tap.equal(apart, here, "a forged record behind the handshake: the same end with TLS_UID")
    tap.ok(here[0] == 98 and not here[2], f"which is exit 98, {here[1].strip()}", here)


tap.main(*separation.all_with(["-m", "kernel"]), tickets_are_taken, no_tickets)
