"""What every refused handshake has in common: one clear line, the right alert,
the documented exit code, and a prog that never ran."""

import re
import ssl

import peers
import proc
import records
import tap
from peers import Tls, Vanished, tcp_pair

TLS_ERROR = 98


def check(ours, mark, name, code=TLS_ERROR, words=None, limit=None):
    got = ours.wait(limit)
    errors = ours.stderr()
    lines = errors.splitlines()
    problems = []
    if got != code:
        problems.append(f"exit {got}, not {code}")
    if len(lines) != 1 or not re.match(r"ktls-tls[cd]: fatal: \S", lines[0]):
        problems.append("not one line that says what is wrong")
    if words and not re.search(words, errors, re.I):
        problems.append(f"no {words!r} on stderr")
    if peers.started(mark):
        problems.append("prog was started")
    return tap.ok(
        not problems,
        f"{name}: exit {code}" + (f", {lines[0]}" if lines else ""),
        lambda: "\n".join(problems) + "\n" + errors,
    )


def check_alert(tls, wanted, name):
    """wanted: the numbers that are right; None when the peer sends the alert."""
    if wanted is None:
        return
    got = tls.alerts[-1] if tls.alerts else None
    tap.ok(
        got in wanted,
        f"{name}: the peer got {records.alert_name(got)}",
        lambda: "wanted " + " or ".join(map(records.alert_name, wanted)),
    )


def attempt(tls):
    """A handshake, and in TLS 1.3 what comes behind it, that should fail."""
    try:
        tls.handshake()
        tls.read()
    except (ssl.SSLError, OSError, Vanished):
        pass
    tls.drain()


def server(context, name, alerts, options=(), words=None, code=TLS_ERROR, **more):
    """A client with this context must be refused by ktls-tlsd."""
    mark, program = peers.marker()
    a, b = tcp_pair()
    with peers.tlsd(b, ["-m", proc.MODE, *options], program, **more) as ours, a:
        tls = Tls(a, context)
        attempt(tls)
        a.close()
        check(ours, mark, name, code, words)
        check_alert(tls, alerts, name)


def client(context, name, alerts, options=("-k", "localhost"), words=None, code=TLS_ERROR, **more):
    """A server with this context must be refused by ktls-tlsc."""
    mark, program = peers.marker()
    a, b = tcp_pair()
    with peers.tlsc(a, ["-m", proc.MODE, *options], program, **more) as ours, b:
        tls = Tls(b, context, server=True)
        attempt(tls)
        b.close()
        check(ours, mark, name, code, words)
        check_alert(tls, alerts, name)


def raw(spawn, data, name, alerts, options=(), words=None, code=TLS_ERROR, end=False):
    """Bytes that are no handshake. spawn is peers.tlsd or peers.tlsc; end: the
    bytes are followed by FIN."""
    mark, program = peers.marker()
    a, b = tcp_pair()
    if spawn is peers.tlsc:
        options = [*options, "-k", "localhost"]
    with spawn(b, ["-m", proc.MODE, "-v2", *options], program) as ours, a:
        a.sendall(data)
        if end:
            a.shutdown(1)
        got = receive_all(a)
        a.close()
        check(ours, mark, name, code, words)
        number = records.plain_alert(got)
        tap.ok(
            number in alerts,
            f"{name}: the peer got {records.alert_name(number)}",
            lambda: "wanted " + " or ".join(map(records.alert_name, alerts)) + f"; it got {got[-64:]!r}",
        )


def receive_all(sock):
    got = b""
    try:
        while True:
            more = sock.recv(65536)
            if not more:
                return got
            got += more
    except ConnectionResetError:
        return got + b"RST"
