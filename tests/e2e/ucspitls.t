#!/usr/bin/python3
# ktls-ucspitlsd and ktls-ucspitlsc where the kernel has no TLS: y, Y, no; what
# the peer slips in, and what prog must not do.

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import proc
import tap
import ucspi
import ucspi_attacks
import ucspi_cases
from peers import tlsc, tlsd

USER = ["-m", "user"]


def need_not_wait():
    ucspi_cases.prog_need_not_wait("user", USER)


def hasty():
    ucspi_attacks.hasty_prog("user", USER, "say")


def unix_sockets():
    """Not TCP: nothing counts what is written, all else is as it should be."""
    for injected, code in ((b"", 0), (b"injected\r\n", 98)):
        a, b = socket.socketpair()
        a.settimeout(proc.LIMIT)
        steps = [*ucspi.READY, "ask=Y", "answer", *(ucspi_cases.ROUND if not code else ["reap"])]
        report = proc.temp("report")
        prog = (ucspi.PROG, "0", "1", *steps)
        with tlsd(b, [], prog, env={"REPORT": report}, program=ucspi.UCSPITLSD) as ours, a:
            a.sendall(ucspi.COMMAND + injected)
            tap.equal(ucspi.read_line(a), ucspi.GO_AHEAD, "Unix socket: prog speaks in the clear")
            if not code:
                tls = ucspi.connect(a)
                tap.equal(ucspi.echo(tls), ucspi.SECRET, "Unix socket: echo")
                tls.close_notify()
                a.shutdown(socket.SHUT_WR)
            seen = ucspi.Report(ours, report)()
            name = "Unix socket" + (", plaintext behind STARTTLS" if code else "")
            tap.equal(seen["code"], code, f"{name}: the helper exits {code}", ours.stderr)


def pipes():
    """What is in a pipe cannot be looked at: a client sees that there is
    something, a server's handshake finds it."""
    for role, start, fdr, fdw in (("server", tlsd, 0, 1), ("client", tlsc, 6, 7)):
        (their_in, our_out), (our_in, their_out) = os.pipe(), os.pipe()
        os.write(our_out, b"go\ninjected\r\n" + bytes(64))
        os.close(our_out)
        report, unused = proc.temp("report"), socket.socket()
        program = ucspi.UCSPITLSD if role == "server" else ucspi.UCSPITLSC
        prog = (ucspi.PROG, str(fdr), str(fdw), "hear", "ask=Y", "answer", "reap")
        fds = {fdr: their_in, fdw: their_out}
        with start(unused, [], prog, env={"REPORT": report}, program=program, fds=fds) as ours:
            os.close(their_in)
            os.close(their_out)
            seen = ucspi.Report(ours, report)()
            tap.equal(seen["code"], 98, f"pipes, {role}: plaintext is refused", ours.stderr)
            tap.equal(seen["answer"], "", f"pipes, {role}: no answer")
        os.close(our_in)


def no_kernel_tls():
    if proc.kernel_has_tls():
        tap.skip("-m kernel without kernel TLS", "this kernel has TLS")
        return
    with ucspi.server(["ask=Y", "answer", "reap"], ["-m", "kernel"]) as (ours, _, report):
        tap.equal(report()["code"], 97, "-m kernel without kernel TLS: the helper exits 97", ours.stderr)
        tap.equal(report()["answer"], "", "-m kernel without kernel TLS: no answer")


tap.main(*ucspi_cases.all_with("user", USER), need_not_wait, hasty, unix_sockets, pipes, no_kernel_tls)
