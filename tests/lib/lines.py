"""Lines on stderr: one for what is worth it, with the peer's address; none for
health checks and scanners."""

import os
import re
import socket

import front
import peers
import proc
import separation
import tap
import ucspi
from peers import Tls, context, name_of, tcp_pair
from records import ALERT, HANDSHAKE, client_hello, extensions, record

TLS_ERROR = 98
OLD_HELLO = record(HANDSHAKE, client_hello(legacy=0x0302, exts=extensions(versions=None)), 0x0301)
HTTP = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def said_by(ours):
    code = ours.wait()
    return code, ours.stderr().splitlines()


def fin(sock):
    sock.shutdown(socket.SHUT_WR)


def send(data, end=False):
    def act(sock):
        sock.sendall(data)
        if end:
            fin(sock)

    return act


# what a stranger does; options; what is said of it with verbosity 2
STRANGERS = (
    ("closes", fin, (), "the peer closed the connection"),
    ("sends a line's end and closes", send(b"\r\n", True), (), "the peer closed the connection"),
    ("says nothing", lambda sock: None, ("-K", "300"), "timed out"),
    ("speaks HTTP", send(HTTP), (), r"the peer speaks HTTP, not TLS \(sent alert unexpected_message\)"),
    ("speaks SSH", send(b"SSH-2.0-x\r\n"), (), r"not a TLS record \(sent alert unexpected_message\)"),
    ("sends an alert first", send(record(ALERT, b"\2\x28")), (), "received alert handshake_failure"),
)


def one_line(name, got, program, address, words, code=TLS_ERROR):
    where = re.escape(address + ": ") if address else ""
    pattern = rf"{program}: fatal: {where}{words}"
    good = got[0] == code and len(got[1]) == 1 and re.fullmatch(pattern, got[1][0])
    tap.ok(good, f"{name}: {got}", f"wanted exit {code} and one line {pattern}")


def stranger(name, act, options, program=proc.TLSD, env=None):
    a, b = tcp_pair()
    with peers.tlsd(b, options, ("true",), env=env, program=program) as ours, a:
        address = name_of(a)
        act(a)
        return said_by(ours), address


def strangers_with(mode, env=None, label=""):
    for what, act, options, words in STRANGERS:
        name = f"ktls-tlsd {' '.join(mode)}{label}, a peer that {what}"
        got, _ = stranger(name, act, [*mode, *options], env=env)
        tap.equal(got, (TLS_ERROR, []), f"{name}: nothing is said")
        got, address = stranger(name, act, [*mode, *options, "-v2"], env=env)
        one_line(f"{name}, -v2", got, "ktls-tlsd", address, "TLS handshake: " + words)


def strangers(mode):
    strangers_with(mode)


def strangers_apart(mode):
    if os.geteuid():
        return tap.skip("a process of its own for the handshake", "not root")
    strangers_with(mode, separation.ENV, ", TLS_UID")


def reset(mode):
    """getpeername(2) knows nothing any more; the variables do."""
    env = {"TCPREMOTEIP": "192.0.2.7", "TCPREMOTEPORT": "5555"}
    for verbosity in ("-v1", "-v2"):
        a, b = tcp_pair()
        Tls(a, context()).reset()
        with peers.tlsd(b, [*mode, verbosity], ("true",), env=env) as ours:
            got = said_by(ours)
        if verbosity == "-v1":
            tap.equal(got, (TLS_ERROR, []), f"{mode}, a reset: nothing is said")
        else:
            one_line(f"{mode}, a reset, -v2", got, "ktls-tlsd", "192.0.2.7:5555", "TLS handshake: .*")


def refused_hello(mode):
    """Who speaks TLS, or began to, is worth a line."""
    apart = [] if os.geteuid() else [separation.ENV]
    for env in [{}, *apart]:
        for what, act, options, words in (
            ("TLS 1.1", send(OLD_HELLO), (), ".*version.*"),
            ("half a hello and an end", send(OLD_HELLO[:40], True), (), "TLS handshake: the peer closed .*"),
            ("half a hello", send(OLD_HELLO[:40]), ("-K", "300"), "TLS handshake: timed out"),
        ):
            name = f"ktls-tlsd {' '.join(mode)}, {what}, {sorted(env)}"
            got, address = stranger(name, act, [*mode, *options], env=env)
            one_line(name, got, "ktls-tlsd", address, words)


def addresses():
    """Of the variables when they are sound, else of the socket."""
    for ip, port, wanted in (
        ("192.0.2.1", "5555", "192.0.2.1:5555"),
        ("2001:DB8:0::1", "443", "[2001:db8::1]:443"),
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "70000", "192.0.2.1"),
        ("2001:db8::1", "0x50", "2001:db8::1"),
        ("192.0.2.1", "80\nktls-tlsd: fatal: forged", "192.0.2.1"),
        ("192.0.2.1\nktls-tlsd: fatal: forged", "80", None),
        ("example.org", "80", None),
        ("", "80", None),
        ("1" * 5000, "80", None),
        (None, "80", None),
    ):
        env = {"TCPREMOTEIP": ip, "TCPREMOTEPORT": port}
        got, socket_name = stranger("", send(OLD_HELLO), ["-m", "user"], env=env)
        shown = (ip or "")[:20], (port or "")[:20]
        one_line(f"TCPREMOTEIP and TCPREMOTEPORT {shown}", got, "ktls-tlsd", wanted or socket_name, ".*version.*")
    a, b = socket.socketpair()
    with peers.tlsd(b, ["-m", "user"], ("true",)) as ours, a:
        a.sendall(OLD_HELLO)
        one_line("a Unix socket", said_by(ours), "ktls-tlsd", "", "TLS handshake: .*version.*")


def client(mode):
    """A client always says why it has no connection."""
    for what, act, words in (
        ("closes", fin, "TLS handshake: the peer closed the connection"),
        ("speaks HTTP", send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "TLS handshake: the peer speaks HTTP, not TLS .*"),
    ):
        a, b = tcp_pair()
        address = name_of(b)
        with peers.tlsc(a, [*mode, "-k", "localhost"], ("true",)) as ours, b:
            act(b)
            one_line(f"ktls-tlsc {' '.join(mode)}, a server that {what}", said_by(ours), "ktls-tlsc", address, words)


def relay(mode):
    """After the handshake it is the relay that says so, and nobody else."""
    for version in peers.BOTH:
        a, b = tcp_pair()
        with peers.tlsd(b, [*mode, "-J"], ("cat",)) as ours, a:
            address = name_of(a)
            tls = Tls(a, context(version=version))
            tls.handshake()
            tls.write(b"hello\n")
            tls.read_exactly(6)
            fin(a)
            tls.drain()
            ours.wait()
            proc.await_true(ours.stderr, "a line of the relay")
            name = f"ktls-tlsd {' '.join(mode)} -J, TLS {version}, FIN without close_notify"
            words = "the peer ended the connection without close_notify"
            one_line(name, (TLS_ERROR, ours.stderr().splitlines()), "ktls-relay", address, words)


def starttls(mode):
    """prog has asked for TLS: plaintext is worth a line, an end is not."""
    for what, act, options, words in STRANGERS:
        if what.startswith("sends a line"):
            continue
        for verbosity in ("-v1", "-v2"):
            name = f"ktls-ucspitlsd {' '.join(mode)}, a peer that {what}, {verbosity}"
            with ucspi.server([*ucspi.READY, "ask=Y", "answer", "reap"], [*mode, *options, verbosity]) as (
                ours,
                sock,
                report,
            ):
                address = name_of(sock)
                ucspi.ask(sock)
                act(sock)
                code, got = report()["code"], ours.stderr().splitlines()
                if verbosity == "-v1" and what in ("closes", "says nothing"):
                    tap.equal((code, got), (TLS_ERROR, []), f"{name}: nothing is said")
                else:
                    either = f"(the peer sent plaintext instead of TLS|TLS handshake: {words})"
                    one_line(name, (code, got), "ktls-ucspitlsd", address, either)


def behind_tcpserver(mode):
    for more in ([], ["-L"]):
        with front.server([*mode, *more], ("true",)) as (ours, port):
            connect = lambda: socket.create_connection(("127.0.0.1", port), proc.LIMIT)
            header = b"PROXY TCP4 192.0.2.7 192.0.2.2 1 2\r\n" if more else b""
            for act in (fin, send(header + HTTP)):
                with connect() as sock:
                    act(sock)
                    ucspi.until_cut(sock)
            with connect() as sock:
                address = "192.0.2.7:1" if more else name_of(sock)
                sock.sendall(header + OLD_HELLO)
                ucspi.until_cut(sock)
                lines = proc.await_true(lambda: ours.stderr().splitlines(), "a line")
            one_line(f"ktls-tlsserver {' '.join([*mode, *more])}: health checks, HTTP and TLS 1.1",
                     (TLS_ERROR, lines), "ktls-tlsd", address, ".*version.*")


def all_with(mode):
    def bind(test):
        bound = lambda: test(mode)
        bound.__name__ = f"{test.__name__} {' '.join(mode)}"
        return bound

    relays = [relay] if "kernel" not in mode else []
    return [bind(test) for test in (strangers, strangers_apart, reset, refused_hello, client, starttls, behind_tcpserver, *relays)]
