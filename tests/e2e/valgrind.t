#!/usr/bin/python3
# Handshakes of both roles and versions under valgrind, with -m kernel up to prog: no
# error, no leak, no descriptor too many.
# runs: host; not: sanitizers; takes: long
# runs: newest kernel; not: sanitizers; takes: long

import os

import lib
import pki
import proc
import tap
from memcheck import check, converse, wrap
from peers import BOTH, Tls, Vanished, context, tcp_pair, tlsc, tlsd
from sni import pair


def server(version, cert, options=(), client_cert=None, env=None):
    logs, wrapper = wrap()
    a, b = tcp_pair()
    a.settimeout(proc.LIMIT)
    options = ["-m", "user", "-K", "0", "-a", "h2", *options]
    with tlsd(b, options, cert=cert, env=env, wrapper=wrapper) as ours, a:
        tls = Tls(a, context(version=version, cert=client_cert, alpn=["h2"]))
        converse(tls, ours)
        check(ours, logs, f"ktls-tlsd, TLS {version}, {cert}, {' '.join(options)}", (0,))


def client(version, cert, options=(), env=None):
    logs, wrapper = wrap()
    a, b = tcp_pair()
    b.settimeout(proc.LIMIT)
    with tlsc(
        a,
        ["-m", "user", "-K", "0", "-k", "localhost", *options],
        ("sh", "-c", "exec cat <&6 >&7"),
        env=env,
        wrapper=wrapper,
    ) as ours, b:
        more = {"client_cert": "required"} if env else {}
        tls = Tls(b, context(server=True, version=version, cert=cert, **more), server=True)
        converse(tls, ours)
        check(ours, logs, f"ktls-tlsc, TLS {version}, {cert}, {' '.join(options)}", (0,))


def handshakes():
    for version in BOTH:
        for cert in ("ec256", "rsa"):
            server(version, cert)
            client(version, cert)
        server(version, "ec384", ["-y"], "client-rsa")
        server(version, "rsa", ["-k", "1"], env={**pair("rsa", "localhost"), **pair("ec256", "localhost", True)})
        client(
            version, "ec-chain", ["-y"], {"CERTFILE": pki.crt("client-ec"), "KEYFILE": pki.key("client-ec")}
        )


def refusals():
    """What fails must clean up, too; and a prog that is missing shows what
    would have been left to it."""
    for version in BOTH:
        for cut in (0, 100, 300):
            logs, wrapper = wrap()
            a, b = tcp_pair()
            a.settimeout(proc.LIMIT)
            with tlsd(b, ["-m", "user", "-K", "0"], wrapper=wrapper) as ours, a:
                try:
                    Tls(a, context(version=version), cut=cut).handshake()
                except (Vanished, OSError):
                    pass
                a.close()
                check(ours, logs, f"ktls-tlsd, TLS {version}, peer gone after {cut} bytes", (98, 111, 0))
        logs, wrapper = wrap()
        a, b = tcp_pair()
        b.settimeout(proc.LIMIT)
        with tlsc(a, ["-m", "user", "-K", "0", "-k", "other.test"], ("true",), wrapper=wrapper) as ours, b:
            try:
                Tls(b, context(server=True, version=version, cert="rsa"), server=True).handshake()
            except OSError:
                pass
            b.close()
            check(ours, logs, f"ktls-tlsc, TLS {version}, wrong name", (98,))


def garbage():
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x00\x40" + bytes([1, 0, 0, 60]) + b"\xff" * 60):
        logs, wrapper = wrap()
        a, b = tcp_pair()
        a.settimeout(proc.LIMIT)
        with tlsd(b, ["-m", "user", "-K", "0"], wrapper=wrapper) as ours, a:
            a.sendall(data)
            a.shutdown(1)
            check(ours, logs, f"ktls-tlsd, {data[:3]!r}", (98,))


def asked_for():
    """UCSPI-TLS."""
    ask = ("sh", "-c", 'printf Y >&"$SSLCTLFD"; exec cat <&"$SSLREADFD" >&"$SSLWRITEFD"')
    program = os.path.join(proc.BIN, "ktls-ucspitlsd")
    for version in BOTH:
        logs, wrapper = wrap()
        a, b = tcp_pair()
        a.settimeout(proc.LIMIT)
        with tlsd(b, ["-m", "user", "-K", "0"], ask, wrapper=wrapper, program=program) as ours, a:
            converse(Tls(a, context(version=version)), ours)
            check(ours, logs, f"ktls-ucspitlsd, TLS {version}", (0,))


OPTIONS = ["-m", "kernel", "-K", "0"]
PROG = ("sh", "-c", "read line; echo $line")


def kernel_server():
    for version in BOTH:
        logs, wrapper = wrap()
        a, b = tcp_pair()
        a.settimeout(proc.LIMIT)
        with tlsd(b, OPTIONS, PROG, wrapper=wrapper) as ours, a:
            converse(Tls(a, context(version=version)), ours)
            check(ours, logs, f"ktls-tlsd -m kernel, TLS {version}", (0,))


def kernel_client():
    for version in BOTH:
        logs, wrapper = wrap()
        a, b = tcp_pair()
        b.settimeout(proc.LIMIT)
        prog = ("sh", "-c", "exec <&6 >&7; read line; echo $line")
        with tlsc(a, [*OPTIONS, "-k", "localhost"], prog, wrapper=wrapper) as ours, b:
            converse(Tls(b, context(server=True, version=version, cert="ec256"), server=True), ours)
            check(ours, logs, f"ktls-tlsc -m kernel, TLS {version}", (0,))


tap.main(host=[handshakes, refusals, garbage, asked_for], kernel=[kernel_server, kernel_client])
