"""A link with a delay: a veth pair whose other end is in a network namespace."""

import socket
import subprocess
import time

import proc
from proc import Proc


class Missing(Exception):
    """This kernel or machine cannot do it; the text says what it lacks."""


def _run(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Missing(" ".join(argv) + ": " + done.stderr.strip().replace("\n", "; "))


class Link:
    """.there is the command prefix that runs a program at the far end, which
    has .address; delay_ms holds in each direction."""

    here, address = "10.231.0.1", "10.231.0.2"

    def __init__(self, delay_ms):
        self.holder = Proc(
            ["unshare", "--net", "sh", "-c", "echo ready; exec cat"], None, {0: "pipe", 1: "pipe"}
        )
        try:
            if b"ready" not in self.holder.read(until=rb"ready"):
                raise Missing("no network namespaces: " + self.holder.stderr().strip())
            self.there = ["nsenter", "-t", str(self.holder.pid), "-n"]
            self._connect(delay_ms)
        except Exception:
            self.holder.end()
            raise

    def _connect(self, delay_ms):
        _run("ip", "link", "add", "name", "ktls-here", "type", "veth", "peer", "name", "ktls-there")
        _run("ip", "link", "set", "ktls-there", "netns", str(self.holder.pid))
        for prefix, device, address in (
            ([], "ktls-here", self.here),
            (self.there, "ktls-there", self.address),
        ):
            _run(*prefix, "ip", "addr", "add", address + "/24", "dev", device)
            _run(*prefix, "ip", "link", "set", device, "up")
            _run(*prefix, "tc", "qdisc", "add", "dev", device, "root", "netem", "delay", f"{delay_ms}ms")

    def round_trip(self):
        """Seconds until a refused connection comes back."""
        began = time.monotonic()
        try:
            socket.create_connection((self.address, 1), proc.LIMIT).close()
        except ConnectionRefusedError:
            pass
        return time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "del", "ktls-here"], stdin=subprocess.DEVNULL, capture_output=True)
        self.holder.end()
