"""A client of ktls-init's socket service, written to its protocol."""

import array
import os
import socket
import time
from urllib.parse import quote, unquote

import pki
import proc
from proc import Proc

INIT = os.path.join(proc.BIN, "ktls-init")


class Err(Exception):
    """The reply was ERR: .facts and .reason."""

    def __init__(self, line):
        super().__init__(line)
        self.line = line
        words = line.split(" ")[3:]
        self.facts = {}
        while words and "=" in words[0] and words[0].split("=")[0] in ("id", "remote"):
            name, value = words.pop(0).split("=", 1)
            self.facts[name] = value
        self.reason = " ".join(words)


def url(base, **parameters):
    pairs = "&".join(f"{name}={quote(str(value), safe='/:,')}" for name, value in parameters.items())
    return base + ("?" + pairs if pairs else "")


def good(name="ec256", **more):
    """A server's parameters."""
    return {"cert": pki.crt(name), "key": pki.key(name), **more}


class Channel:
    def __init__(self, path_or_socket):
        if isinstance(path_or_socket, socket.socket):
            self.socket = path_or_socket
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.socket.connect(path_or_socket)
        self.socket.settimeout(proc.LIMIT)

    def send(self, line, fds=()):
        data = line.encode() + b"\n"
        if fds:
            socket.send_fds(self.socket, [data], [fd if isinstance(fd, int) else fd.fileno() for fd in fds])
        else:
            self.socket.send(data)

    def packet(self):
        """The next packet's text and its descriptor, or None."""
        data, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(16))
        if not data:
            raise EOFError("the service is gone")
        fds = array.array("i")
        for _, kind, payload in ancillary:
            if kind == socket.SCM_RIGHTS:
                fds.frombytes(payload)
        assert data.endswith(b"\n"), data
        assert len(fds) <= 1, fds
        return data[:-1].decode("ascii"), socket.socket(fileno=fds[0]) if fds else None

    def reply(self, command, wanted):
        """(socket or None, facts) of the next reply, which is to that request; raises Err."""
        line, sock = self.packet()
        words = line.split(" ")
        if words[1:3] != [command, wanted]:
            raise AssertionError(f"a reply to {command} {wanted}: {line}")
        if words[0] != "OK":
            raise Err(line)
        if sock:
            sock.settimeout(proc.LIMIT)
        return sock, {name: unquote(value) for name, value in (word.split("=", 1) for word in words[3:])}

    def ask(self, command, wanted, fds=()):
        self.send(f"{command} {wanted}", fds)
        return self.reply(command, wanted)

    def connect(self, wanted):
        return self.ask("CONNECT", wanted)

    def refused(self, command, wanted, fds=()):
        """The reason of an ERR."""
        try:
            sock, facts = self.ask(command, wanted, fds)
        except Err as e:
            return e.reason
        if sock:
            sock.close()
        raise AssertionError(f"{command} {wanted} was not refused: {facts}")

    def listen(self, wanted):
        """Asks for a listener; what comes next on this channel is handled when it is up."""
        self.send(f"ACCEPT {wanted}")

    def accept(self, wanted):
        return self.reply("ACCEPT", wanted)

    def close(self):
        self.socket.close()


def dial(port, host="127.0.0.1"):
    """A connection to a listener that may not be up yet."""

    def attempt():
        try:
            return socket.create_connection((host, port), proc.LIMIT)
        except ConnectionRefusedError:
            return None

    return proc.await_true(attempt, f"a listener on port {port}")


class Init:
    """ktls-init with `cat` as its program, and a control socket at .path."""

    def __init__(self, options=(), env=None, prog=("cat",), wrapper=(), program=INIT):
        self.path = proc.temp("control")
        environment = proc.environment(**{"CAFILE": pki.ca(), **(env or {})})
        argv = [*wrapper, program, "-s", "-l", self.path, *options, *prog]
        self.proc = Proc(argv, environment, {0: "pipe", 1: "pipe"})
        proc.await_true(lambda: os.path.exists(self.path) or self.proc_ended(), "the control socket")

    def proc_ended(self):
        with open(f"/proc/{self.proc.pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"

    def channel(self):
        return Channel(self.path)

    def named(self, name, count=1):
        """Process ids of descendants of that name."""

        def found():
            pids = [
                pid for pid, (_, command, _) in proc.descendants(self.proc.pid).items() if command == name
            ]
            return pids if len(pids) >= count else None

        return proc.await_true(found, f"{count} processes {name}")

    def workers(self):
        everyone = proc.descendants(self.proc.pid)
        return [pid for pid, (_, command, _) in everyone.items() if command == "ktls-worker"]

    def stop(self):
        self.proc.close()
        return self.proc.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.end()


def clock():
    return time.monotonic()


def run(options, prog=("true",), env=None):
    """Exit code and standard error of a run to its end."""
    with Proc([INIT, "-s", *options, *prog], proc.environment(**(env or {}))) as init:
        return init.wait(), init.stderr()
