#!/usr/bin/python3
# Clients of other people, by name and by address: against ktls-tlsserver as the README has
# it; and against ktls-tlsd ktls-eof, where no process of ours stays.
# runs: host; takes: long
# runs: every kernel; not: sanitizers; takes: long

import contextlib
import os
import socket

import lib
import foreign
import front
import outside
import pki
import proc
import tap
from peers import Tls, context

# the dynamic linker preloads nothing from a path with a space: the library is beside these
TLSD, EOF = (os.path.join(proc.installed(), name) for name in ("ktls-tlsd", "ktls-eof"))


def relayed(prog, env=None):
    return front.server([], prog, env=env)


@contextlib.contextmanager
def alone(prog, env=None):
    certificate = {"CERTFILE": pki.crt("ec256"), "KEYFILE": pki.key("ec256")}
    with outside.TcpServer([TLSD, EOF, *prog], proc.environment(**certificate, **(env or {}))) as server:
        yield server.proc, server.port


def nobody_beside():
    """In the middle of a connection."""
    with alone((foreign.WEBD,)) as (server, port):
        with socket.create_connection(("127.0.0.1", port), proc.LIMIT) as s:
            tls = Tls(s, context())
            tls.handshake()
            tls.write(b"GET /keep HTTP/1.1\r\n\r\n")
            tls.read()
            found = [argv for _, _, argv in proc.descendants(server.pid).values()]
            tap.ok(len(found) == 1 and foreign.WEBD in found[0], "one process, which is prog", found)


tap.main(
    host=tap.bound(foreign.ALL, relayed),
    kernel=[nobody_beside, *tap.bound(foreign.DYNAMIC, alone), *tap.bound(foreign.ALL, relayed)],
)
