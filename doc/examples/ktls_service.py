#!/usr/bin/env python3
# ISC license.
"""TLS connections from ktls-init, with the standard library alone.

    ktls-init python3 ktls_service.py get tls://example.org:443 example.org
    ktls-init python3 ktls_service.py echo 'tls://0.0.0.0:443?cert=c.pem&key=k.pem'

Neither this program nor Python's ssl module knows a key: the descriptor that
comes back is an ordinary socket, and what is written to it goes out protected.
"""

import os
import socket
import sys
from urllib.parse import unquote

MAX_PACKET = 4096


class Refused(Exception):
    """The service said ERR; the text is its reason."""


class Service:
    """A channel of our own, so that no other process takes our replies."""

    def __init__(self):
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.channel.connect(os.environ["KTLS_PATH"])
        except (KeyError, OSError):
            self.attach()

    def attach(self):
        """Where there is no path, to what all share."""
        self.channel.close()
        shared = socket.socket(fileno=os.dup(int(os.environ["KTLS_FD"])))
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # requests are their sender's
        with shared, theirs:
            socket.send_fds(shared, [b"ATTACH\n"], [theirs.fileno()])

    def request(self, command, url):
        self.channel.send(f"{command} {url}\n".encode("ascii"))

    def reply(self):
        """The next connection and what was negotiated for it."""
        packet, fds, _, _ = socket.recv_fds(self.channel, MAX_PACKET, 1)
        if not packet:
            raise EOFError("the service is gone")
        kind, _command, url, *rest = packet.decode("ascii").rstrip("\n").split(" ")
        if kind != "OK":
            raise Refused(f"{url}: {' '.join(rest)}")
        facts = dict(fact.split("=", 1) for fact in rest)
        return socket.socket(fileno=fds[0]), {name: unquote(value) for name, value in facts.items()}

    def connect(self, url):
        self.request("CONNECT", url)
        return self.reply()

    def accept_all(self, url):
        self.request("ACCEPT", url)
        while True:
            yield self.reply()


def get(service, url, host):
    connection, facts = service.connect(url)
    print(facts["protocol"], facts["cipher"], facts["path"], file=sys.stderr)
    with connection, connection.makefile("rb") as answer:
        connection.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        sys.stdout.buffer.write(answer.read())


def echo(service, url):
    for connection, facts in service.accept_all(url):
        print("from", facts.get("remote", "somewhere"), facts["protocol"], file=sys.stderr)
        with connection, connection.makefile("rwb") as stream:
            stream.write(stream.readline())


if __name__ == "__main__":
    {"get": get, "echo": echo}[sys.argv[1]](Service(), *sys.argv[2:])
