"""Tests of clients of the socket service that do not keep to its protocol, go
away, or read nothing."""

import os
import socket

import peers
import proc
import tap
from control import listen
from service import Init, dial


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
            (b"CONNECT tcp://127.0.0.1:1 more\n", "ERR CONNECT "),
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


ALL = [no_requests, clients_that_go, unread_replies]
