#!/usr/bin/python3
# needs: ktls; takes: long
# not: sanitizers
# -m kernel under valgrind, up to prog: no error, no leak, no descriptor too many.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import proc
import tap
from memcheck import check, converse, wrap
from peers import BOTH, Tls, context, tcp_pair, tlsc, tlsd

OPTIONS = ["-m", "kernel", "-K", "0"]
PROG = ("sh", "-c", "read line; echo $line")


def server():
    for version in BOTH:
        logs, wrapper = wrap()
        a, b = tcp_pair()
        a.settimeout(proc.LIMIT)
        with tlsd(b, OPTIONS, PROG, wrapper=wrapper) as ours, a:
            converse(Tls(a, context(version=version)), ours)
            check(ours, logs, f"ktls-tlsd -m kernel, TLS {version}", (0,))


def client():
    for version in BOTH:
        logs, wrapper = wrap()
        a, b = tcp_pair()
        b.settimeout(proc.LIMIT)
        prog = ("sh", "-c", "exec <&6 >&7; read line; echo $line")
        with tlsc(a, [*OPTIONS, "-k", "localhost"], prog, wrapper=wrapper) as ours, b:
            converse(Tls(b, context(server=True, version=version, cert="ec256"), server=True), ours)
            check(ours, logs, f"ktls-tlsc -m kernel, TLS {version}", (0,))


tap.main(server, client)
