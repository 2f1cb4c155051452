#!/usr/bin/python3
# Peers that close the connection at every place of the handshake.
# runs: host
# runs: every kernel, -m kernel; not: sanitizers

import lib
import peers
import proc
import refusal
import tap
from peers import BOTH, Tls, Vanished, context, tcp_pair, tlsc, tlsd
from records import parse


def context_of(role, version):
    if role == "server":
        return context(version=version, cert="client-ec")
    return context(server=True, version=version, cert="ec-chain", tickets=0 if version == "1.3" else None)


def begin(role, program, options=()):
    a, b = tcp_pair()
    if role == "server":
        return tlsd(b, ["-m", proc.MODE, "-Y", *options], program), a
    return tlsc(b, ["-m", proc.MODE, "-k", "localhost", *options], program), a


def whole(role, version):
    """Where the peer's records begin and end in a handshake that succeeds."""
    ours, sock = begin(role, ("true",))
    with ours, sock:
        tls = Tls(sock, context_of(role, version), server=role == "client")
        tls.handshake()
        tap.equal(ours.wait(), 0, f"{role}, TLS {version}, a peer that stays", ours.stderr)
    places, at = [], 0
    for _, body in parse(tls.sent)[0]:
        places.append(at)
        at += 5 + len(body)
    return places, at


def cuts(places, total):
    """At, just behind, and inside every record; never all of the handshake."""
    # a signature's length varies by a few bytes, and with it the end
    found = {0, 1, total - 8}
    for place in places:
        found |= {place, place + 3, place + 5, place + 6}
    return sorted(cut for cut in found if cut <= total - 8)


def vanish(role, version, cut, how):
    mark, program = peers.marker()
    ours, sock = begin(role, program, ["-v2"])
    with ours, sock:
        tls = Tls(sock, context_of(role, version), server=role == "client", cut=cut)
        try:
            tls.handshake()
            return tap.ok(False, f"{role}, TLS {version}: nothing to cut at {cut}")
        except Vanished:
            pass
        if how == "FIN":
            sock.shutdown(1)
            tls.drain()
        else:
            tls.reset()
        name = f"{role}, TLS {version}, peer is gone after {cut} bytes by {how}"
        code = ours.wait()
        # a reset is the system's error, an end of stream that of TLS
        refusal.check(ours, mark, name, code if how == "RST" and code == 111 else 98)


def at_every_place():
    for role in ("server", "client"):
        for version in BOTH:
            places, total = whole(role, version)
            for cut in cuts(places, total):
                vanish(role, version, cut, "FIN")
            for cut in places:
                vanish(role, version, cut, "RST")


tap.main(at_every_place)
