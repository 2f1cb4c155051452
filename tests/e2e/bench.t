#!/usr/bin/python3
# ISC license.
# runs: host; not: sanitizers
"""The measurements work: each section of tests/bench/handshake has figures of ours. What they are is not looked at."""

import os
import re
import subprocess

import lib  # noqa: F401
import proc
import tap


def sections():
    picture = proc.temp("handshake.svg")
    command = [os.path.join(proc.ROOT, "tests", "bench", "handshake"), "--quick", "--svg", picture, "-b", proc.BIN]
    done = subprocess.run(command, capture_output=True, text=True)
    tap.ok(done.returncode == 0, "tests/bench/handshake --quick succeeds", done.stderr[-3000:])
    for begin in ("Server, TLS 1.2", "Server, TLS 1.3", "Client", "Memory", "ktls-tlsd: system calls"):
        found = re.search(rf"^{begin}.*?^$", done.stdout, re.M | re.S)
        figures = re.search(r"^ +(?:ktls-tls[dc] -m kernel.*|all) +[1-9]", found.group(0), re.M) if found else None
        tap.ok(figures, f"figures of ours: {begin}", done.stdout[-3000:])
    with open(picture) as f:
        tap.ok(f.read().endswith("</svg>\n"), "and a picture")


tap.main(host=[sections])
