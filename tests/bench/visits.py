"""What clients of a measured server do: one connection for each call of a visit. What that costs the client is not
measured."""

import os
import selectors
import socket
import ssl
import threading

import peers
import pki
import proc
import records

X25519 = 29
GROUPS = {X25519: "X25519", 23: "secp256r1", 4588: "X25519MLKEM768", 4587: "SecP256r1MLKEM768"}
SERVER_HELLO, SERVER_KEY_EXCHANGE = 2, 12


def plain(port):
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        while s.recv(4096):
            pass


class Tls:
    """Full handshakes with the group X25519, or resumed ones after the first. request: what is sent to a server that
    would wait for it."""

    def __init__(self, version, resumed=False, request=b""):
        self.context = peers.context(version=version)
        # a session that ends without close_notify is resumed all the same
        self.context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
        self.context._msg_callback = self._message
        self.resumed, self.request, self.session, self.group = resumed, request, None, None

    def _message(self, _connection, direction, _version, content_type, message_type, data):
        if direction != "read" or content_type != records.HANDSHAKE:
            return
        if message_type == SERVER_HELLO and self.context.minimum_version == peers.VERSION["1.3"]:
            self.group = _key_share(data)
        elif message_type == SERVER_KEY_EXCHANGE:
            self.group = int.from_bytes(data[5:7], "big")

    def handshake(self, port):
        s = socket.create_connection(("127.0.0.1", port), 60)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(s, server_hostname="localhost", session=self.session)

    def __call__(self, port):
        with self.handshake(port) as tls:
            if bool(self.session) != tls.session_reused:
                raise RuntimeError("the server does not resume sessions")
            if not self.session and self.group != X25519:
                raise RuntimeError(f"the server uses the group {GROUPS.get(self.group, self.group)}")
            if self.request:
                tls.sendall(self.request)
            try:
                while tls.recv(4096):
                    pass
            except OSError:
                pass
            if self.resumed and not self.session:
                self.session = tls.session


class Hybrid:
    """Full handshakes of TLS 1.3 by ktls-tlsc, whose first group is X25519MLKEM768."""

    def __init__(self, prog):
        self.prog = prog

    def connect(self, sock):
        argv = [proc.TLSC, "-m", "user", "-t", "1.3", "-k", "localhost", self.prog]
        actions = [(os.POSIX_SPAWN_DUP2, sock.fileno(), fd) for fd in (6, 7)]
        return os.posix_spawn(argv[0], argv, proc.environment(CAFILE=pki.ca()), file_actions=actions)

    def __call__(self, port):
        with socket.create_connection(("127.0.0.1", port), 60) as s:
            s.setblocking(True)
            pid = self.connect(s)
        if os.waitpid(pid, 0)[1]:
            raise RuntimeError("ktls-tlsc failed")


def group_of(visit, port):
    """The group that ktls-tlsc and this server agree on, from the ServerHello on its way."""
    ours, theirs = peers.tcp_pair()
    server = socket.create_connection(("127.0.0.1", port), 60)
    ours.setblocking(True)
    pid = visit.connect(ours)
    ours.close()
    up = threading.Thread(target=_forward, args=(theirs, server), daemon=True)
    up.start()
    answer = _forward(server, theirs)
    up.join()
    os.waitpid(pid, 0)
    for s in (theirs, server):
        s.close()
    return GROUPS.get(_key_share(answer[5:]), "unknown group")


def _forward(source, target):
    """Until the end; what was forwarded first."""
    first = b""
    try:
        while data := source.recv(65536):
            first = (first + data)[:4096]
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return first


def _key_share(hello):
    """The group in a ServerHello."""
    at = 4 + 2 + 32
    at += 1 + hello[at] + 3
    end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 2
    while at < end:
        kind, size = (int.from_bytes(hello[at + i : at + i + 2], "big") for i in (0, 2))
        if kind == 51:
            return int.from_bytes(hello[at + 4 : at + 6], "big")
        at += 4 + size
    return None


class Crowd:
    """So many connections are open before the first says hello, and none ends before all have said it."""

    def __init__(self, version, size):
        self.context, self.size = peers.context(version=version), size

    def __call__(self, port):
        ends = [self._open(port) for _ in range(self.size)]
        for end in ends:
            self._step(end)
        with selectors.DefaultSelector() as waiting:
            for end in ends:
                waiting.register(end[0], selectors.EVENT_READ, end)
            left = self.size
            while left:
                for key, _ in waiting.select(60):
                    data = _received(key.data[0])
                    key.data[1].write(data) if data else key.data[1].write_eof()
                    if not data or self._step(key.data):
                        waiting.unregister(key.data[0])
                        left -= 1
        if not all(end[4] for end in ends):
            raise RuntimeError(f"{sum(not end[4] for end in ends)} of {self.size} handshakes failed")
        for end in ends:
            end[0].setblocking(True)
            while _received(end[0]):
                pass
            end[0].close()

    def _open(self, port):
        s = socket.create_connection(("127.0.0.1", port), 60)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        return [s, incoming, outgoing, tls, False]

    @staticmethod
    def _step(end):
        """Whether the handshake is complete."""
        try:
            end[3].do_handshake()
            end[4] = True
        except ssl.SSLWantReadError:
            pass
        end[0].sendall(end[2].read())
        return end[4]


def _received(sock):
    try:
        return sock.recv(65536)
    except OSError:
        return b""
