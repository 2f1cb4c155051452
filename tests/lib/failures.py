"""Tests of the socket service when its processes or its peers fail."""

import os
import signal
import socket

import init as as_init
import proc
import tap
from control import Server, listen, with_resolver, works
from service import Err, Init, clock, dial, good, url


class Silent:
    """A server that takes connections and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tls://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self):
        """Once a ClientHello is there."""
        sock, _ = self.listener.accept()
        sock.settimeout(proc.LIMIT)
        sock.recv(1)
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def fails(channel, command, wanted):
    try:
        sock, _ = channel.reply(command, wanted)
        sock.close()
        return "it was OK"
    except Err as e:
        return e.reason


RECORD = b"\x16\x03\x01\x40\x00"  # the beginning of one
DIED = "the handshake process ended without an answer"


def killed_worker():
    with Init() as init, Silent() as silent, Server(count=2) as server:
        channel = init.channel()
        channel.send("CONNECT " + silent.url)
        sock = silent.accept()
        os.kill(init.workers()[0], signal.SIGKILL)
        tap.equal(fails(channel, "CONNECT", silent.url), DIED, "a worker is killed: ERR")
        tap.equal(sock.recv(10000)[:0], b"", "and its connection closed")
        tap.ok(works(channel.connect(f"tls://127.0.0.1:{server.port}")[0]), "others go on")
        sock.close()
        wanted, port = listen(channel, **good())
        proc.await_true(lambda: not init.workers(), "those before to end")
        sock = dial(port)
        sock.sendall(RECORD)
        (worker,) = proc.await_true(init.workers, "a worker")
        os.kill(worker, signal.SIGKILL)
        tap.equal(fails(channel, "ACCEPT", wanted), DIED, "one of a listener: ERR")
        sock.close()


def orphan_of_a_worker():
    """A name is looked up by a process of the worker's own; when the worker is killed,
    that is no orphan of prog's."""
    with Init(["-w"], program=with_resolver("exec sleep 1000")) as init:
        channel = init.channel()
        channel.send("CONNECT tcp://slow.test:1?timeout=600000")
        (worker,) = proc.await_true(init.workers, "a worker")
        resolver = lambda: [pid for pid, p in proc.descendants(worker).items() if p[1] == "sleep"]
        (pid,) = proc.await_true(resolver, "the process that looks the name up")
        os.kill(worker, signal.SIGKILL)
        tap.equal(fails(channel, "CONNECT", "tcp://slow.test:1?timeout=600000"), DIED, "a killed worker: ERR")
        os.kill(pid, signal.SIGKILL)
        proc.await_true(lambda: not os.path.exists(f"/proc/{pid}"), "its process to be reaped")
        init.stop()
        tap.ok("orphan" not in init.proc.stderr(), "what it left is not told as an orphan", init.proc.stderr())


def killed_master():
    with Init() as init, Silent() as silent, Server(count=3) as server:
        channel = init.channel()
        base = f"tls://127.0.0.1:{server.port}"
        open_one, _ = channel.connect(base)
        (master,) = init.named("ktls-master")
        channel.send(f"CONNECT {silent.url}?timeout=600000")
        sock = silent.accept()
        os.kill(master, signal.SIGSTOP)
        for i in range(3):
            channel.send(f"CONNECT {base}?id={i}")
        assert channel.refused("CLOSE", "tcp:fd:none")  # what came before is with the master
        os.kill(master, signal.SIGKILL)
        got = sorted(fails_any(channel) for _ in range(3))
        tap.equal(got, [DIED] * 3, "the master is killed with orders: ERR for each")
        tap.ok(works(channel.connect(base)[0]), "the next request has a new master")
        tap.ok(init.named("ktls-master")[0] != master, "which is another process")
        sock.close()
        reason = fails(channel, "CONNECT", f"{silent.url}?timeout=600000")
        tap.ok(reason.startswith("TLS handshake: "), f"a handshake that was under way goes on: {reason}")
        tap.ok(works(open_one), "and so do connections")
        wanted, port = listen(channel, **good())
        (master,) = init.named("ktls-master")
        os.kill(master, signal.SIGKILL)
        proc.await_true(lambda: not os.path.exists(f"/proc/{master}"), "the master to end")
        near, _ = init.channel().connect(f"tls://127.0.0.1:{port}")
        tap.ok(works(near, channel.accept(wanted)[0]), "listeners go on")


def fails_any(channel):
    line, _ = channel.packet()
    return Err(line).reason if line.startswith("ERR") else line


def stopped_master():
    with Init() as init, Server() as server:
        channel = init.channel()
        (master,) = init.named("ktls-master")
        os.kill(master, signal.SIGSTOP)
        wanted = f"tls://127.0.0.1:{server.port}?timeout=500"
        channel.send("CONNECT " + wanted)
        tap.equal(fails(channel, "CONNECT", wanted), "timed out", "a master that does nothing: ERR")
        os.kill(master, signal.SIGCONT)


def killed_service():
    with Init() as init, Server(count=1) as server:
        channel = init.channel()
        sock, _ = channel.connect(f"tls://127.0.0.1:{server.port}")
        (service,) = init.named("ktls-service")
        os.kill(service, signal.SIGKILL)
        tap.equal(channel.socket.recv(100), b"", "the service is killed: its clients see the end")
        tap.ok(works(sock), "connections go on")
        wanted = "ktls-init: warning: the socket service has ended (Killed); the next client starts it again\n"
        proc.await_true(lambda: wanted in init.proc.stderr(), "a message")
        with Server(count=1) as another:
            sock, _ = init.channel().connect(f"tls://127.0.0.1:{another.port}")
            tap.ok(works(sock), "the next client has a new one")
            tap.ok(init.named("ktls-service") != [service], "which is another process")
        tap.equal(init.proc.stderr(), wanted, "it is told once")
        init.proc.write(b"still here")
        init.proc.close()
        tap.equal(init.proc.read(), b"still here", "prog goes on")
        tap.equal(init.proc.wait(), 0, "and its exit code arrives")


def exit_codes():
    with Init(prog=["sh", "-c", "read x; exit 7"]) as init, Silent() as silent:
        channel = init.channel()
        for _ in range(10):
            channel.send("CONNECT " + silent.url)
        socks = [silent.accept() for _ in range(10)]
        init.proc.write(b"now\n")
        tap.equal(init.proc.wait(), 7, "prog's exit code, with handshakes under way")
        tap.equal(channel.socket.recv(100), b"", "the service ends with it")
        for sock in socks:
            sock.close()


def signals():
    """Passed on while handshakes are under way, and while a client reads nothing."""
    with Init(prog=[as_init.WITNESS, "report"]) as init, Silent() as silent:
        init.proc.read(until=rb"watching\n")
        channel = init.channel()
        for _ in range(300):
            channel.send("CONNECT tcp://127.0.0.1:1")
        for _ in range(50):
            channel.send(f"CONNECT {silent.url}?timeout=600000")
        os.kill(init.proc.pid, signal.SIGUSR1)
        tap.ok(init.proc.read(until=rb"signal 10\n"), "a signal is passed on")


@as_init.needs_namespace
def process_1():
    """Of a namespace of its own, whose service answers us outside, too."""
    with Init(wrapper=as_init.NAMESPACE) as init, Server(count=2) as server:
        sock, _ = init.channel().connect(f"tls://127.0.0.1:{server.port}")
        tap.ok(works(sock), "process 1: CONNECT")
        channel = init.channel()
        wanted, port = listen(channel, **good())
        near, _ = init.channel().connect(f"tls://127.0.0.1:{port}")
        tap.ok(works(near, channel.accept(wanted)[0]), "process 1: ACCEPT, with files")
        tap.equal(init.stop(), 0, "and the exit code")


# ---- the cap ----


def cap():
    """-c 8: two of them are kept for each direction; others wait."""
    with Init(["-c", "8"]) as init, Silent() as silent:
        strangers_wait(init)
        requests_wait(init, silent)


def strangers_wait(init):
    channel, other = init.channel(), init.channel()
    wanted, port = listen(channel, **good(timeout=600000))
    strangers = [dial(port) for _ in range(12)]
    for sock in strangers:
        sock.sendall(RECORD)
    proc.await_true(lambda: len(init.workers()) == 6, "six workers")
    other.connect(f"tcp://127.0.0.1:{port}")[0].close()
    tap.ok(True, "strangers do not keep our clients out")
    proc.await_true(lambda: len(init.workers()) == 6, "six workers still")
    for sock in strangers:
        sock.close()
    ends_of_strangers(channel, wanted, 13)
    wanted, port = listen(channel, **good(timeout=1000))
    begin = clock()
    strangers = [dial(port) for _ in range(12)]
    ends_of_strangers(channel, wanted, 12)
    tap.ok(clock() - begin > 0.9, "those that say nothing have their own time")
    for sock in strangers:
        sock.close()


def ends_of_strangers(channel, wanted, count):
    reasons = {fails(channel, "ACCEPT", wanted) for _ in range(count)}
    tap.ok(all("TLS handshake" in reason for reason in reasons), "each stranger ends", reasons)


def requests_wait(init, silent):
    channel = init.channel()
    for _ in range(6):
        channel.send(f"CONNECT {silent.url}?timeout=600000")
    proc.await_true(lambda: len(init.workers()) == 6, "six workers")
    for _ in range(12):
        channel.send(f"CONNECT {silent.url}?timeout=1000")
    reasons = {fails_any(channel) for _ in range(12)}
    wanted = {"timed out waiting for other handshakes"}
    tap.equal(reasons, wanted, "requests wait no longer than they may")


def gone_client():
    """It leaves handshakes that would never end."""
    with Init(["-c", "8"]) as init, Silent() as silent:
        channel, other = init.channel(), init.channel()
        for _ in range(8):
            channel.send(f"CONNECT {silent.url}?timeout=600000")
        socks = [silent.accept() for _ in range(6)]
        proc.await_true(lambda: len(init.workers()) == 6, "six workers")
        channel.close()
        listen(other, **good())
        with Server() as server:
            tap.ok(works(other.connect(f"tls://127.0.0.1:{server.port}")[0]), "a client that has gone keeps nobody waiting")
        proc.await_true(lambda: not init.workers(), "no worker")
        for sock in socks:
            sock.close()


ALL = [
    killed_worker,
    orphan_of_a_worker,
    killed_master,
    stopped_master,
    killed_service,
    exit_codes,
    process_1,
    signals,
    cap,
    gone_client,
]
