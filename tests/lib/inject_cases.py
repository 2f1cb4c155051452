"""What runs while system calls fail."""

import os
import socket
import ssl
import threading
from urllib.parse import quote

import peers
import pki
import proc
import ucspi
from inject import MARKER
from peers import Tls, context, tcp_pair
from proc import Proc

SPEAK = ("sh", "-c", f"echo {MARKER.decode()}; exec cat >/dev/null")
SEPARATE = {"TLS_UID": 54321, "TLS_GID": 54322}
CONTEXTS = {}


def made(**arguments):
    key = tuple(sorted(arguments.items()))
    if key not in CONTEXTS:
        CONTEXTS[key] = context(**arguments)
    return CONTEXTS[key]


class Peer(threading.Thread):
    """Shakes hands, says something, and hears the other side out."""

    def __init__(self, sock, ctx, server):
        super().__init__(daemon=True)
        self.sock, self.ctx, self.server, self.tls = sock, ctx, server, None
        sock.settimeout(proc.LIMIT)
        self.start()

    def run(self):
        try:
            self.tls = tls = Tls(self.sock, self.ctx, server=self.server)
            tls.handshake()
            tls.write(b"from the peer\n")
            tls.read(len(MARKER))
            tls.close_notify()
            while tls.fill():
                pass
        except (OSError, ssl.SSLError):
            try:
                self.tls.drain()
            except (OSError, ssl.SSLError, ValueError):
                pass
        finally:
            self.sock.close()

    def received(self):
        self.join(proc.LIMIT)
        return self.tls.got if self.tls else b""


def server(options, version, env=None):
    def scenario(wrapper):
        a, b = tcp_pair()
        ours = peers.tlsd(b, ["-K", "5000", *options], SPEAK, wrapper=wrapper, env=env)
        return ours, Peer(a, made(version=version), False).received

    return scenario


def client(options, version, env=None):
    prog = ("sh", "-c", f"echo {MARKER.decode()} >&7; exec 7>&-; exec cat <&6 >/dev/null")

    def scenario(wrapper):
        a, b = tcp_pair()
        ours = peers.tlsc(b, ["-k", "localhost", "-K", "5000", *options], prog, wrapper=wrapper, env=env)
        return ours, Peer(a, made(server=True, cert="ec256", version=version), True).received

    return scenario


def ucspi_server(options, version, env=None):
    """prog writes, whatever answer it has got; where its descriptors are the
    connection itself, only with an answer."""
    steps = ("ask=Y", "answer", f"write={MARKER.decode()}\\n", "close=output", "rest", "close=input", "close=connection")
    if not ucspi.has_pipes(options):
        steps = ("ask=Y", "answer", "exec", *SPEAK)
    changes = {"REPORT": proc.temp("prog"), **(env or {})}

    def scenario(wrapper):
        a, b = tcp_pair()
        ours = peers.tlsd(
            b,
            ["-K", "5000", *options],
            (ucspi.PROG, "0", "1", *steps),
            wrapper=wrapper,
            env=changes,
            program=ucspi.UCSPITLSD,
        )
        return ours, Peer(a, made(version=version), False).received

    return scenario


class Accepting:
    """A TLS server on a port of its own, for one connection."""

    def __init__(self, version):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.version, self.peer = version, None
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        try:
            sock, _ = self.listener.accept()
        except OSError:
            return
        self.peer = Peer(sock, made(server=True, cert="ec256", version=self.version), True)

    def received(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(proc.LIMIT)
        self.listener.close()
        return self.peer.received() if self.peer else b""


def init_client(version, parameters="", env=None):
    """ktls-init, its service, and ktls-connect."""
    prog = ("sh", "-c", f"echo {MARKER.decode()} >&7; exec 7>&-; exec cat <&6 >/dev/null")

    def scenario(wrapper):
        server = Accepting(version)
        url = f"tls://127.0.0.1:{server.port}?ca={quote(pki.ca())}&sni=localhost{parameters}"
        argv = [*wrapper, os.path.join(proc.BIN, "ktls-init"), "-s", os.path.join(proc.BIN, "ktls-connect"), url, *prog]
        return Proc(argv, proc.environment(**(env or {}))), server.received

    return scenario
