"""Tests of clients of the socket service that do not keep to its protocol, go
away, or read nothing."""

import os
import signal
import socket
import struct
import threading
import time

import fuse
import peers
import pki
import proc
import tap
from control import listen
from service import Channel, Init, dial, url

SO_PASSPIDFD = 76  # since Linux 6.5
NOBODY_LISTENS = "tcp://192.0.2.1:1"


def no_requests():
    with Init() as init:
        channel = init.channel()
        for packet, start in (
            (b"\n", "ERR ? ? "),
            (b"CONNECT", "ERR ? ? "),
            (b"CONNECT tcp://127.0.0.1:1", "ERR ? ? "),
            (b"CONNECT tcp://127.0.0.1:1\n\n", "ERR ? ? "),
            (b"CONNECT tcp://127.0.0.1:1\nCONNECT tcp://127.0.0.1:1\n", "ERR ? ? "),
            (b"CONNECT tcp://127.0.0.1:1\0\n", "ERR ? ? "),
            (b"CONNECT tcp://\xc3\xa9:1\n", "ERR ? ? "),
            (b"x" * 5000, "ERR ? ? "),
            (b"connect tcp://127.0.0.1:1\n", "ERR ? ? "),
            (b"HELLO world\n", "ERR ? ? "),
            (b"CONNECT \n", "ERR CONNECT ? "),
            (b"CONNECT\n", "ERR CONNECT ? "),
            (b"CONNECT tcp://" + b"a" * 3000 + b":1\n", "ERR CONNECT ? "),
            (b"CONNECT  tcp://127.0.0.1:1\n", "ERR CONNECT "),
            (b"CONNECT tcp://127.0.0.1:1 more\n", "ERR CONNECT ? "),
            (b"CONNECT tcp://127.0.0.1:1?ca=/x peer=SHA256:00\n", "ERR CONNECT ? "),
            (b"CONNECT tls:client\n", "ERR CONNECT tls:client "),
            (b"CONNECT tls:fd:x\n", "ERR CONNECT tls:fd:x "),
            (b"CONNECT tcp://127.0.0.1:0\n", "ERR CONNECT tcp://127.0.0.1:0 "),
            (b"ACCEPT tls:server\n", "ERR ACCEPT tls:server "),
            (b"ACCEPT tls:fd:x\n", "ERR ACCEPT tls:fd:x "),
            (b"UPGRADE tls:client\n", "ERR UPGRADE tls:client "),
            (b"UPGRADE tls://h\n", "ERR UPGRADE tls://h "),
            (b"CLOSE tcp://127.0.0.1:1\n", "ERR CLOSE tcp://127.0.0.1:1 "),
            (b"ANSWER 1 yes\n", "ERR ANSWER "),
            (b"ANSWER x yes\n", "ERR ANSWER "),
            (b"ANSWER\n", "ERR ANSWER ? "),
            (b"ANSWER 18446744073709551615 yes\n", "ERR ANSWER "),
        ):
            channel.socket.send(packet)
            line, sock = channel.packet()
            tap.ok(line.startswith(start) and not sock, f"{packet[:50]!r}: {line[:80]}")
        for count in (1, 2, 3, 200):
            ends = [os.pipe() for _ in range(count)]
            channel.send("CONNECT tcp://127.0.0.1:1", [w for _, w in ends])
            channel.packet()
            for _, w in ends:
                os.close(w)
            tap.ok(
                all(os.read(r, 1) == b"" for r, _ in ends),
                f"{count} descriptors that nobody wants are closed",
            )
            for r, _ in ends:
                os.close(r)
        channel.socket.shutdown(socket.SHUT_WR)
        tap.equal(channel.socket.recv(10), b"", "a client that ends is let go")


def clients_that_go():
    with Init() as init:
        channel = init.channel()
        _, port = listen(channel, "tcp://127.0.0.1")
        dial(port).close()
        channel.close()

        def is_closed():
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                return True

        proc.await_true(is_closed, "the listener to close")
        tap.ok(True, "the listeners of a client that goes away close")


def unread_replies():
    """Who reads nothing gets no new connections, and costs nobody else anything."""
    with Init() as init:
        channel = init.channel()
        _, port = listen(channel, "tcp://127.0.0.1")
        socks = [dial(port) for _ in range(400)]
        other = init.channel()
        tap.ok(
            "refused" in other.refused("CONNECT", f"tcp://127.0.0.1:{peers.free_port()}"), "others are served"
        )
        service_pid = init.named("ktls-service")[0]
        held = len(os.listdir(f"/proc/{service_pid}/fd"))
        tap.ok(held < 100, f"connections wait in the backlog: {held} descriptors")
        for _ in socks:
            _, sock = channel.packet()
            sock.close()
        tap.ok(True, "and come when they are asked for")
        for sock in socks:
            sock.close()


def unread_refusals():
    """Who reads nothing can ask for little more, and it all is answered."""
    with Init() as init:
        channel = init.channel()
        channel.socket.settimeout(0.5)
        wanted, sent = "tcp://127.0.0.1:0?ciphers=" + "x" * 1900, 0
        try:
            while sent < 5000:
                channel.send("CONNECT " + wanted)
                sent += 1
        except OSError:
            pass
        tap.ok(sent < 600, f"the service stops reading: {sent} requests")
        channel.socket.settimeout(proc.LIMIT)
        for _ in range(sent):
            channel.packet()
        tap.ok(serves(init), "and goes on when its replies are read")


def service_of(init):
    return init.named("ktls-service")[0]


def descriptors(init):
    return len(os.listdir(f"/proc/{service_of(init)}/fd"))


def processor_time(init):
    """In seconds."""
    with open(f"/proc/{service_of(init)}/stat") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def accepted(init):
    """A channel that the service has opened its end of."""
    channel = init.channel()
    channel.refused("CLOSE", NOBODY_LISTENS)
    return channel


def serves(init):
    """It answers, and does not wait for what will not come."""
    init.channel().refused("CLOSE", NOBODY_LISTENS)
    return True


def attach(channel):
    """A channel of our own, and the service's end of it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel.send("ATTACH", [theirs])
    attached = Channel(ours)
    attached.refused("CLOSE", NOBODY_LISTENS)
    return attached, theirs


def shared_ends():
    """Who has made a channel shares the service's end of it, too."""
    with Init() as init:
        channel = accepted(init)
        before = descriptors(init)
        r, w = os.pipe()
        for option, on, fds in ((socket.SO_PASSCRED, 0, [w] * 10), (SO_PASSPIDFD, 1, [])):
            attached, theirs = attach(channel)
            try:
                theirs.setsockopt(socket.SOL_SOCKET, option, on)
            except OSError:
                tap.skip("SO_PASSPIDFD", "not in this kernel")
            for _ in range(20):
                attached.send("CLOSE " + NOBODY_LISTENS, fds)
                attached.packet()
            attached.close()
            theirs.close()
        for _ in range(20):
            attached, theirs = attach(channel)
            socket.send_fds(attached.socket, [b""], [w])
            attached.close()
            theirs.close()
        proc.await_true(lambda: descriptors(init) == before, "the service to close what came")
        tap.ok(True, "descriptors that the service did not expect are closed")
        os.close(r)
        os.close(w)


def talks_to_itself():
    """Both ends of a pair attached, and a request in one of them."""
    with Init() as init:
        channel = accepted(init)
        before = descriptors(init)
        attached, theirs = attach(channel)
        channel.send("ATTACH", [attached.socket])
        attached.socket.send(b"?\n")
        attached.close()
        theirs.close()
        proc.await_true(lambda: descriptors(init) == before, "both channels to end")
        tap.ok(serves(init), "a service that would answer itself does not")


def full_of_data():
    """A connection that takes no more, whose peer reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
    sock.setblocking(False)
    try:
        while True:
            sock.send(bytes(1 << 16))
    except BlockingIOError:
        return sock, peer


def set_to_linger(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, int(2 * proc.LIMIT)))


def is_jailed(pid):
    with open(f"/proc/{pid}/status") as f:
        return "Seccomp:\t2" in f.read()


def lingering():
    """Who closes such a connection last waits for its peer."""
    with Init() as init:
        channel = init.channel()
        sock, peer = full_of_data()
        channel.send(url("UPGRADE tls:client", sni="localhost", ca=pki.ca()), [sock])
        (worker,) = proc.await_true(init.workers, "the worker")
        proc.await_true(lambda: is_jailed(worker), "it to have passed the connection on")
        set_to_linger(sock)
        sock.close()
        os.kill(worker, signal.SIGKILL)
        tap.ok(channel.packet()[0].startswith("ERR UPGRADE"), "UPGRADE fails")
        tap.ok(serves(init), "closing it holds up nobody")
        other, far = full_of_data()
        set_to_linger(other)
        channel.send("ATTACH", [other])
        other.close()
        tap.ok(serves(init), "nor does closing one that is no channel")
        peer.close()
        far.close()


def stubborn_files():
    """A descriptor that cannot be closed before somebody else wants it."""
    folder = proc.temp("fuse")
    os.mkdir(folder)
    try:
        stubborn = fuse.Stubborn(folder)
    except OSError as e:
        tap.skip("a file that cannot be closed", f"no FUSE here: {e}")
        return
    with Init() as init:
        with stubborn as path:
            fd = os.open(path, os.O_RDWR)
            channel = init.channel()
            channel.refused("CLOSE", NOBODY_LISTENS, [fd])
            tap.ok(stubborn.flushed.wait(proc.LIMIT), "the service closes a file that nobody wants")
            tap.ok(serves(init), "and does not wait for who serves it")
            tap.equal(
                channel.refused("UPGRADE", "tls:client?sni=localhost", [fd]),
                "the descriptor is no stream socket",
                "nor does it ask a worker to look at it",
            )
            tap.ok(serves(init), "others are served on")
            threading.Thread(target=os.close, args=[fd], daemon=True).start()


def out_of_descriptors():
    """Clients wait then, and so does the service."""
    with Init(wrapper=["prlimit", "--nofile=64:64"]) as init:
        channel = init.channel()
        for _ in range(60):
            channel.send("ACCEPT tcp://127.0.0.1:0")
        tap.ok(channel.packet()[0].startswith("ERR ACCEPT"), "a client that takes all descriptors")
        waiting = [init.channel() for _ in range(4)]
        time.sleep(0.2)
        before = processor_time(init)
        time.sleep(1)
        used = processor_time(init) - before
        tap.ok(used < 0.3, f"a service without descriptors sleeps: {used:.2f} s of 1 s")
        channel.close()
        reasons = {each.refused("CLOSE", NOBODY_LISTENS) for each in waiting}
        tap.equal(len(reasons), 1, "those who waited are served when there are some again")


ALL = [
    no_requests,
    clients_that_go,
    unread_replies,
    unread_refusals,
    shared_ends,
    talks_to_itself,
    lingering,
    stubborn_files,
    out_of_descriptors,
]
