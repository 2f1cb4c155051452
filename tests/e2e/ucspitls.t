#!/usr/bin/python3
# ktls-ucspitlsd and ktls-ucspitlsc: y, Y, no; what the peer slips in, and what prog
# must not do. Where the kernel has TLS: pipes by default; the connection itself and no
# process beside prog with -m kernel, for who waits.
# runs: host
# runs: every kernel

import os
import signal
import socket

import lib
import proc
import tap
import ucspi
import ucspi_attacks
import ucspi_cases
import wire
from peers import BOTH, tlsc, tlsd

USER = ["-m", "user"]


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


KERNEL = ["-m", "kernel"]


def _keys(report):
    return report["tx"], report["rx"]


def alone():
    """After the answer: the socket has its keys, and no process of ours is left."""
    for run, what, meet in (
        (ucspi.server, "server", _as_client),
        (ucspi.client, "client", _as_server),
    ):
        for version in BOTH:
            name = f"-m kernel, {what}, TLS {version}"
            now = proc.temp("now")
            begin = ucspi.READY if what == "server" else ("say=STARTTLS\\r\\n", "hear")
            steps = [*begin, "ask=Y", "answer", "inspect", "report", "await=" + now, "read", "write=copy"]
            with run(steps, KERNEL) as (ours, sock, report):
                tls = meet(sock, version)
                seen = report.now()
                tls_version = {"1.2": "0x303", "1.3": "0x304"}[version]
                tap.equal(
                    [keys[0] for keys in _keys(seen)],
                    2 * [tls_version],
                    f"{name}: the socket has keys for both",
                )
                tap.equal(ucspi.variables(seen["answer"])["SSL_PATH"], "kernel", f"{name}: SSL_PATH")
                proc.await_true(lambda: not proc.descendants(ours.pid), "the helper's end")
                left = [p for p in proc.processes().values() if p[1].startswith("ktls-")]
                tap.equal(left, [], f"{name}: no process of ours is left")
                open(now, "w").close()
                tap.equal(ucspi.echo(tls), ucspi.SECRET, f"{name}: echo")
                tap.equal(ours.wait(), 0, f"{name}: exit code", ours.stderr)


def _as_client(sock, version):
    ucspi.ask(sock)
    return ucspi.connect(sock, version=version)


def _as_server(sock, version):
    ucspi.read_line(sock)
    sock.sendall(ucspi.GO_AHEAD)
    return ucspi.accept(sock, version=version)


def need_not_wait():
    for mode in ([], USER) if tap.KERNEL else (USER,):
        ucspi_cases.prog_need_not_wait(" ".join(mode) or "default", mode)


def hasty():
    if not tap.KERNEL:
        return ucspi_attacks.hasty_prog("user", USER, "say")
    ucspi_attacks.hasty_prog("-m kernel", KERNEL, "write")
    ucspi_attacks.hasty_prog("-m kernel", KERNEL, "say")
    ucspi_attacks.hasty_prog("default", [], "say")


def no_news_of_children():
    """Who started us may have ignored the end of children, and exec keeps that."""
    name, now = "-m kernel, SIGCHLD ignored", proc.temp("now")
    steps = [*ucspi.READY, "ask=Y", "answer", "await=" + now, "read", "write=copy"]
    with ucspi.server(steps, KERNEL, wrapper=["env", "--ignore-signal=CHLD"]) as (ours, sock, _):
        tls = _as_client(sock, "1.3")
        proc.await_true(lambda: not proc.descendants(ours.pid), "the helper's end")
        open(now, "w").close()
        tap.equal(ucspi.echo(tls), ucspi.SECRET, f"{name}: echo")
        tap.equal(ours.wait(), 0, f"{name}: exit code", ours.stderr)


def killed_handshake():
    """However it ends without success, prog's descriptors are of no use then."""
    steps = [*ucspi.READY, "ask=Y", "answer", "write=in the clear", "reap"]
    with ucspi.server(steps, KERNEL) as (ours, sock, report):
        ucspi.ask(sock)
        proc.await_true(lambda: len(proc.descendants(ours.pid)) == 2, "the handshake's process")
        parents = {parent for parent, _, _ in proc.descendants(ours.pid).values()}
        (worker,) = set(proc.descendants(ours.pid)) - parents
        os.kill(worker, signal.SIGKILL)
        ucspi_cases.check_failure(report(), 97, "-m kernel, the handshake is killed")
        tap.equal(ucspi.until_cut(sock), b"", "-m kernel, the handshake is killed: nothing on the wire")


def no_plaintext():
    """On the wire, from the go-ahead on."""
    for mode in ([], KERNEL):
        name = "wire, " + (" ".join(mode) or "default")
        with wire.capture() as packets:
            with ucspi.server([*ucspi.READY, "ask=y", "answer", "read", "write=copy"], mode) as (
                ours,
                sock,
                _,
            ):
                ports = sock.getsockname()[1], sock.getpeername()[1]
                tls = _as_client(sock, "1.3")
                tap.equal(ucspi.echo(tls), ucspi.SECRET, f"{name}: echo under capture")
                ours.wait()
            packets.stop()
        to_us, from_us = packets.streams(ports)
        protected = [to_us[len(ucspi.COMMAND) :], from_us[len(ucspi.GO_AHEAD) :]]
        wire.check(protected, [ucspi.SECRET], name)


tap.main(
    need_not_wait,
    hasty,
    host=[*ucspi_cases.all_with("user", USER), unix_sockets, pipes, no_kernel_tls],
    kernel=[
        *ucspi_cases.all_with("default", []),
        *ucspi_cases.all_with("-m kernel", KERNEL),
        alone,
        no_news_of_children,
        killed_handshake,
        no_plaintext,
    ],
)
