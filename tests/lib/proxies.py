"""What a proxy says in front of a connection: PROXY headers of both versions."""

import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def text(remote, local, remote_port, local_port):
    family = ipaddress.ip_address(remote).version
    return f"PROXY TCP{family} {remote} {local} {remote_port} {local_port}\r\n".encode()


def block(command, family, content=b""):
    return SIGNATURE + struct.pack(">BBH", command, family, len(content)) + content


def binary(remote, local, remote_port, local_port, tlvs=b""):
    addresses = [ipaddress.ip_address(ip) for ip in (remote, local)]
    family = 0x11 if addresses[0].version == 4 else 0x21
    content = b"".join(a.packed for a in addresses) + struct.pack(">HH", remote_port, local_port)
    return block(0x21, family, content + tlvs)


def padding(size):
    """One TLV of that size that says nothing."""
    return struct.pack(">BH", 4, size - 3) + bytes(size - 3)

