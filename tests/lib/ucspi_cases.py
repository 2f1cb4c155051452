"""What must be so for UCSPI-TLS whatever the data path. mode: the options that
select it; label: how it is called here."""

import os
import shutil
import socket
import ssl

import pki
import proc
import prog
import tap
import ucspi
import ucspi_attacks
from peers import BOTH, Tls, context, tcp_pair, tlsd
from ucspi import COMMAND, GO_AHEAD, READY, SECRET, VARIABLES, ask, echo

ROUND = ("read", "write=copy", "close=output", "rest", "close=input", "close=connection", "decline", "reap")


def is_quiet(ours, name):
    tap.equal(ours.stderr(), "", f"{name}: nothing on stderr")


def _finish(tls, mode):
    """What prog echoes. A plain read of a socket with kernel TLS takes close_notify for an error."""
    got = echo(tls)
    if ucspi.has_pipes(mode):
        tls.close_notify(fin=True)
    else:
        tls.sock.shutdown(socket.SHUT_WR)
    return got


# ---- y, Y, and what comes back ----


def server_asks(label, mode):
    for version in BOTH:
        for request in "yY":
            name = f"{label}: server, {request}, TLS {version}"
            steps = [*READY, "ask=" + request, "answer", *ROUND]
            with ucspi.server(steps, [*mode, "-Y"]) as (ours, sock, report):
                tap.equal(ask(sock), GO_AHEAD, f"{name}: prog speaks in the clear")
                tls = ucspi.connect(sock, version=version, cert="client-rsa")
                tap.equal(_finish(tls, mode), SECRET, f"{name}: echo")
                check_answer(report(), request, version, ("localhost", "client-rsa"), name)
                tap.equal(report()["code"], 0, f"{name}: the helper's exit code", ours.stderr)
                is_quiet(ours, name)


def client_asks(label, mode):
    for version in BOTH:
        for request in "yY":
            name = f"{label}: client, {request}, TLS {version}"
            steps = ["say=STARTTLS\\r\\n", "hear", "ask=" + request, "answer", *ROUND]
            with ucspi.client(steps, mode) as (ours, sock, report):
                tap.equal(ucspi.read_line(sock), COMMAND, f"{name}: prog speaks in the clear")
                sock.sendall(GO_AHEAD)
                tls = ucspi.accept(sock, version=version)
                tap.equal(_finish(tls, mode), SECRET, f"{name}: echo")
                check_answer(report(), request, version, ("localhost", "ec256"), name)
                tap.equal(report()["code"], 0, f"{name}: the helper's exit code", ours.stderr)
                is_quiet(ours, name)


def check_answer(report, request, version, names, name):
    if request == "y":
        tap.equal(report["answer"], "\0", f"{name}: an empty block when TLS is there")
        return
    server_name, cert = names
    found = ucspi.variables(report["answer"])
    wanted = {
        "SSL_PROTOCOL": "TLSv" + version,
        "SSL_TLS_SNI_SERVERNAME": server_name,
        "SSL_PEER_CERT_HASH": prog.certificate_hash(cert),
        "SSL_ALPN": None,
    }
    tap.equal(sorted(found or ()), sorted(VARIABLES), f"{name}: every variable once", report["answer"])
    tap.equal({v: found[v] for v in wanted}, wanted, f"{name}: and what they say")


def prog_is_given(label, mode):
    stale = {"SSL_PROTOCOL": "stale", "SSL_PEER_CERT_HASH": "stale", "SSLREADFD": "77"}
    for option, kept in (("-z", ()), ("-Z", ("CAFILE", "CERTFILE", "KEYFILE"))):
        name = f"{label}: {option}"
        with ucspi.server(["inspect"], [*mode, option], stale) as (ours, _, report):
            env = report()["environment"]
            prog.check_removed(report(), kept, name)
            tap.equal([v for v in VARIABLES if v in env], [], f"{name}: prog is told of no session yet")
            numbers = sorted(int(env[v]) for v in ("SSLCTLFD", "SSLREADFD", "SSLWRITEFD"))
            tap.equal(numbers, [3, 4, 5], f"{name}: the lowest numbers there are")
            tap.equal(
                sorted(map(int, report()["descriptors"])),
                [0, 1, 2, *numbers],
                f"{name}: prog has descriptors {numbers} more, and no other",
            )


def prog_need_not_wait(label, mode):
    """It writes behind its y, and closes: the peer gets it, protected."""
    steps = [
        *READY,
        "ask=y",
        "decline",
        "write=to be protected\\n",
        "close=output",
        "close=connection",
        "rest",
    ]
    with ucspi.server(steps, mode) as (ours, sock, report):
        ask(sock)
        tls = ucspi.connect(sock)
        tap.equal(tls.read_exactly(len(SECRET)), SECRET, f"{label}: written at once, it arrives")
        tap.equal(tls.end_of_stream(), "close_notify", f"{label}: and so does the end")
        tap.ok(SECRET not in tls.got, f"{label}: and nothing is in the clear")
        tls.sock.close()
        tap.equal(report()["rest"], "", f"{label}: prog reads the end", ours.stderr)


def eager_client_hello(label, mode):
    """It is there before prog asks: prog said go ahead first."""
    sent = proc.temp("sent")
    steps = [*READY, "await=" + sent, "ask=Y", "answer", *ROUND]
    with ucspi.server(steps, mode) as (ours, sock, report):
        ask(sock)
        tls = Tls(sock, context())
        try:
            tls.tls.do_handshake()
        except ssl.SSLWantReadError:
            tls.flush()
        open(sent, "w").close()
        tls.handshake()
        tap.equal(
            _finish(tls, mode), SECRET, f"{label}: a ClientHello that came before prog asked is welcome"
        )
        report()


# ---- no ----


def declined(label, mode):
    for name, steps in (
        ("closes the control descriptor", [*READY, "decline", "reap", "say=in the clear\\n"]),
        ("exits", [*READY, "say=in the clear\\n"]),
    ):
        name = f"{label}: prog {name}"
        with ucspi.server(steps, mode) as (ours, sock, report):
            ask(sock)
            tap.equal(ucspi.read_line(sock), b"in the clear\n", f"{name}: the connection is as it was")
            tap.equal(report().get("code", 0), 0, f"{name}: the helper exits 0")
            tap.equal(sock.recv(1), b"", f"{name}: and leaves the connection")
            is_quiet(ours, name)


def other_requests(label, mode):
    for request in ("n", "\\x00", "x", "\\n"):
        name = f"{label}: {request!r} on the control descriptor"
        with ucspi.server(["ask=" + request, "answer", *ucspi.touch(mode), "reap"], mode) as (
            ours,
            _,
            report,
        ):
            check_failure(report(), 100, name)
            tap.equal(len(ours.stderr().splitlines()), 1, f"{name}: one line", ours.stderr)


def check_failure(report, code, name):
    tap.equal(report["code"], code, f"{name}: the helper exits {code}")
    tap.equal(report["answer"], "", f"{name}: the control descriptor ends without an answer")
    tap.equal(report.get("rest", ""), "", f"{name}: nothing to read")
    tap.equal(report.get("error"), "Broken pipe", f"{name}: nothing can be written")


def failed_handshakes(label, mode):
    after = ["answer", *ucspi.touch(mode), "reap"]
    server_steps = [*READY, "ask=Y", *after]
    client_steps = ["say=STARTTLS\\r\\n", "hear", "ask=y", *after]

    name = f"{label}: server, client without a certificate"
    with ucspi.server(server_steps, [*mode, "-y", "-t", "1.2"]) as (ours, sock, report):
        ask(sock)
        tls = Tls(sock, context())
        try:
            tls.handshake()
        except ssl.SSLError:
            tls.drain()
        check_failure(report(), 98, name)
        tap.ok(tls.alerts, f"{name}: the peer has an alert")
        tap.equal(len(ours.stderr().splitlines()), 1, f"{name}: one line", ours.stderr)

    name = f"{label}: client, certificate of an unknown CA"
    with ucspi.client(client_steps, mode) as (ours, sock, report):
        ucspi.read_line(sock)
        sock.sendall(GO_AHEAD)
        tls = Tls(sock, context(server=True, cert="selfsigned"), server=True)
        try:
            tls.handshake()
            tls.read()
        except ssl.SSLError:
            tls.drain()
        check_failure(report(), 98, name)
        tap.equal(tls.alerts, [48], f"{name}: the peer has the alert unknown_ca")
        tap.equal(len(ours.stderr().splitlines()), 1, f"{name}: one line", ours.stderr)

    name = f"{label}: a peer that says nothing"
    with ucspi.server(server_steps, [*mode, "-K", "100"]) as (ours, sock, report):
        ask(sock)
        check_failure(report(), 98, name)


# ---- keys are read when they are needed ----


def late_keys(label, mode):
    missing = {name: proc.temp("later") for name in ("CERTFILE", "KEYFILE")}
    with ucspi.server([*READY, "decline", "reap"], mode, missing) as (ours, sock, report):
        ask(sock)
        tap.equal(report()["code"], 0, f"{label}: no key is looked for when prog declines", ours.stderr)
        is_quiet(ours, f"{label}: and none is missed")
    with ucspi.server([*READY, "ask=Y", "answer", *ROUND], mode, missing) as (ours, sock, report):
        for name, source in ucspi.credentials("ec384").items():
            shutil.copy(source, missing[name])
        ask(sock)
        tls = ucspi.connect(sock)
        shown = tls.tls.getpeercert(binary_form=True)
        tap.equal(shown, pki.der(pki.crt("ec384")), f"{label}: keys are read when prog asks")
        _finish(tls, mode)
        report()
    steps = ["ask=Y", "answer", "reap"]
    with ucspi.server(steps, mode, {**missing, "KEYFILE": "/nonexistent/file"}) as (ours, sock, report):
        tap.equal(report()["code"], 96, f"{label}: a key that is missing then: the helper exits 96")
        tap.equal(report()["answer"], "", f"{label}: without an answer")
        tap.ok("/nonexistent/file" in ours.stderr(), f"{label}: and names the file", ours.stderr)


# ---- the helper ----


def helper_holds_little(label, mode):
    """Before prog asks: the connection, the control descriptor and its ends of
    the pipes; none of prog's."""
    inherited = os.open("/dev/null", os.O_RDONLY)
    for run, what in ((ucspi.server, "server"), (ucspi.client, "client")):
        go_on = proc.temp("go-on")
        steps = ["inspect", "report", "await=" + go_on]
        with run(steps, mode, fds={9: inherited}) as (ours, _, report):
            seen = report.now()["descriptors"]
            (helper,) = proc.descendants(ours.pid)
            if os.geteuid():
                _is_hidden(helper, f"{label}: {what}'s helper")
                open(go_on, "w").close()
                continue
            held = proc.descriptors(helper)
            connection = {0, 1} if what == "server" else {6, 7}
            tap.ok(
                all(held.get(fd) == seen[str(fd)] for fd in connection) and held.get(2) == seen["2"],
                f"{label}: {what}'s helper has the connection and stderr",
                lambda: f"{held}\n{seen}",
            )
            others = {fd: where for fd, where in held.items() if fd > 2 and fd not in connection}
            tap.equal(
                [
                    where
                    for where in others.values()
                    if where in seen.values() and not where.startswith("pipe:")
                ],
                [],
                f"{label}: {what}'s helper has nothing else of prog's",
            )
            tap.equal(
                len(others), 3 if ucspi.has_pipes(mode) else 1, f"{label}: {what}'s helper: no more", held
            )
            writable = proc.access_modes(helper)
            tap.ok(_ends_match(others, writable), f"{label}: {what}'s helper has only its ends", writable)
        open(go_on, "w").close()


def _is_hidden(helper, name):
    try:
        shown = proc.descriptors(helper)
    except PermissionError:
        shown = None
    tap.equal(shown, None, f"{name} is not shown to the user it runs as")


def _ends_match(others, modes):
    """One pipe to write to, one to read from."""
    pipes = sorted(modes[fd] for fd, where in others.items() if where.startswith("pipe:"))
    return pipes in ([], [os.O_RDONLY, os.O_WRONLY])


def not_startable(label, mode):
    for command, wanted in (("/nonexistent", 127), ("/etc/passwd", 126)):
        a, b = tcp_pair()
        with tlsd(b, mode, (command,), program=ucspi.UCSPITLSD) as ours, a:
            tap.equal(ours.wait(), wanted, f"{label}: {command} as prog: exit {wanted}", ours.stderr)
            tap.equal(a.recv(1), b"", f"{label}: {command} as prog: the helper has left the connection")


def separated(label, mode):
    """TLS_UID: the helper's handshake in a process of its own."""
    name = f"{label}: TLS_UID"
    if os.geteuid():
        tap.skip(name, "needs root")
        return
    env = {"TLS_UID": "65534", "TLS_GID": "65534"}
    with ucspi.server([*READY, "ask=Y", "answer", *ROUND], mode, env) as (ours, sock, report):
        ask(sock)
        tls = ucspi.connect(sock)
        tap.equal(_finish(tls, mode), SECRET, f"{name}: echo", ours.stderr)
        tap.ok(ucspi.variables(report()["answer"]), f"{name}: the answer", report()["answer"])
        tap.equal(report()["code"], 0, f"{name}: the helper's exit code", ours.stderr)
        is_quiet(ours, name)
    with ucspi.server([*READY, "ask=Y", "answer", *ucspi.touch(mode), "reap"], [*mode, "-y"], env) as (
        ours,
        sock,
        report,
    ):
        ask(sock)
        tls = Tls(sock, context(version="1.2"))
        try:
            tls.handshake()
        except ssl.SSLError:
            tls.drain()
        check_failure(report(), 98, f"{name}, client without a certificate")


def killed_prog(label, mode):
    with ucspi.server(["report", "await=/nonexistent/file"], mode) as (ours, sock, report):
        report.now()
        (helper,) = proc.descendants(ours.pid)
        os.kill(ours.pid, 9)
        ours.wait()
        tap.equal(sock.recv(1), b"", f"{label}: prog is killed, and the connection is closed")
        proc.await_true(lambda: helper not in proc.processes(), "the helper's end")
        is_quiet(ours, f"{label}: prog is killed")


EVERY = (
    server_asks,
    client_asks,
    prog_is_given,
    eager_client_hello,
    declined,
    other_requests,
    failed_handshakes,
    late_keys,
    *ucspi_attacks.EVERY,
    helper_holds_little,
    not_startable,
    separated,
    killed_prog,
)


def all_with(label, mode):
    """As functions without arguments."""
    return tap.bound(EVERY, label, mode)
