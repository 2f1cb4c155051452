#!/usr/bin/python3
# ktls-relay as a program of its own: any socket with keys in the kernel becomes
# a pair of pipes, without a word about where they come from.
# runs: every kernel

import os
import socket

import lib
import proc
import tap
from peers import BOTH, Tls, context, name_of, tcp_pair, tlsc, tlsd

RELAY = os.path.join(proc.BIN, "ktls-relay")
LINE = b"a line\n"
MEGABYTE = os.urandom(1 << 20)


def connect(version, prog):
    a, b = tcp_pair()
    ours = tlsd(b, ["-m", "kernel"], prog)
    tls = Tls(a, context(version=version))
    tls.handshake()
    return ours, tls


def pipes():
    for version in BOTH:
        ours, tls = connect(version, (RELAY, "-S", "cat"))
        with ours, tls.sock:
            tls.write(LINE)
            tap.equal(tls.read_exactly(len(LINE)), LINE, f"TLS {version}: echo", ours.stderr)
            tls.close_notify()
            tap.equal(tls.end_of_stream(), "close_notify", f"TLS {version}: cat reads the end, and is heard")
            tap.equal([ours.wait(), ours.stderr()], [0, ""], f"TLS {version}: in silence")


def one_descriptor():
    """Between two sockets, which splice cannot do in one step."""
    both = ("-6", "6", "-7", "6")
    for version in BOTH:
        a, b = tcp_pair()
        options = ["-k", "localhost", "-m", "kernel", *both]
        prog = (RELAY, "-S", *both, "sh", "-c", "exec cat <&6 >&6")
        tls = Tls(a, context(server=True, version=version, cert="ec256"), server=True)
        with tlsc(b, options, prog) as ours, a:
            tls.handshake()
            tls.write(MEGABYTE[:100_000])
            got = tls.read_exactly(100_000)
            tap.ok(got == MEGABYTE[:100_000], f"TLS {version}: through one descriptor", ours.stderr)
            tls.close_notify()
            tap.equal(tls.end_of_stream(), "close_notify", f"TLS {version}: through one descriptor, the end")
            tap.equal([ours.wait(), ours.stderr()], [0, ""], f"TLS {version}: in silence")


def engine_code(ours_then):
    """A shell's command that says what the engine, its child, exits with."""
    return ("perl", "-e", f"{ours_then}; 1 while <STDIN>; wait; print STDERR $? >> 8, qq(\\n)")


def idleness():
    for version in BOTH:
        ours, tls = connect(version, (RELAY, "-K", "300", *engine_code("close STDOUT")))
        with ours, tls.sock:
            tls.sock.settimeout(proc.LIMIT)
            ours.wait()
            said = ours.stderr().splitlines()
            wanted = [f"ktls-relay: fatal: {name_of(tls.sock)}: no data either way for 300 ms", "98"]
            tap.equal(said, wanted, f"TLS {version}: an idle connection ends, and says why")


def truncation():
    """-J: whoever waits for the engine learns that the peer did not say goodbye."""
    for version in BOTH:
        ours, tls = connect(version, (RELAY, "-J", *engine_code("$_ = <STDIN>; print STDERR; close STDOUT")))
        with ours, tls.sock:
            tls.write(LINE)
            tls.sock.shutdown(socket.SHUT_WR)
            ours.wait()
            said = sorted(ours.stderr().splitlines())
            wanted = sorted(
                [
                    "a line",
                    f"ktls-relay: fatal: {name_of(tls.sock)}: the peer ended the connection without close_notify",
                    "98",
                ]
            )
            tap.equal(said, wanted, f"TLS {version}: a stream that ends without close_notify")


def others():
    """No keys, or none yet: nothing is executed."""
    for name, attach in (("plain TCP", False), ("TLS attached, but no keys", True)):
        a, b = tcp_pair()
        if attach:
            b.setsockopt(socket.IPPROTO_TCP, 31, b"tls")
        with a, b, proc.Proc([RELAY, "echo", "executed"], None, {0: b, 1: b}) as ours:
            b.close()
            tap.equal(ours.wait(), 97, f"{name}: exit code", ours.stderr)
            said = ours.stderr().splitlines()
            tap.ok(len(said) == 1 and said[0].startswith("ktls-relay: fatal: "), f"{name}: one line", said)
            tap.equal(a.recv(100), b"", f"{name}: nothing reaches the network")


tap.main(pipes, one_descriptor, idleness, truncation, others)
