"""What prog is told about the connection and its peer, and what it is not."""

import os

import prog
import proc
import tap


SSL_VARIABLES = [
    "SSL_PROTOCOL",
    "SSL_CIPHER",
    "SSL_PATH",
    "SSL_ALPN",
    "SSL_TLS_SNI_SERVERNAME",
    "SSL_PEER_CERT_HASH",
    "SSL_PEER_CERT_SUBJECT",
    "SSL_PEER_CERT_SAN",
]
# as if whoever started us had run under another connection: each variable three times
STALE = [f"{name}=stale" for name in SSL_VARIABLES for _ in range(2)]
WITH_STALE = (os.path.join(proc.LIB, "with-entries"), *STALE, "--")
STALE_ENV = {name: "stale" for name in SSL_VARIABLES}


def peer_of(cert, subject=None, san=None):
    found = {"SSL_PEER_CERT_HASH": prog.certificate_hash(cert)}
    if subject:
        found["SSL_PEER_CERT_SUBJECT"] = subject
    if san:
        found["SSL_PEER_CERT_SAN"] = san
    return found


def check(report, wanted, what):
    """Exactly these of our variables, each once; SSL_CIPHER has some value."""
    seen = [entry.split("=", 1) for entry in report["entries"]]
    seen = [(name, value) for name, value in seen if name in SSL_VARIABLES]
    names = sorted(name for name, _ in seen)
    tap.equal(
        names, sorted({*wanted, "SSL_CIPHER", "SSL_PROTOCOL"}), f"{what}: these variables, each once", seen
    )
    values = dict(seen)
    for name, value in wanted.items():
        tap.equal(values.get(name), value, f"{what}: {name}")
    tap.ok("stale" not in values.values(), f"{what}: nothing of the inherited", seen)


def server(options, peer, wanted, what):
    """peer: the client's context."""
    with prog.server(options, peer, env=STALE_ENV, wrapper=WITH_STALE) as (_, tls, report):
        check(report(), {"SSL_TLS_SNI_SERVERNAME": "localhost", **wanted}, what)
        prog.echo(tls)


def client(options, peer, wanted, what):
    with prog.client(options, peer, env=STALE_ENV, wrapper=WITH_STALE) as (_, tls, report):
        check(report(), wanted, what)
        prog.echo(tls)
