#!/usr/bin/python3
# OpenSSL, GnuTLS and curl as peers: through ktls-relay with the record protection in
# user space; and with the keys in the kernel and no process in between.
# runs: host; takes: long
# runs: every kernel; not: sanitizers; takes: long

import lib
import interop
import tap

before = {}


def tls_stat():
    with open("/proc/net/tls_stat") as f:
        return {name: int(value) for name, value in map(str.split, f)}


def count():
    before.update(tls_stat())


def counted():
    """The kernel's own count says that it had the keys of every connection."""
    now = tls_stat()
    for name in ("TlsTxSw", "TlsRxSw"):
        tap.ok(
            now[name] - before[name] > 100, f"/proc/net/tls_stat: {name} grew by {now[name] - before[name]}"
        )
    tap.equal(now["TlsDecryptError"], before["TlsDecryptError"], "/proc/net/tls_stat: no TlsDecryptError")


tap.main(
    host=interop.all_with(["-m", "user"]),
    kernel=[count, *interop.all_with(["-m", "kernel"]), counted],
)
