"""UCSPI-TLS: what a peer must not get through, and what prog must not do. mode:
the options that select the data path; label: how it is called here."""

import socket

import proc
import tap
import ucspi
from peers import Tls, context
from ucspi import COMMAND, GO_AHEAD, READY, ask

# ---- what the peer slips in ----

INJECTED = b"MAIL FROM:<mallory@example.com>\r\n"


def injection_into_server(label, mode):
    steps = [*READY, "ask=Y", "answer", *ucspi.touch(mode), "reap"]
    hello = ucspi.client_hello()
    for what, injected in (
        ("plaintext", INJECTED),
        ("plaintext and a ClientHello", INJECTED + hello),
        ("one byte and a ClientHello", b"\n" + hello),
        ("a byte that begins a record and a ClientHello", b"\x16" + hello),
        ("a record of data and a ClientHello", b"\x17\x03\x03\0\1x" + hello),
        ("an alert and a ClientHello", b"\x15\x03\x03\0\2\1\0" + hello),
    ):
        name = f"{label}: {what} behind STARTTLS"
        with ucspi.server(steps, mode) as (ours, sock, report):
            sock.sendall(COMMAND + injected)
            tap.equal(ucspi.read_line(sock), GO_AHEAD, f"{name}: prog noticed nothing")
            tap.equal(ucspi.until_cut(sock), b"", f"{name}: the connection is cut")
            tap.equal(report()["code"], 98, f"{name}: the helper exits 98")
            tap.equal(report()["answer"] + report().get("rest", ""), "", f"{name}: prog gets none of it")
            tap.ok("the peer sent plaintext" in ours.stderr(), f"{name}: and that is said", ours.stderr)


def late_injection_into_server(label, mode):
    """Behind the go-ahead: before prog has asked, or after."""
    steps = [*READY, "ask=Y", "answer", *ucspi.touch(mode), "reap"]
    name = f"{label}: plaintext and a ClientHello behind the go-ahead"
    with ucspi.server(steps, mode) as (ours, sock, report):
        ask(sock)
        sock.sendall(INJECTED + ucspi.client_hello())
        sock.shutdown(socket.SHUT_WR)
        ucspi.until_cut(sock)
        tap.equal(report()["code"], 98, f"{name}: the helper exits 98", ours.stderr)
        tap.equal(report()["answer"] + report().get("rest", ""), "", f"{name}: prog gets none of it")


def injection_into_client(label, mode):
    steps = ["say=STARTTLS\\r\\n", "hear", "ask=Y", "answer", *ucspi.touch(mode), "reap"]
    for what, injected in (
        ("plaintext", b"250 injected\r\n"),
        ("one byte", b"\n"),
        ("a record of a handshake", b"\x16\x03\x03\0\4\0\0\0\0"),
    ):
        name = f"{label}: {what} behind the go-ahead"
        with ucspi.client(steps, mode) as (ours, sock, report):
            ucspi.read_line(sock)
            sock.sendall(GO_AHEAD + injected)
            tap.equal(ucspi.until_cut(sock), b"", f"{name}: the connection is cut")
            tap.equal(report()["code"], 98, f"{name}: the helper exits 98")
            tap.equal(report()["answer"] + report().get("rest", ""), "", f"{name}: prog gets none of it")
            tap.ok("the peer sent plaintext" in ours.stderr(), f"{name}: and that is said", ours.stderr)


# ---- what prog must not do ----


def hasty_prog(label, mode, step):
    """prog writes to the connection while the handshake goes on: the peer has
    our last flight and holds its own back."""
    now = proc.temp("now")
    steps = [*READY, "ask=Y", "await=" + now, f"{step}=in the clear\\n", "answer", "reap"]
    name = f"{label}: prog writes to the connection before the answer ({step})"
    with ucspi.server(steps, [*mode, "-t", "1.3"]) as (ours, sock, report):
        ask(sock)
        tls = Tls(sock, context())
        tls.handshake(flush=False)
        open(now, "w").close()
        tap.equal(ucspi.read_line(sock), b"in the clear\n", f"{name}: it is on the wire")
        tls.flush()
        tap.equal(ucspi.until_cut(sock), b"", f"{name}: the connection is cut")
        tap.equal(report()["code"], 100, f"{name}: the helper exits 100")
        tap.equal(report()["answer"], "", f"{name}: without an answer")
        tap.equal(len(ours.stderr().splitlines()), 1, f"{name}: and says why", ours.stderr)


EVERY = (injection_into_server, late_injection_into_server, injection_into_client)
