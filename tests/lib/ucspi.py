"""UCSPI-TLS: ktls-ucspitlsd and ktls-ucspitlsc with a prog that does what a test
says, and a peer that speaks in the clear first."""

import contextlib
import json
import os

import pki
import proc
from peers import Tls, context, tcp_pair, tlsc, tlsd

PROG = os.path.join(proc.LIB, "ucspi-prog")
UCSPITLSD = os.path.join(proc.BIN, "ktls-ucspitlsd")
UCSPITLSC = os.path.join(proc.BIN, "ktls-ucspitlsc")

COMMAND, GO_AHEAD = b"STARTTLS\r\n", b"220 ready\r\n"
READY = ("hear", "say=220 ready\\r\\n")  # a server's prog before it asks
SECRET = b"to be protected\n"
VARIABLES = (
    "SSL_PROTOCOL",
    "SSL_CIPHER",
    "SSL_PATH",
    "SSL_TLS_SNI_SERVERNAME",
    "SSL_ALPN",
    "SSL_PEER_CERT_HASH",
    "SSL_PEER_CERT_SUBJECT",
    "SSL_PEER_CERT_SAN",
)


class Report:
    """What ucspi-prog wrote, once it is there."""

    def __init__(self, ours, path):
        self.ours, self.path = ours, path

    def __call__(self):
        """When prog is done, for which all that it waits for must have happened."""
        self.ours.wait()
        return self.now()

    def now(self):
        proc.await_true(lambda: os.path.exists(self.path), "prog's report: " + self.ours.stderr())
        with open(self.path) as f:
            return json.load(f)


@contextlib.contextmanager
def server(steps, options=(), env=None, **more):
    """ktls-ucspitlsd: yields (process, the peer's socket, report)."""
    path = proc.temp("report")
    a, b = tcp_pair()
    a.settimeout(proc.LIMIT)
    changes = {"REPORT": path, **(env or {})}
    with tlsd(b, options, (PROG, "0", "1", *steps), env=changes, program=UCSPITLSD, **more) as ours, a:
        yield ours, a, Report(ours, path)


@contextlib.contextmanager
def client(steps, options=(), env=None, **more):
    path = proc.temp("report")
    a, b = tcp_pair()
    changes = {"REPORT": path, **(env or {})}
    words = ["-k", "localhost", *options]
    with tlsc(a, words, (PROG, "6", "7", *steps), env=changes, program=UCSPITLSC, **more) as ours, b:
        yield ours, b, Report(ours, path)


def asking(start, program, fdr, fdw):
    """As peers.tlsd or tlsc, for any prog: ucspi-prog asks for TLS and executes it
    on the protected stream; when there is none, it exits as the helper does."""

    def run(sock, options=(), prog=("cat",), **more):
        words = [PROG, *_numbers(options, fdr, fdw), "ask=Y", "answer", "exec", *prog]
        return start(sock, options, words, program=program, **more)

    return run


def _numbers(options, fdr, fdw):
    """Of the connection, with -6 and -7 among the options or not."""
    given = dict(zip(options, options[1:]))
    return [given.get("-6", given.get("--read-fd", fdr)), given.get("-7", given.get("--write-fd", fdw))]


def has_pipes(mode):
    """Else prog's descriptors are the connection, and it must not touch them without an answer."""
    return mode != ["-m", "kernel"]


def touch(mode):
    """Steps that try what an unsuccessful prog can do."""
    return ["rest", "write=x"] if has_pipes(mode) else ["write=x"]


def read_line(sock):
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        if not byte:
            break
        line += byte
    return line


def ask(sock):
    """As the peer of a server: the go-ahead that answers the command."""
    sock.sendall(COMMAND)
    return read_line(sock)


def connect(sock, **how):
    """TLS as the peer of a server."""
    tls = Tls(sock, context(**how))
    tls.handshake()
    return tls


def accept(sock, **how):
    how.setdefault("cert", "ec256")
    tls = Tls(sock, context(server=True, **how), server=True)
    tls.handshake()
    return tls


def echo(tls):
    tls.write(SECRET)
    return tls.read_exactly(len(SECRET))


def variables(answer):
    """{name: value} of a whole answer, None for a name alone; None when it is not whole."""
    if not answer.endswith("\0\0"):
        return None
    return {name: value if equals else None for name, equals, value in _parts(answer)}


def _parts(answer):
    return [variable.partition("=") for variable in answer[:-2].split("\0")]


def until_cut(sock):
    """What still comes until the connection is over, one way or the other."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := sock.recv(65536):
            found += data
    return found


def client_hello(**how):
    """The first flight of a client, as bytes."""
    tls = Tls(None, context(**how))
    try:
        tls.tls.do_handshake()
    except OSError:  # ssl.SSLWantReadError
        pass
    return tls.outgoing.read()


def credentials(name):
    return {"CERTFILE": pki.crt(name), "KEYFILE": pki.key(name)}
