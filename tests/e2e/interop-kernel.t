#!/usr/bin/python3
# needs: ktls (every kernel); not: sanitizers; takes: long
# OpenSSL, GnuTLS and curl with the keys in the kernel and no process in between.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import interop
import tap


def tls_stat():
    with open("/proc/net/tls_stat") as f:
        return {name: int(value) for name, value in map(str.split, f)}


def counted():
    """The kernel's own count says that it had the keys of every connection."""
    now = tls_stat()
    for name in ("TlsTxSw", "TlsRxSw"):
        tap.ok(
            now[name] - before[name] > 100, f"/proc/net/tls_stat: {name} grew by {now[name] - before[name]}"
        )
    tap.equal(now["TlsDecryptError"], before["TlsDecryptError"], "/proc/net/tls_stat: no TlsDecryptError")


before = tls_stat()
tap.main(*interop.all_with(["-m", "kernel"]), counted)
