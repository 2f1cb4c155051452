"""Capture on lo, and what may be seen there."""

import contextlib
import select
import socket
import struct
import threading

import records
import tap

ETH_P_ALL = 3


class _Packets:
    def __init__(self):
        self.segments = {}  # (source port, destination port) -> {sequence number: bytes}

    def add(self, frame):
        ip = frame[14:]
        if len(ip) < 40 or ip[0] >> 4 != 4 or ip[9] != socket.IPPROTO_TCP:
            return
        total, header = struct.unpack(">H", ip[2:4])[0], (ip[0] & 15) * 4
        tcp = ip[header:total]
        source, destination, sequence = struct.unpack(">HHI", tcp[:8])
        payload = tcp[(tcp[12] >> 4) * 4 :]
        if payload:
            self.segments.setdefault((source, destination), {})[sequence] = payload

    def streams(self, ports):
        """Both directions' bytes of the connection between two ports."""
        return [self._stream(ports), self._stream(ports[::-1])]

    def _stream(self, key):
        found, at = b"", None
        for sequence, payload in sorted(self.segments.get(key, {}).items()):
            at = sequence if at is None else at
            assert sequence <= at, "the capture lost packets"
            found += payload[at - sequence :]
            at = max(at, sequence + len(payload))
        return found


@contextlib.contextmanager
def capture():
    """Everything on lo while the block runs, as _Packets."""
    packets = _Packets()
    stop_r, stop_w = socket.socketpair()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as s, stop_r, stop_w:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        s.bind(("lo", 0))
        s.setblocking(False)
        thread = threading.Thread(target=_collect, args=(s, stop_r, packets))
        thread.start()
        try:
            packets.stop = lambda: (stop_w.send(b"x"), thread.join())
            yield packets
        finally:
            if thread.is_alive():
                packets.stop()


def _collect(s, stop, packets):
    while True:
        ready, _, _ = select.select([s, stop], [], [])
        try:
            while True:
                packets.add(s.recv(1 << 17))
        except BlockingIOError:
            pass
        if stop in ready:
            return


def check(streams, secrets, name):
    """Only TLS records, and none of the secrets in any of them."""
    tap.ok(all(streams), f"{name}: the capture has both directions", lambda: str([len(s) for s in streams]))
    for stream in streams:
        try:
            rest = records.parse(stream)[1]
            tap.equal(rest, b"", f"{name}: {len(stream)} bytes on the wire are whole TLS records")
        except ValueError as e:
            tap.ok(False, f"{name}: only TLS records on the wire", e)
        seen = [secret for secret in secrets if secret.strip() in stream]
        tap.equal(seen, [], f"{name}: no plaintext on the wire")
