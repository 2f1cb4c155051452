#!/usr/bin/python3
# needs: ktls
# SSL_PATH where the kernel protects the records.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import identity
import tap
from peers import BOTH, context

KERNEL = {"SSL_PATH": "kernel"}


def path():
    for version in BOTH:
        for mode in ("kernel", "auto"):
            identity.server(["-m", mode], context(version=version), KERNEL, f"ktls-tlsd -m {mode}, TLS {version}")
        peer = context(server=True, version=version, cert="ec256")
        identity.client(
            ["-m", "kernel", "--no-verify-cert"], peer, KERNEL, f"ktls-tlsc -m kernel, TLS {version}"
        )


tap.main(path)
