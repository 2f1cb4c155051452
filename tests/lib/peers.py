"""The other end: Python's TLS over a socket, byte by byte under our control."""

import os
import select
import socket
import ssl
import struct

import pki
import proc
import records
from proc import Proc

VERSION = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
BOTH = ("1.2", "1.3")


def name_of(sock):
    """An end of a TCP connection as the programs' messages name it."""
    ip, port = sock.getsockname()[:2]
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def tcp_pair():
    """Two ends of one TCP connection on 127.0.0.1: (connecting, accepted)."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        a = socket.create_connection(listener.getsockname(), proc.LIMIT)
        b, _ = listener.accept()
    for s in (a, b):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    b.settimeout(proc.LIMIT)
    return a, b


class Vanished(Exception):
    """The peer closed where it was told to."""


class Tls:
    """One end of TLS on a socket. Nothing is sent but by flush(), so that
    tests decide what shares a segment. cut: close after so many bytes. session:
    one of the same context, to resume."""

    def __init__(self, sock, context, server=False, name="localhost", cut=None, session=None):
        self.sock, self.cut = sock, cut
        self.sent, self.got = b"", b""
        self.alerts = []
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context._msg_callback = self._message
        self.tls = context.wrap_bio(
            self.incoming,
            self.outgoing,
            server_side=server,
            server_hostname=None if server else name,
            session=session,
        )

    def _message(self, _conn, direction, _version, content_type, message_type, _data):
        if direction == "read" and content_type == records.ALERT:
            self.alerts.append(int(message_type))

    def flush(self, fin=False):
        data = self.outgoing.read()
        if self.cut is not None and len(self.sent) + len(data) >= self.cut:
            self._send(data[: self.cut - len(self.sent)])
            raise Vanished
        self._send(data, fin)

    def _send(self, data, fin=False):
        self.sent += data
        if fin:
            # corked, so that the FIN goes out with the last byte of data
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        if data:
            self.sock.sendall(data)
        if fin:
            self.sock.shutdown(socket.SHUT_WR)

    def fill(self):
        """Waits for bytes; False at the end of the stream."""
        data = self.sock.recv(65536)
        self.got += data
        self.incoming.write(data) if data else self.incoming.write_eof()
        return bool(data)

    def _run(self, step, flush=True):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                self.fill()
            except ssl.SSLError:
                try:
                    self._send(self.outgoing.read())
                except BrokenPipeError:  # our side has ended
                    pass
                raise

    def handshake(self, flush=True):
        self._run(self.tls.do_handshake)
        if flush:
            self.flush()

    def write(self, data, flush=True):
        self.tls.write(data)
        if flush:
            self.flush()

    def read(self, size=65536):
        """b'' after close_notify; an ssl.SSLError after a bare FIN."""
        try:
            return self._run(lambda: self.tls.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def read_exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.read(size - len(data))
            if not more:
                break
            data += more
        return data

    def close_notify(self, fin=False):
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.flush(fin)

    def end_of_stream(self):
        """ "close_notify", "FIN", or what came instead."""
        try:
            data = self.read()
            return "close_notify" if not data else f"data {data[:40]!r}"
        except ssl.SSLError as e:
            if "EOF" in str(e):
                return "FIN"
            raise
        except ConnectionResetError:
            return "RST"

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def drain(self):
        """After a failure: takes what the other end still sends."""
        try:
            while self.fill():
                pass
        except OSError:
            pass
        if not self.alerts and records.plain_alert(self.got) is not None:
            self.alerts.append(records.plain_alert(self.got))


def context(
    server=False,
    version=None,
    cert=None,
    key=None,
    ca=None,
    verify=True,
    alpn=None,
    weak=False,
    client_cert=None,
    suites=None,
    groups=None,
    tickets=None,
):
    """An ssl.SSLContext; version "1.2", "1.3" or both; client_cert (server):
    "optional" or "required"."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = VERSION[version or "1.2"]
    made.maximum_version = VERSION[version or "1.3"]
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if weak:
        made.set_ciphers("ALL:@SECLEVEL=0")
    if suites:
        made.set_ciphers(suites)
    if groups:
        made.set_ecdh_curve(groups)
    if cert:
        made.load_cert_chain(pki.crt(cert) if "/" not in cert else cert, key or pki.key(cert))
    if alpn:
        made.set_alpn_protocols(alpn)
    if tickets is not None:
        made.num_tickets = tickets
    _trust(made, server, ca, verify, client_cert)
    return made


def _trust(made, server, ca, verify, client_cert):
    if server:
        modes = {None: ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
        made.verify_mode = modes[client_cert]
    elif not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    made.load_verify_locations(ca or pki.ca())


def tlsd(
    sock, options=(), prog=("cat",), cert="ec256", env=None, fds=None, wrapper=(), program=proc.TLSD
):
    """ktls-tlsd on an accepted socket, which it now owns."""
    sock.setblocking(True)
    changes = {"CERTFILE": pki.crt(cert), "KEYFILE": pki.key(cert), "CAFILE": pki.ca()} if cert else {}
    changes.update(env or {})
    argv = [*wrapper, program, *options, *prog]
    made = Proc(argv, proc.environment(**changes), {0: sock, 1: sock, **(fds or {})})
    sock.close()
    return made


def tlsc(
    sock, options=("-k", "localhost"), prog=("cat",), env=None, fds=None, wrapper=(), program=proc.TLSC
):
    """ktls-tlsc on a connected socket, which it now owns; prog's standard
    input and output are pipes unless fds says otherwise."""
    sock.setblocking(True)
    changes = {"CAFILE": pki.ca()}
    changes.update(env or {})
    argv = [*wrapper, program, *options, *prog]
    made = Proc(argv, proc.environment(**changes), {0: "pipe", 1: "pipe", 6: sock, 7: sock, **(fds or {})})
    sock.close()
    return made


def drip(sock, ours, data, enough=lambda: False):
    """A byte every 20 ms, until ours ends or it is enough; whether either came true."""
    pidfd = os.pidfd_open(ours.pid)
    try:
        for byte in data:
            if select.select([pidfd], [], [], 0.02)[0] or enough():
                return True
            sock.sendall(bytes([byte]))
        return False
    except OSError:
        return True
    finally:
        os.close(pidfd)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def marker():
    """A path that must not come to exist, and the prog that would make it."""
    path = proc.temp("prog-was-started")
    return path, ("touch", path)


def started(path):
    return os.path.exists(path)
