#!/usr/bin/python3
# Peers that do not speak TLS, or not ours, or slowly, or not at all.
# runs: host
# runs: newest kernel, -m kernel; not: sanitizers

import os
import time

import lib
import peers
import proc
import records
import refusal
import tap
from peers import BOTH, Tls, context, tcp_pair, tlsc, tlsd
from records import CCS, DATA, HANDSHAKE, client_hello, extensions, message, record, server_hello

UNEXPECTED, OVERFLOW, FAILURE, ILLEGAL, DECODE, VERSION, MISSING = 10, 22, 40, 47, 50, 70, 109
REFUSE_LENGTH = (UNEXPECTED, OVERFLOW, ILLEGAL, DECODE)
HELLO = client_hello()


def hello(*arguments, **more):
    return record(HANDSHAKE, client_hello(*arguments, **more), 0x0301)


def no_tls():
    for spawn, who in ((tlsd, "ktls-tlsd"), (tlsc, "ktls-tlsc")):
        refusal.raw(
            spawn, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", f"{who}, HTTP without TLS", (UNEXPECTED,)
        )
        refusal.raw(spawn, b"\0\1\2\3" * 1000, f"{who}, garbage", (UNEXPECTED,))
        refusal.raw(
            spawn,
            b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(32),
            f"{who}, SSL 2.0",
            (UNEXPECTED, VERSION),
        )
        refusal.raw(spawn, record(HANDSHAKE, b""), f"{who}, empty handshake record", (UNEXPECTED, DECODE))
        refusal.raw(spawn, record(DATA, b"hello"), f"{who}, application data first", (UNEXPECTED,))
        refusal.raw(
            spawn, record(CCS, b"\2"), f"{who}, change_cipher_spec of another value first", (UNEXPECTED,)
        )
        refusal.raw(spawn, record(99, b"hello"), f"{who}, unknown content type", (UNEXPECTED,))
        refusal.raw(spawn, record(HANDSHAKE, message(20, bytes(12))), f"{who}, Finished first", (UNEXPECTED,))
    # a client must drop it (RFC 8446, 5): it has sent its hello
    refusal.raw(tlsd, record(CCS, b"\1"), "ktls-tlsd, change_cipher_spec first", (UNEXPECTED,))


def sizes():
    for spawn, who, kind in ((tlsd, "ktls-tlsd", 1), (tlsc, "ktls-tlsc", 2)):
        refusal.raw(
            spawn,
            record(HANDSHAKE, bytes([kind]) + bytes(16384)),
            f"{who}, record of 16385 bytes",
            (OVERFLOW,),
        )
        refusal.raw(
            spawn, b"\x16\x03\x03\xff\xff" + bytes(1000), f"{who}, record of 65535 bytes", (OVERFLOW,)
        )
        refusal.raw(
            spawn,
            record(HANDSHAKE, bytes([kind]) + b"\xff\xff\xff" + bytes(1000)),
            f"{who}, message of 16 MiB",
            REFUSE_LENGTH,
        )
        refusal.raw(
            spawn, record(HANDSHAKE, bytes([kind]) + b"\x00\x00\x00"), f"{who}, empty hello", (DECODE,)
        )
    for cut in (1, 10, 38, 60, len(HELLO) - 5):
        refusal.raw(
            tlsd,
            record(HANDSHAKE, message(1, HELLO[4 : 4 + cut])),
            f"ktls-tlsd, hello ends after {cut} bytes",
            (DECODE,),
        )
    refusal.raw(
        tlsd,
        record(HANDSHAKE, message(1, HELLO[4:] + b"\0")),
        "ktls-tlsd, hello with a byte behind it",
        (DECODE,),
    )
    reply = server_hello(exts=records.extension(43, b"\3\4"))
    for cut in (1, 10, 36, len(reply) - 6):
        refusal.raw(
            tlsc,
            record(HANDSHAKE, message(2, reply[4 : 4 + cut])),
            f"ktls-tlsc, hello ends after {cut} bytes",
            (DECODE,),
        )


def hellos():
    refusal.raw(
        tlsd,
        hello(legacy=0x0302, exts=extensions(versions=None)),
        "ktls-tlsd, TLS 1.1",
        (VERSION,),
        words="version",
    )
    refusal.raw(tlsd, hello(legacy=0x0301, exts=b""), "ktls-tlsd, TLS 1.0", (VERSION,), words="version")
    refusal.raw(tlsd, hello(legacy=0x0300, exts=b""), "ktls-tlsd, SSL 3.0", (VERSION,), words="version")
    refusal.raw(
        tlsd,
        hello(exts=extensions(versions=(0x0302, 0x0301))),
        "ktls-tlsd, supported_versions 1.1, 1.0",
        (VERSION,),
    )
    refusal.raw(
        tlsd, hello(suites=(0x002F,)), "ktls-tlsd, no common suite", (FAILURE,), words="handshake_failure"
    )
    refusal.raw(tlsd, hello(compression=b"\1"), "ktls-tlsd, compression only", (ILLEGAL,))
    refusal.raw(
        tlsd,
        hello(exts=extensions(more=2 * records.server_name("localhost"))),
        "ktls-tlsd, an extension twice",
        (ILLEGAL,),
    )
    refusal.raw(tlsd, hello(exts=extensions(schemes=None)), "ktls-tlsd, no signature_algorithms", (MISSING,))
    refusal.raw(
        tlsd, hello(exts=extensions(groups=None)), "ktls-tlsd, key_share without supported_groups", (MISSING,)
    )
    refusal.raw(
        tlsd, hello(exts=extensions(share=(29, bytes(32)))), "ktls-tlsd, X25519 share of zeros", (ILLEGAL,)
    )
    refusal.raw(
        tlsd,
        hello(exts=extensions(share=(23, b"\4" + bytes(64)))),
        "ktls-tlsd, share not on the curve",
        (ILLEGAL,),
    )
    refusal.raw(
        tlsd,
        hello(suites=(0x1301, 0xC02B, 0x5600), exts=extensions(versions=(0x0303,))),
        "ktls-tlsd, TLS_FALLBACK_SCSV",
        (86,),
        words="inappropriate_fallback",
    )


def answers():
    """What a client makes of a server's first message."""
    chosen_1_3 = records.extension(43, b"\3\4")
    for legacy, name in ((0x0302, "TLS 1.1"), (0x0301, "TLS 1.0"), (0x0300, "SSL 3.0")):
        refusal.raw(
            tlsc,
            record(HANDSHAKE, server_hello(legacy=legacy, suite=0xC02B)),
            f"ktls-tlsc, server says {name}",
            (VERSION,),
            words="version",
        )
    refusal.raw(
        tlsc,
        record(HANDSHAKE, server_hello(suite=0x002F)),
        "ktls-tlsc, suite that was not offered",
        (ILLEGAL,),
    )
    downgrade = os.urandom(24) + b"DOWNGRD\1"
    refusal.raw(
        tlsc,
        record(HANDSHAKE, server_hello(suite=0xC02B, random=downgrade)),
        "ktls-tlsc, downgrade sentinel",
        (ILLEGAL,),
        words="downgrade|illegal_parameter",
    )
    refusal.raw(
        tlsc,
        record(HANDSHAKE, server_hello(exts=chosen_1_3, session=b"other")),
        "ktls-tlsc, other session id",
        (ILLEGAL,),
    )
    refusal.raw(tlsc, record(HANDSHAKE, HELLO), "ktls-tlsc, a ClientHello back", (UNEXPECTED,))
    refusal.raw(
        tlsc,
        record(records.ALERT, b"\2\x28"),
        "ktls-tlsc, alert handshake_failure",
        (None,),
        words="received.*handshake_failure",
    )
    refusal.raw(
        tlsd,
        record(records.ALERT, b"\2\x28"),
        "ktls-tlsd, alert handshake_failure",
        (None,),
        words="received.*handshake_failure",
    )
    refusal.raw(tlsd, record(records.ALERT, b"\2"), "ktls-tlsd, alert of one byte", (DECODE,))


def silence():
    for spawn, who in ((tlsd, "ktls-tlsd"), (tlsc, "ktls-tlsc")):
        for data, what in (
            (b"", "nothing"),
            (b"\x16\x03\x01", "three bytes"),
            (record(HANDSHAKE, HELLO[:50]), "half a hello"),
        ):
            if spawn is tlsc and data:
                continue
            began = time.monotonic()
            refusal.raw(
                spawn,
                data,
                f"{who} -K 300, {what} and then silence",
                (None, 90, 80, 40),
                ["-K", "300"],
                words="time",
            )
            took = time.monotonic() - began
            tap.ok(took >= 0.25, f"{who} -K 300, {what}: it took {took:.2f} s")


def drip_too_slowly():
    """The deadline is for the whole handshake, not for each read."""
    mark, program = peers.marker()
    a, b = tcp_pair()
    with tlsd(b, ["-m", proc.MODE, "-K", "400"], program) as ours, a:
        tap.ok(peers.drip(a, ours, records.endless_hello()), "ktls-tlsd -K 400 ends before its peer does")
        refusal.check(ours, mark, "ktls-tlsd -K 400, a byte every 20 ms", words="time")


class Dripping(Tls):
    """Sends every byte in a segment of its own."""

    def _send(self, data, fin=False):
        for at in range(len(data)):
            super()._send(data[at : at + 1])


def drip():
    for version in BOTH:
        a, b = tcp_pair()
        with tlsd(b, ["-m", proc.MODE, "-K", "600000"]) as ours, a:
            tls = Dripping(a, context(version=version, cert="client-ec"))
            tls.handshake()
            tls.write(b"one byte at a time\n")
            tap.equal(
                tls.read_exactly(19),
                b"one byte at a time\n",
                f"ktls-tlsd, one byte at a time, TLS {version}",
                ours.stderr,
            )
        a, b = tcp_pair()
        with tlsc(
            a, ["-m", proc.MODE, "-K", "600000", "-k", "localhost"], ("sh", "-c", "exec cat <&6 >&7")
        ) as ours, b:
            tls = Dripping(b, context(server=True, version=version, cert="ec-chain", tickets=0), server=True)
            tls.handshake()
            tls.write(b"one byte at a time\n")
            tap.equal(
                tls.read_exactly(19),
                b"one byte at a time\n",
                f"ktls-tlsc, one byte at a time, TLS {version}",
                ours.stderr,
            )


class Refragmented(Tls):
    """Packs the handshake messages that are not yet protected into records of
    another size: many small ones, or one for all."""

    size, protected = 1, False

    def _send(self, data, fin=False):
        made = pending = b""
        for kind, body in records.parse(data)[0]:
            if kind == HANDSHAKE and not self.protected:
                pending += body
                continue
            made += self._pack(pending) + record(kind, body)
            pending = b""
            self.protected |= kind == CCS
        super()._send(made + self._pack(pending), fin)

    def _pack(self, data):
        return b"".join(record(HANDSHAKE, data[at : at + self.size]) for at in range(0, len(data), self.size))


def refragmented():
    for size in (1, 3, 4, 5, 100, 16384):
        for version in BOTH:
            for role in ("server", "client"):
                a, b = tcp_pair()
                name = f"{role}, TLS {version}, messages in records of {size}"
                if role == "server":
                    ours = tlsd(b, ["-m", proc.MODE, "-y"])
                    tls = Refragmented(a, context(version=version, cert="client-rsa"))
                else:
                    ours = tlsc(b, ["-m", proc.MODE, "-k", "localhost"], ("sh", "-c", "exec cat <&6 >&7"))
                    peer = context(server=True, version=version, cert="ec-chain")
                    tls = Refragmented(a, peer, server=True)
                tls.size = size
                with ours, a:
                    tls.handshake()
                    tls.write(b"pieces\n")
                    tap.equal(tls.read_exactly(7), b"pieces\n", name, ours.stderr)


def closed_standard_error():
    """Nowhere to complain to is no reason to go on."""
    mark, program = peers.marker()
    a, b = tcp_pair()
    with peers.tlsd(b, ["-m", proc.MODE], program, wrapper=("sh", "-c", 'exec "$@" 2>&-', "sh")) as ours, a:
        a.sendall(b"GET / HTTP/1.0\r\n\r\n")
        refusal.receive_all(a)
        a.close()
        tap.equal((ours.wait(), peers.started(mark)), (98, False), "ktls-tlsd without stderr: exit 98")


tap.main(no_tls, sizes, hellos, answers, silence, drip_too_slowly, drip, refragmented, closed_standard_error)
