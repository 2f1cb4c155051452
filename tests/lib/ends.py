"""A million bytes of reply through ktls-tlsd when one side has stopped listening."""

import peers
import records
import tap
from peers import BOTH, Tls, context, tcp_pair

MILLION = 1_000_000
REPLY = ("head", "-c", str(MILLION), "/dev/zero")


def _then_reply(command):
    """prog: a shell command, then the reply."""
    return ("sh", "-c", f'{command}; exec "$@"', "sh", *REPLY)


def deaf_prog(label, mode):
    """prog closes its input while the peer still sends."""
    for version in BOTH:
        a, b = tcp_pair()
        with peers.tlsd(b, mode, _then_reply("exec <&-")) as ours, a:
            tls = Tls(a, context(version=version))
            tls.handshake()
            for _ in range(20):
                tls.write(bytes(16384))
            tap.equal(
                len(tls.read_exactly(MILLION)),
                MILLION,
                f"{label}: {' '.join(mode)}, TLS {version}: prog closed its input, its reply arrives",
                ours.stderr,
            )


def close_notify_and_fin(label, mode):
    """The peer has said its last word. Python opens no record behind its own
    close_notify: what they hold is counted."""
    for version in BOTH:
        a, b = tcp_pair()
        with peers.tlsd(b, mode, _then_reply("cat 2>&-")) as ours, a:
            tls = Tls(a, context(version=version, suites="ECDHE-ECDSA-AES128-GCM-SHA256"))
            tls.handshake()
            tls.close_notify(fin=True)
            before = len(tls.got)
            while tls.fill():
                pass
            found, rest = records.parse(tls.got[before:])
            overhead = 24 if version == "1.2" else 17
            size = sum(len(body) - overhead for kind, body in found if kind == records.DATA)
            tap.ok(
                size >= MILLION and not rest,
                f"{label}: {' '.join(mode)}, TLS {version}: close_notify, FIN, and the whole reply arrives",
                lambda: f"{size} bytes\n{ours.stderr()}",
            )
