"""The chain-loading programs as a table of tests sees them: one way to run any
of them against a peer, and one account of what came of it."""

import json
import os
import socket
import ssl
import subprocess

import peers
import pki
import proc
import prog
import ucspi
from peers import Tls, context, tcp_pair

LINE = b"there and back\n"


class Program:
    """start(socket, options, prog, **more) is peers.tlsd or its like;
    descriptors: arguments for progs that are not given the connection on 0 and 1."""

    def __init__(self, name, server, start, descriptors=()):
        self.name, self.server, self.start, self.descriptors = name, server, start, descriptors

    def help(self):
        done = subprocess.run(
            [os.path.join(proc.BIN, self.name), "--help"], capture_output=True, text=True, timeout=proc.LIMIT
        )
        return done.returncode, done.stdout, done.stderr

    def peer(self, **how):
        """The other side's context."""
        if not self.server:
            how.setdefault("cert", "ec256")
        return context(server=not self.server, **how)

    def inspect(self):
        return (prog.INSPECT, *self.descriptors)

    def copy(self):
        """Sends back what it gets, to the end; exits as the relay does."""
        return (os.path.join(proc.LIB, "copy-and-wait"), *self.descriptors)


TLSD = Program("ktls-tlsd", True, peers.tlsd)
TLSC = Program("ktls-tlsc", False, peers.tlsc, ("6", "7"))
UCSPITLSD = Program("ktls-ucspitlsd", True, ucspi.asking(peers.tlsd, ucspi.UCSPITLSD, "0", "1"))
UCSPITLSC = Program(
    "ktls-ucspitlsc", False, ucspi.asking(peers.tlsc, ucspi.UCSPITLSC, "6", "7"), ("6", "7")
)
SERVERS, CLIENTS = [TLSD], [TLSC]
EVERY = SERVERS + CLIENTS


class Outcome:
    """code, errors (lines); env of prog, None when it was not started; alert
    that the peer got; certificate (DER) and server_name that the peer was
    shown; end of the stream."""

    env = alert = certificate = server_name = end = None


def _talk(tls, outcome, half_close):
    tls.handshake()
    outcome.certificate = tls.tls.getpeercert(binary_form=True)
    tls.write(LINE)
    if tls.read_exactly(len(LINE)) != LINE:
        return
    if half_close:
        tls.sock.shutdown(socket.SHUT_WR)
    outcome.end = tls.end_of_stream()


def _note_server_name(made, outcome):
    def note(_tls, name, _context):
        outcome.server_name = name

    made.sni_callback = note


def meet(
    program,
    options=(),
    env=None,
    peer=None,
    name="localhost",
    half_close=False,
    run=None,
    mode=proc.MODE,
    pair=tcp_pair,
    **more,
):
    """A whole connection: handshake, a line there and back through prog, which
    is the inspecting one unless run says otherwise, and the end. half_close:
    the peer ends its side with FIN alone."""
    outcome, report = Outcome(), proc.temp("report")
    a, b = pair()
    made = peer or program.peer()
    if not program.server:
        _note_server_name(made, outcome)
    words = [*(["-m", mode] if mode else []), *options]
    changes = {"INSPECT": report, **(env or {})}
    with program.start(b, words, run or program.inspect(), env=changes, **more) as ours:
        with a:
            tls = Tls(a, made, server=not program.server, name=name)
            try:
                _talk(tls, outcome, half_close)
            except (ssl.SSLError, OSError):
                tls.drain()
        outcome.code = ours.wait()
        outcome.errors = ours.stderr().splitlines()
    outcome.alert = tls.alerts[-1] if tls.alerts else None
    outcome.env = _environment(report)
    return outcome


def _environment(report):
    if not os.path.exists(report):
        return None
    with open(report) as f:
        return json.load(f)["environment"]


def which(der):
    """The name in the PKI of a certificate that was shown."""
    for name in ("ec256", "ec384", "rsa", "client-ec", "client-rsa"):
        if der == pki.der(pki.crt(name)):
            return name
    return der
