#!/usr/bin/python3
# A machine without kernel TLS: the default goes through ktls-relay, -m kernel
# says no, and whatever happens, no plaintext crosses the wire.

import os
import socket

import lib
import peers
import proc
import refusal
import tap
import wire
from outside import converse, s_client, tlsd_server
from peers import BOTH, Tls, context, tcp_pair, tlsc, tlsd

SECRET = b"this is not for the network\n"


def default_mode():
    with tlsd_server() as server:
        for version in BOTH:
            output, code, errors = converse(s_client(server.port, version), SECRET, SECRET.strip())
            tap.ok(
                code == 0,
                f"tcpserver ktls-tlsd cat, openssl s_client, TLS {version}",
                errors + server.proc.stderr(),
            )
        a = socket.create_connection(("127.0.0.1", server.port), proc.LIMIT)
        tls = Tls(a, context())
        tls.handshake()
        tls.write(SECRET)
        tap.equal(tls.read_exactly(len(SECRET)), SECRET, "tcpserver ktls-tlsd cat: echo")
        names = sorted(name for _, name, _ in proc.descendants(server.proc.pid).values())
        tap.equal(names, ["cat", "ktls-relay"], "prog and ktls-relay, and nothing else, serve the connection")
        a.close()
        gone = lambda: not proc.descendants(server.proc.pid)
        tap.ok(proc.await_true(gone, "the end of both"), "both end with the connection")


def exchange(role, options, version, pair):
    """One echo; gives what crossed the wire."""
    a, b = pair()
    peer = context(server=role == "client", version=version, cert=None if role == "server" else "ec256")
    ours = (
        tlsd(b, options)
        if role == "server"
        else tlsc(b, [*options, "-k", "localhost"], ("sh", "-c", "exec cat <&6 >&7"))
    )
    with ours, a:
        tls = Tls(a, peer, server=role == "client")
        tls.handshake()
        tls.write(SECRET)
        tap.equal(
            tls.read_exactly(len(SECRET)),
            SECRET,
            f"{role} {' '.join(options)}, TLS {version}: echo",
            ours.stderr,
        )
        a.shutdown(socket.SHUT_WR)
        while tls.fill():
            pass
        ours.wait()
    return [tls.sent, tls.got]


def nothing_in_the_clear():
    for role in ("server", "client"):
        for options in ([], ["-m", "auto"], ["-m", "relay"], ["-m", "user"]):
            for version in BOTH:
                streams = exchange(role, options, version, tcp_pair)
                wire.check(streams, [SECRET], f"{role} {' '.join(options)}, TLS {version}")


def other_copies():
    """What inetd does: the connection is stderr too, and may be left open elsewhere."""
    talker = ("sh", "-c", "echo hello; echo STDERR >&2; echo NINE >&9; echo EMPTY; exec cat")
    for version in BOTH:
        a, b = tcp_pair()
        copy = b.dup()
        with tlsd(b, ["-m", "relay"], talker, fds={2: copy, 9: copy}), a:
            copy.close()
            tls = Tls(a, context(version=version))
            tls.handshake()
            tap.equal(tls.read_exactly(12), b"hello\nEMPTY\n", f"the socket as stderr, TLS {version}: prog talks")
            wire.check([tls.got], [b"STDERR", b"NINE"], f"the socket as stderr, TLS {version}")


def bad_proxy_header():
    """The peer is not told in the clear what is wrong with its header."""
    a, b = tcp_pair()
    with proc.Proc(["ktls-proxyhdr", "true"], proc.environment(), {0: b, 1: b, 2: b}) as ended, a:
        b.close()
        a.sendall(b"GET / HTTP/1.0\n")  # as many bytes as are read
        tap.equal(ended.wait(), 98, "an invalid PROXY header, the socket as stderr: exit")
        tap.equal(a.recv(100), b"", "an invalid PROXY header, the socket as stderr: the peer sees nothing")


def one_descriptor_is_closed():
    """What is wrong is not said to the peer, whose connection is stderr too."""
    closed = os.open("/dev/null", os.O_RDWR)
    for name, program, ours, other in (
        ("ktls-tlsd, 0", ["ktls-tlsd"], 1, 0),
        ("ktls-tlsc, 7", ["ktls-tlsc"], 6, 7),
        ("ktls-relay, 0", ["ktls-relay"], 1, 0),
        ("ktls-pipe, 1", ["ktls-pipe", "127.0.0.1:1"], 0, 1),
    ):
        a, b = tcp_pair()
        command = ["sh", "-c", f'exec "$@" {other}>&-', "sh", *program, *(["true"] if len(program) == 1 else [])]
        with proc.Proc(command, fds={ours: b, 2: b, other: closed}) as ended, a:
            b.close()
            tap.equal(ended.wait(), 111, f"{name} is closed: exit")
            tap.equal(a.recv(100), b"", f"{name} is closed: the peer sees nothing but the end")
    os.close(closed)


def local_pair():
    a, b = socket.socketpair()
    a.settimeout(proc.LIMIT)
    return a, b


def not_tcp():
    for role in ("server", "client"):
        for version in BOTH:
            streams = exchange(role, [], version, local_pair)
            wire.check(streams, [SECRET], f"{role} on a Unix socket, TLS {version}")


def kernel_mode():
    """Exit 97, one line, prog not started, and nothing but TLS to the peer."""
    for role in ("server", "client"):
        for pair, what in ((tcp_pair, "TCP"), (local_pair, "a Unix socket")):
            if pair is tcp_pair and proc.kernel_has_tls():
                tap.skip(f"{role} -m kernel on {what}", "this machine's kernel has TLS")
                continue
            mark, program = peers.marker()
            a, b = pair()
            spawn = tlsd if role == "server" else tlsc
            options = ["-m", "kernel"] + (["-k", "localhost"] if role == "client" else [])
            with spawn(b, options, program) as ours, a:
                tls = Tls(
                    a,
                    context(server=role == "client", cert="ec256" if role == "client" else None),
                    server=role == "client",
                )
                refusal.attempt(tls)
                refusal.check(ours, mark, f"{role} -m kernel on {what}", 97, "kernel|kTLS|TLS")
            if tls.got:
                wire.check([tls.got], [SECRET], f"{role} -m kernel on {what}")


def tcpserver_kernel_mode():
    if proc.kernel_has_tls():
        return tap.skip("tcpserver ktls-tlsd -m kernel cat", "this machine's kernel has TLS")
    with tlsd_server(["-m", "kernel"]) as server:
        output, code, _ = converse(s_client(server.port, "1.3"), SECRET, b"Verif|errno|error|\\Z")
        tap.ok(
            code != 0 and SECRET.decode() not in output,
            "tcpserver ktls-tlsd -m kernel cat: no conversation",
            output,
        )
        tap.ok("ktls-tlsd: fatal: " in server.proc.stderr(), "and ktls-tlsd says why", server.proc.stderr())


tap.main(
    default_mode,
    nothing_in_the_clear,
    other_copies,
    bad_proxy_header,
    one_descriptor_is_closed,
    not_tcp,
    kernel_mode,
    tcpserver_kernel_mode,
)
