#!/usr/bin/python3
# ktls-pipe: a client on pipes, a socket, or kernel TLS, and a program that listens.
# runs: host
# runs: every kernel, -m kernel

import contextlib
import hashlib
import os
import socket
import struct
import threading

import lib
import peers
import proc
import tap
from peers import Tls, context, tcp_pair
from proc import Proc

PIPE = os.path.join(proc.BIN, "ktls-pipe")
MODE = os.environ.get("KTLS_TEST_MODE", "user")
BULK = os.urandom(1 << 20)
PEER, USAGE, SYSTEM = 98, 100, 111


class Backend(threading.Thread):
    """Listens, serves one connection with a function of its socket."""

    def __init__(self, serve, family=socket.AF_INET, address=("127.0.0.1", 0)):
        super().__init__(daemon=True)
        self.serve, self.failure = serve, None
        self.listener = socket.socket(family)
        self.listener.bind(address)
        self.listener.listen(4)
        bound = self.listener.getsockname()
        self.where = f"unix:{bound}" if family == socket.AF_UNIX else f"{address[0]}:{bound[1]}"
        self.start()

    def run(self):
        try:
            sock, _ = self.listener.accept()
            with sock:
                sock.settimeout(proc.LIMIT)
                self.serve(sock)
        except OSError as error:
            self.failure = error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.join(proc.LIMIT)


def receive(sock):
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
    return data


def digest_at_end(sock):
    """The reply comes after the request's end, so it tells that half-close works."""
    sock.sendall(hashlib.sha256(receive(sock)).digest() + BULK)


REPLY = hashlib.sha256(BULK).digest() + BULK


def start(argv, fds, **env):
    return Proc([PIPE, *argv], proc.environment(**env), fds)


def feed(write, close):
    """In a thread: whoever reads little at a time must not stop us."""

    def run():
        with contextlib.suppress(OSError):
            write(BULK)
            close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data) :]


def on_pipes(name, backend):
    with backend, start([backend.where], {0: "pipe", 1: "pipe"}) as ours:
        feeder = feed(lambda data: write_all(ours.pipe[0], data), ours.close)
        got = ours.read()
        feeder.join(proc.LIMIT)
        tap.ok(got == REPLY, f"{name}: whole both ways, half-closed", ours.stderr)
        tap.equal((ours.wait(), ours.stderr()), (0, ""), f"{name}: nothing to say")


def pipes():
    on_pipes("pipes, an address", Backend(digest_at_end))
    on_pipes("pipes, IPv6", Backend6(digest_at_end))
    on_pipes("pipes, a path", Backend(digest_at_end, socket.AF_UNIX, proc.temp("backend")))
    named = Backend(digest_at_end)
    named.where = named.where.replace("127.0.0.1", "localhost")
    on_pipes("pipes, a name", named)


def Backend6(serve):
    backend = Backend(serve, socket.AF_INET6, ("::1", 0))
    backend.where = backend.where.replace("::1", "[::1]")
    return backend


def one_socket():
    for name, (theirs, ours_end) in (("TCP", tcp_pair()), ("Unix", socket.socketpair())):
        ours_end.setblocking(True)
        theirs.settimeout(proc.LIMIT)
        with Backend(digest_at_end) as backend, start([backend.where], {0: ours_end, 1: ours_end}) as ours, theirs:
            ours_end.close()
            feeder = feed(theirs.sendall, lambda: theirs.shutdown(socket.SHUT_WR))
            got = receive(theirs)
            feeder.join(proc.LIMIT)
            tap.ok(got == REPLY, f"one {name} socket: whole both ways, half-closed", ours.stderr)
            tap.equal((ours.wait(), ours.stderr()), (0, ""), f"one {name} socket: nothing to say")


def behind_tls():
    for version in peers.BOTH:
        a, b = tcp_pair()
        with Backend(digest_at_end) as backend:
            with peers.tlsd(b, ["-m", MODE], prog=[PIPE, backend.where]) as ours, a:
                tls = Tls(a, context(version=version))
                tls.handshake()
                tls.write(BULK)
                tls.close_notify()
                got = tls.read_exactly(len(REPLY))
                tap.ok(got == REPLY, f"ktls-tlsd -m {MODE}, {version}: whole both ways, half-closed", ours.stderr)
                tap.ok(tls.end_of_stream() == "close_notify", f"-m {MODE}, {version}: close_notify")
                tap.equal((ours.wait(), ours.stderr()), (0, ""), f"-m {MODE}, {version}: nothing to say")


def backend_ends_first():
    a, b = tcp_pair()
    with Backend(lambda sock: sock.sendall(b"bye")) as backend:
        with peers.tlsd(b, ["-m", MODE], prog=[PIPE, backend.where]) as ours, a:
            tls = Tls(a, context())
            tls.handshake()
            tap.equal(tls.read_exactly(3), b"bye", "the backend's last words")
            tap.ok(tls.end_of_stream() == "close_notify", "and its end")
            tls.close_notify(fin=True)
            tap.equal((ours.wait(), ours.stderr()), (0, ""), "nothing to say")


def proxy_headers():
    remote = {"TCPREMOTEIP": "192.0.2.1", "TCPREMOTEPORT": "12345", "TCPLOCALIP": "198.51.100.2", "TCPLOCALPORT": "443"}
    unknown = {name: None for name in remote}
    v4 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\x30\x39\1\xbb"
    for name, version, env, wanted in (
        ("version 1", "1", remote, b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n"),
        ("version 1, no addresses", "1", unknown, b"PROXY UNKNOWN\r\n"),
        ("version 1, not an address", "1", {**remote, "TCPREMOTEIP": "a\r\nb"}, b"PROXY UNKNOWN\r\n"),
        ("version 1, not a port", "1", {**remote, "TCPREMOTEPORT": "65536"}, b"PROXY UNKNOWN\r\n"),
        ("version 2", "2", remote, v4),
        ("version 2, no addresses", "2", unknown, v4[:12] + b"\x20\0\0\0"),
        ("version 2, ALPN", "2", {**remote, "SSL_ALPN": "h2"}, v4[:15] + b"\x11" + v4[16:] + b"\1\0\2h2"),
    ):
        seen = []
        with Backend(lambda sock: seen.append(receive(sock))) as backend:
            with start(["-P", version, backend.where], {0: "pipe", 1: "pipe"}, **env) as ours:
                ours.write(b"data")
                ours.close()
                tap.equal((ours.wait(), ours.stderr()), (0, ""), f"PROXY header, {name}: exit")
        tap.equal(seen, [wanted + b"data"], f"PROXY header, {name}: in front of the data")


def says(name, argv, code, words, fds=None, **env):
    with start(argv, fds or {}, **env) as ours:
        got, said = ours.wait(), ours.stderr()
    good = got == code and words in said and said.startswith("ktls-pipe: ") and said.count("\n") == 1
    tap.ok(good, f"{name}: exit {got}, {said.strip()}", f"wanted {code} and {words!r}")


def failures():
    says("nobody listens", [f"127.0.0.1:{peers.free_port()}"], SYSTEM, "Connection refused")
    says("no such path", ["unix:/nonexistent/socket"], SYSTEM, "connecting to unix:/nonexistent/socket: No such file")
    says("no such name", ["does-not-exist.invalid:80"], SYSTEM, "does-not-exist.invalid: ")
    says("no port", ["127.0.0.1"], USAGE, "127.0.0.1: ")
    says("no such port", ["127.0.0.1:65536"], USAGE, "127.0.0.1:65536: ")
    says("a long path", ["unix:/" + 200 * "x"], USAGE, "too long")
    for argv in ([], ["a:1", "b:2"], ["-P", "3", "127.0.0.1:1"]):
        with start(argv, {}) as ours:
            tap.ok(ours.wait() == USAGE and "usage" in ours.stderr(), f"{argv}: usage", ours.stderr)


def reset(sock):
    sock.recv(1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def broken():
    with Backend(reset) as backend, start([backend.where], {0: "pipe", 1: "pipe"}) as ours:
        ours.write(b"xx")
        ours.read()
        ours.close()
        tap.ok(ours.wait() == PEER and "Connection reset" in ours.stderr(), "the backend resets", ours.stderr)


def ended_backend():
    """A Unix socket reports a hangup for as long as it is open after its peer has closed it. Nobody takes what the
    client sends then, so the connection ends even if the client does not end it."""

    def say_bye(sock):
        sock.sendall(b"bye")

    for name in ("pipes", "a socket"):
        theirs, ours_end = socket.socketpair()
        theirs.settimeout(proc.LIMIT)
        fds = {0: "pipe", 1: "pipe"} if name == "pipes" else {0: ours_end, 1: ours_end}
        backend = Backend(say_bye, socket.AF_UNIX, proc.temp(f"ended {name}"))
        with backend, start([backend.where], fds) as ours, theirs:
            ours_end.close()
            got = ours.read() if name == "pipes" else receive(theirs)
            tap.equal(got, b"bye", f"a backend closes its Unix socket, {name}: its last words")
            tap.equal((ours.wait(), ours.stderr()), (0, ""), f"a backend closes its Unix socket, {name}: the end")


def idle():
    with Backend(receive) as backend, start(["-K", "200", backend.where], {0: "pipe", 1: "pipe"}) as ours:
        tap.ok(ours.wait() == PEER and "idle timeout" in ours.stderr(), "-K: an idle connection ends", ours.stderr)


def back_pressure():
    """What the client does not read, the backend cannot send."""
    sent = []

    def flood(sock):
        sock.settimeout(0.5)
        with contextlib.suppress(OSError):
            for _ in range(1024):
                sent.append(sock.send(BULK[:65536]))

    with Backend(flood) as backend:
        with start([backend.where], {0: "pipe", 1: "pipe"}) as ours:
            backend.join(proc.LIMIT)
            tap.ok(sum(sent) < 32 << 20, f"{sum(sent)} bytes are under way to a client that does not read")
            tap.equal(len(ours.read()), sum(sent), "and arrive once it does")


tap.main(
    host=[
        pipes,
        one_socket,
        behind_tls,
        backend_ends_first,
        proxy_headers,
        failures,
        broken,
        ended_backend,
        idle,
        back_pressure,
    ],
    kernel=[behind_tls, backend_ends_first],
)
