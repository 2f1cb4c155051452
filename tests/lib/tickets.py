"""Many TLS 1.3 connections of `ktls-tlsc -m kernel` to `openssl s_server`,
which sends its tickets whatever the client offers: prog's first read must be
data, never EIO."""

import os
import socket
import subprocess
import threading

import outside
import pki
import proc
import tap
from proc import Proc

GREETING = b"the server speaks first\n"
CLIENT_FIRST = ("sh", "-c", "echo the client speaks first >&7; exec head -n 1 <&6")
SERVER_FIRST = ("sh", "-c", "exec head -n 1 <&6")
REPLY = b"tsrif skaeps tneilc eht\n"


class Lane:
    """One s_server, which serves one connection at a time, and the clients
    that go to it one after the other."""

    def __init__(self, server, address, speaker, count, env):
        self.server, self.address, self.speaker, self.count = server, address, speaker, count
        self.env = proc.environment(CAFILE=pki.ca(), **env)
        self.failures = []
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        for number in range(self.count):
            try:
                self._connect()
            except Exception as e:
                self.failures.append(f"connection {number}: {e!r}")
                if isinstance(e, proc.Timeout):
                    return

    def _connect(self):
        if self.speaker == "server":
            self.server.proc.write(GREETING)
        sock = socket.create_connection((self.address, self.server.port), proc.LIMIT)
        sock.setblocking(True)
        program = CLIENT_FIRST if self.speaker == "client" else SERVER_FIRST
        argv = [proc.TLSC, "-m", "kernel", "-t", "1.3", "-k", "localhost", *program]
        with Proc(argv, self.env, {1: "pipe", 6: sock, 7: sock}) as client:
            sock.close()
            output = client.read()
            code = client.wait()
            wanted = REPLY if self.speaker == "client" else GREETING
            if (output, code) != (wanted, 0):
                self.failures.append(f"exit {code}, read {output!r}, stderr {client.stderr()!r}")
        if self.speaker == "server":
            # that is how it takes a FIN; its next greeting is for the next connection
            self.server.proc.read(until=rb"ERROR\n")


def first_in_line():
    """Words that make a program run before all others. ktls-tlsc waits for tickets
    only so long: under load a server must not come too late for that."""
    words = ["chrt", "--fifo", "1"]
    if os.geteuid() == 0 and subprocess.run([*words, "true"], capture_output=True).returncode == 0:
        return words
    return []


def run(speaker, total, lanes, name, address="127.0.0.1", start=None, env={}):
    """total connections in so many lanes; start(cert, *arguments, wrapper=) makes an
    s_server elsewhere than here."""
    arguments = ["-tls1_3"] + (["-rev"] if speaker == "client" else [])
    servers = [(start or outside.SServer)("ec256", *arguments, wrapper=first_in_line()) for _ in range(lanes)]
    try:
        running = [Lane(server, address, speaker, total // lanes, env) for server in servers]
        for lane in running:
            lane.thread.start()
        for lane in running:
            lane.thread.join()
        failures = [failure for lane in running for failure in lane.failures]
        tap.ok(
            not failures,
            f"{name}: {total - len(failures)} of {total} first reads were data",
            lambda: "\n".join(failures[:20]),
        )
    finally:
        for server in servers:
            server.proc.end()
