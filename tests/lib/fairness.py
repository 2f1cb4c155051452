"""Tests of who gets a handshake slot of the socket service when there are few:
nobody waits for those who only take their time, which is longer than any test.
In guests, where a process costs a hundred times more, some are left out."""

import os
import resource
import select
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import peers
import proc
import tap
from control import Server, listen, works
from failures import RECORD, Silent
from service import Err, Init, clock, dial, good, url

EARLY = "ended early: "
LONG = 600000  # ms
IN_GUEST = os.environ.get("KTLS_KERNEL", "host") not in ("", "host")
OTHER_ADDRESS = "127.0.0.2"


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def hello():
    """The bytes of a ClientHello."""
    out = ssl.MemoryBIO()
    tls = peers.context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def is_readable(sock):
    return bool(select.select([sock], [], [], 0)[0])


def refusals_before_ok(channel):
    """The reasons of all ERR until there is an OK."""
    reasons = []
    while True:
        line, sock = channel.packet()
        if sock:
            return reasons, sock
        reasons.append(Err(line).reason)


def shake_hands(port, source):
    sock = socket.create_connection(("127.0.0.1", port), proc.LIMIT, source_address=(source, 0))
    sock.settimeout(proc.LIMIT)
    return peers.context().wrap_socket(sock, server_hostname="localhost")


STRANGERS = (
    (240, "silent strangers", b"", "127.0.0.1"),
    (700, "silent strangers, more than there is room for", b"", "127.0.0.1"),
    (240, "strangers that begin a hello", RECORD, "127.0.0.1"),
    (700, "strangers that say one byte", b"\x16", "127.0.0.1"),
    (240, "strangers that say hello, at another address", hello(), OTHER_ADDRESS),
)


def strangers():
    """Whatever strangers do for the first seconds, a client is served before the
    deadline of any of them."""
    for count, what, says, source in STRANGERS[: 3 if IN_GUEST else None]:
        with Init() as init:
            channel = init.channel()
            _, port = listen(channel, **good(timeout=LONG))
            socks = [dial(port) for _ in range(count)]
            for sock in socks:
                if says:
                    sock.sendall(says)
            begin = clock()
            with ThreadPoolExecutor() as threads:
                client = threads.submit(shake_hands, port, source)
                reasons, sock = refusals_before_ok(channel)
                took = clock() - begin
            late = [reason for reason in reasons if not reason.startswith(EARLY)]
            tap.equal(late[:3], [], f"{count} {what}: a client is served before their time is over")
            tap.ok(works(sock, client.result()), f"and its connection works, after {took:.2f} s")
            for sock in socks:
                sock.close()


def has_workers(init, count):
    proc.await_true(lambda: len(init.workers()) >= count, f"{count} workers")


def check_others(init, name):
    """A CONNECT of each kind, by somebody else."""
    with socket.create_server(("127.0.0.1", 0)) as plain, Server() as server:
        sock, _ = init.channel().connect(f"tcp://127.0.0.1:{plain.getsockname()[1]}")
        sock.close()
        tap.ok(True, f"{name}: another client connects without TLS")
        sock, _ = init.channel().connect(f"tls://127.0.0.1:{server.port}")
        tap.ok(works(sock), f"{name}: and with TLS")
    listener = init.channel()
    wanted, port = listen(listener, **good())
    with shake_hands(port, "127.0.0.1") as tls:
        tap.ok(works(listener.accept(wanted)[0], tls), f"{name}: and listens")


def slow_connects():
    with Init() as init, Silent() as silent:
        channel = init.channel()
        for _ in range(256):
            channel.send(f"CONNECT {silent.url}?timeout={LONG}")
        has_workers(init, 100)
        check_others(init, "a client with 256 CONNECTs to a silent server")
        tap.ok(not is_readable(channel.socket), "none of its own has ended meanwhile")
    if IN_GUEST:
        return
    with Init() as init, Silent() as silent:
        channels = [init.channel() for _ in range(12)]
        for channel in channels:
            for _ in range(100):
                channel.send(f"CONNECT {silent.url}?timeout={LONG}")
        has_workers(init, 150)
        check_others(init, "twelve such clients")
        reasons = [Err(c.packet()[0]).reason for c in channels if is_readable(c.socket)]
        tap.ok(all(reason.startswith(EARLY) for reason in reasons), f"{len(reasons)} gave up slots", reasons)


def both_ends():
    """Of connections within one service none waits for the other's slot."""
    with Init(["-c", "2"]) as init:
        accepting, connecting = init.channel(), init.channel()
        wanted, port = listen(accepting, **good(timeout=LONG))
        for _ in range(20):
            connecting.send(f"CONNECT tls://127.0.0.1:{port}?timeout={LONG}")
        pairs = []
        for _ in range(20):
            pairs.append((accepting.accept(wanted)[0], connecting.packet()[1]))
        tap.ok(all(near and far for near, far in pairs), "-c 2: twenty CONNECTs and ACCEPTs at once")
        for pair in pairs:
            for sock in pair:
                sock.close()
        servers, clients, ends = init.channel(), init.channel(), []
        for _ in range(10):
            ends += peers.tcp_pair()
            servers.send(url("UPGRADE tls:server", **good(timeout=LONG)), [ends[-1]])
        for end in ends[::2]:
            clients.send(f"UPGRADE tls:client?sni=localhost&timeout={LONG}", [end])
        for end in ends:
            end.close()
        socks = [channel.packet()[1] for channel in (servers, clients) for _ in range(10)]
        tap.ok(all(socks), "-c 2: ten UPGRADEs of both ends at once")
        for sock in socks:
            sock.close()


def one_channel():
    """A client that has asked for as much as it may has a listener nevertheless."""
    if IN_GUEST:
        return
    with Init() as init, Silent() as silent:
        channel = init.channel()
        wanted, port = listen(channel, **good())
        for _ in range(1024):
            channel.send(f"CONNECT {silent.url}?timeout={LONG}")
        has_workers(init, 100)
        with shake_hands(port, "127.0.0.1") as tls:
            tap.ok(works(channel.accept(wanted)[0], tls), "1,024 CONNECTs on the channel of a listener: it accepts")


def given_up():
    """What a client that has gone was waiting for ends at once, before there is a connection, too."""
    with Init() as init, socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        held = [socket.socket() for _ in range(3)]
        for sock in held:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        channel = init.channel()
        for _ in range(10):
            channel.send(f"CONNECT tcp://127.0.0.1:{full.getsockname()[1]}?timeout={LONG}")
        has_workers(init, 10)
        channel.close()
        proc.await_true(lambda: not init.workers(), "no worker")
        tap.ok(True, "a client goes while its CONNECTs are not answered: their processes end")
        for sock in held:
            sock.close()


raise_descriptor_limit()
ALL = [strangers, slow_connects, both_ends, one_channel, given_up]
