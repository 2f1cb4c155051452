"""1,000 CONNECTs and 1,000 connections to listeners at once (500 in a guest), in
one service with its default number of slots, a tenth of them (a fifth) to and
from peers that do not keep to the protocol, and 1,000 orphans meanwhile."""

import os
import re
import resource
import socket
import threading

import init as as_init
import proc
import tap
from control import listen, works
from service import Err, Init, clock, dial, good

SLOW = float(os.environ.get("KTLS_TEST_SLOW", "1"))
IN_GUEST = os.environ.get("KTLS_KERNEL", "host") not in ("", "host")
GOOD, BAD = (400, 100) if IN_GUEST else (900, 100)
PATIENCE = 8 * SLOW  # seconds for the bad ones
GROWTH = 400 if SLOW == 1 else 16384  # KiB; AddressSanitizer keeps what was freed
KINDS = ("silent", "dripping", "garbage", "closing")
RECORD = b"\x16\x03\x01\x40\x00"


class BadPeers:
    """Sockets that do not keep to the protocol, each in its way."""

    def __init__(self):
        self.dripping, self.all = [], []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._drip, daemon=True)
        self.thread.start()

    def add(self, sock):
        kind = KINDS[len(self.all) % len(KINDS)]
        self.all.append(sock)
        try:
            if kind == "garbage":
                sock.sendall(os.urandom(2000))
            elif kind == "closing":
                sock.close()
            elif kind == "dripping":
                sock.sendall(RECORD)
                self.dripping.append(sock)
        except OSError:
            pass

    def _drip(self):
        while not self.over.wait(0.05):
            for sock in list(self.dripping):
                try:
                    sock.send(b"\x01", socket.MSG_DONTWAIT)
                except OSError:
                    pass

    def end(self):
        self.over.set()
        self.thread.join()
        for sock in self.all:
            sock.close()


def serve_badly(listener, bad, count):
    for _ in range(count):
        sock, _ = listener.accept()
        bad.add(sock)


class Client:
    """What comes on a channel, in a thread: how many were OK, and the reasons
    of the others. Each connection says hello, or expects it."""

    def __init__(self, channel, count, says):
        self.channel, self.count, self.says = channel, count, says
        channel.socket.settimeout(None)  # all of them together have a limit
        self.good, self.reasons, self.last = [], [], clock()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while len(self.good) + len(self.reasons) < self.count:
            line, sock = self.channel.packet()
            if sock:
                if self.says:
                    sock.sendall(b"hello")
                self.good.append(sock)
            else:
                self.reasons.append(Err(line).reason)
                self.last = clock()

    def close(self):
        for sock in self.good:
            sock.close()


def resources(pid):
    """Descriptors, and KiB of memory that are its own. None where only root may look
    into a process that is not dumpable."""
    if os.geteuid():
        return None
    with open(f"/proc/{pid}/smaps_rollup") as f:
        private = sum(map(int, re.findall(r"^Private_\w+:\s+(\d+)", f.read(), re.M)))
    return len(os.listdir(f"/proc/{pid}/fd")), private


class Crowd:
    """Listeners, clients, and peers good and bad, all at once."""

    def __init__(self, init):
        self.bad = BadPeers()
        self.bad_listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.accepting, self.connecting = init.channel(), init.channel()
        self.url, self.port = listen(self.accepting, **good(timeout=600000))
        _, self.bad_port = listen(self.accepting, **good(timeout=int(PATIENCE * 1000)))

    def begin(self):
        self.began = clock()
        self.server = Client(self.accepting, GOOD + BAD, False)
        self.client = Client(self.connecting, GOOD + BAD, True)
        badly = threading.Thread(target=serve_badly, args=[self.bad_listener, self.bad, BAD], daemon=True)
        badly.start()
        # not all that are meant for bad servers get so far in their time
        self.threads = [self.server.thread, self.client.thread]
        bad_server = f"127.0.0.1:{self.bad_listener.getsockname()[1]}?timeout={int(PATIENCE * 1000)}"
        for _ in range(BAD):
            self.bad.add(dial(self.bad_port))
            self.connecting.send("CONNECT tls://" + bad_server)
            for _ in range(GOOD // BAD):
                self.connecting.send(f"CONNECT tls://127.0.0.1:{self.port}?timeout=600000")

    def await_end(self):
        for thread in self.threads:
            thread.join(4 * proc.LIMIT)
        return clock() - self.began

    def summary(self):
        reasons = self.client.reasons + self.server.reasons
        return "\n".join(f"{reasons.count(reason)} {reason}" for reason in sorted(set(reasons)))

    def close(self):
        self.client.close(), self.server.close(), self.bad.end(), self.bad_listener.close()


def warm_up(init, crowd):
    """What is only allocated once."""
    sock, _ = init.channel().connect(f"tls://127.0.0.1:{crowd.port}")
    tap.ok(works(sock, crowd.accepting.accept(crowd.url)[0]), "before: a connection that works")
    proc.await_true(lambda: not init.workers(), "no worker")


def check_outcomes(crowd, took):
    client, server = crowd.client, crowd.server
    tap.equal(
        (len(client.good), len(server.good)),
        (GOOD, GOOD),
        f"all good ones, both ends of each, in {took:.1f} s",
    )
    tap.equal((len(client.reasons), len(server.reasons)), (BAD, BAD), "all bad ones are ERR", crowd.summary)
    reasons = client.reasons + server.reasons
    late = [reason for reason in reasons if "timed out" in reason]
    early = [reason for reason in reasons if reason.startswith("ended early")]
    tap.ok(
        len(late) >= BAD // len(KINDS) and len(late + early) >= 4 * BAD // len(KINDS),
        f"{len(late)} of them at their deadline, {len(early)} before it because others waited",
        crowd.summary,
    )
    last = max(client.last, server.last) - crowd.began
    tap.diag(f"the last of them after {last:.1f} s")
    tap.ok(all(sock.recv(5) == b"hello" for sock in server.good), "every good connection works")


def check_orphans(init):
    def reaped():
        return init.proc.stderr().count("reaped orphan process")

    init.proc.read(until=rb"done\n")
    proc.await_true(lambda: reaped() >= 1000, "1,000 orphans to be reaped")
    tap.equal(reaped(), 1000, "1,000 orphans are reaped meanwhile")


def thousand():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    script = f"read x; '{as_init.WITNESS}' orphans 1000 </dev/null >/dev/null; echo done; cat"
    with Init(["-w"], prog=["sh", "-c", script]) as init:
        parts = ("ktls-init", "ktls-service", "ktls-master")
        crowd = Crowd(init)
        warm_up(init, crowd)  # the service starts with its first client
        pids = (init.proc.pid, *(init.named(name)[0] for name in parts[1:]))
        before = [resources(pid) for pid in pids]
        init.proc.write(b"go\n")
        crowd.begin()
        check_outcomes(crowd, crowd.await_end())
        crowd.close()
        proc.await_true(lambda: not init.workers(), "the workers to end")
        check_orphans(init)
        for name, was, now in zip(parts, before, [resources(pid) for pid in pids]):
            if not was or not now:
                tap.skip(f"{name}: descriptors and memory", "needs root")
                continue
            tap.equal(now[0], was[0], f"{name}: as many descriptors as before")
            tap.ok(now[1] <= was[1] + GROWTH, f"{name}: {was[1]} KiB of memory before, {now[1]} after")
