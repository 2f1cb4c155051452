"""Tests of connections that the service's client has itself (UPGRADE), and of
certificates that it chooses by the hello (ask=sni)."""

import socket
import threading

import peers
import pki
import proc
import tap
from control import PATH, listen, works
from service import Err, Init, clock, good, url


class Peer:
    """The other end of a connection, in a thread: plain text first, then TLS."""

    def __init__(self, sock, server, name="localhost", talk=None, **context):
        self.sock, self.server, self.name, self.talk = sock, server, name, talk
        self.context = peers.context(server=server, **context)
        self.got = self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        self.sock.settimeout(proc.LIMIT)
        try:
            if self.talk:
                self.talk(self.sock)
            name = None if self.server else self.name
            with self.context.wrap_socket(self.sock, server_side=self.server, server_hostname=name) as tls:
                self.got = tls.recv(100)
                tls.sendall(self.got)
        except OSError as e:
            self.error = e

    def join(self):
        self.thread.join(proc.LIMIT)
        return self


def read_line(sock):
    line = b""
    while not line.endswith(b"\n"):
        line += sock.recv(1)
    return line


def starttls_client():
    """What an SMTP client does, and after that it is inside."""

    def talk(sock):
        sock.sendall(b"220 hello\r\n")
        assert read_line(sock) == b"STARTTLS\r\n"
        sock.sendall(b"220 go\r\n")

    with Init() as init:
        channel = init.channel()
        for version in ("1.2", "1.3"):
            ours, theirs = peers.tcp_pair()
            peer = Peer(theirs, True, talk=talk, cert="ec256")
            read_line(ours)
            ours.sendall(b"STARTTLS\r\n")
            read_line(ours)
            sock, facts = channel.ask("UPGRADE", f"tls:client?sni=localhost&tls={version}", [ours])
            ours.close()
            tap.ok(works(sock), f"TLS {version}: a client's connection, upgraded")
            tap.equal((facts["path"], facts["protocol"]), (PATH, "TLSv" + version), "and what was negotiated")
            peer.join()


def starttls_server():
    def talk(sock):
        sock.sendall(b"STARTTLS\r\n")
        assert read_line(sock) == b"go\r\n"

    with Init() as init:
        channel = init.channel()
        for version in ("1.2", "1.3"):
            ours, theirs = peers.tcp_pair()
            peer = Peer(theirs, False, talk=talk)
            read_line(ours)
            ours.sendall(b"go\r\n")
            sock, facts = channel.ask("UPGRADE", url("tls:server", **good(tls=version)), [ours])
            ours.close()
            sock.sendall(b"welcome")
            tap.equal(sock.recv(7), b"welcome", f"TLS {version}: a server's connection, upgraded")
            tap.equal((facts["path"], facts["sni"]), (PATH, "localhost"), "and what was negotiated")
            sock.close()
            peer.join()


def no_tcp():
    """A Unix socket: no kernel does TLS on that."""
    with Init() as init:
        ours, theirs = socket.socketpair()
        peer = Peer(theirs, True, cert="ec256")
        sock, facts = init.channel().ask("UPGRADE", "tls:client?sni=localhost", [ours])
        ours.close()
        tap.ok(works(sock) and facts["path"] == "user", "a Unix socket is relayed")
        peer.join()


def no_upgrades():
    with Init() as init:
        channel = init.channel()
        ours, theirs = peers.tcp_pair()
        for wanted, fd, about in (
            ("tls:client", ours, "the server's name is missing: sni, or verify=0"),
            ("tls:server", ours, "cert and key are missing"),
            ("tls:server?cert=/nonexistent&key=/x", ours, "/nonexistent: No such file or directory"),
            ("tls:client?sni=localhost&timeout=1000", ours, "TLS handshake: timed out"),
        ):
            tap.equal(channel.refused("UPGRADE", wanted, [fd]), about, f"{wanted}: ERR")
        ours.close(), theirs.close()
        with open("/dev/null") as null:
            reason = channel.refused("UPGRADE", "tls:client?sni=localhost", [null])
        tap.equal(reason, "the descriptor is no stream socket", "no socket")
        ours, theirs = peers.tcp_pair()
        peer = Peer(theirs, True, cert="wrongname")
        reason = channel.refused("UPGRADE", "tls:client?sni=localhost", [ours])
        tap.ok("another name" in reason, reason)
        ours.close(), peer.join()


# ---- ask=sni ----


def question(channel, wanted):
    line, _ = channel.packet()
    words = line.split(" ")
    assert words[0] == "ASK" and words[2] == wanted, line
    return words[1], dict(word.split("=", 1) for word in words[3:])


def accept_asked(channel, wanted, answer):
    """The question's facts, and the reply's (socket, facts) or the Err."""
    number, asked = question(channel, wanted)
    channel.send(f"ANSWER {number} {answer}")
    try:
        return asked, channel.accept(wanted)
    except Err as e:
        return asked, e


def client_for(port, name, **context):
    """A client in a thread, since its handshake waits for our answer."""
    sock = socket.create_connection(("127.0.0.1", port), proc.LIMIT)
    return Peer(sock, False, name=name, **context)


def pair(name):
    return f"cert={pki.crt(name)}&key={pki.key(name)}"


def asked_certificates():
    with Init() as init:
        channel = init.channel()
        for version in ("1.2", "1.3"):
            wanted, port = listen(channel, ask="sni", tls=version)
            for name, cert in (("localhost", "ec256"), ("a.wild.test", "rsa"), ("example.test", "ec-chain")):
                peer = client_for(port, name, alpn=["h2", "x"])
                asked, outcome = accept_asked(channel, wanted, "yes " + pair(cert))
                tap.equal(asked, {"sni": name, "alpn": "h2,x"}, f"TLS {version}: the question")
                sock, facts = outcome
                tap.ok(facts["sni"] == name and facts["path"] == PATH, f"the answer: {cert}")
                sock.sendall(b"x")
                tap.equal(sock.recv(1), b"x", "and a connection that works")
                sock.close()
                peer.join()
            channel.ask("CLOSE", wanted)


def default_certificate():
    with Init() as init:
        channel = init.channel()
        wanted, port = listen(channel, **good(ask="sni"))
        peer = client_for(port, "localhost")
        asked, (sock, _) = accept_asked(channel, wanted, "yes")
        sock.sendall(b"x")
        tap.equal(sock.recv(1), b"x", "yes alone: the URL's certificate")
        sock.close(), peer.join()


def refused_names():
    with Init() as init:
        channel = init.channel()
        for version in ("1.2", "1.3"):
            wanted, port = listen(channel, **good(ask="sni", tls=version))
            peer = client_for(port, "other.test")
            asked, outcome = accept_asked(channel, wanted, "no")
            tap.ok(isinstance(outcome, Err) and "unrecognized_name" in outcome.reason, f"no: {outcome}")
            peer.join()
            tap.ok(
                "UNRECOGNIZED_NAME" in str(peer.error).upper(),
                f"TLS {version}: the client is told: {peer.error}",
            )
            channel.ask("CLOSE", wanted)


def unanswered(channel):
    """The time for an answer is part of the time for the handshake, of which a slow
    machine needs more before there is a question."""
    for timeout in (1500, 15000, 150000):
        wanted, port = listen(channel, ask="sni", timeout=timeout)
        begin = clock()
        peer = client_for(port, "localhost")
        line, _ = channel.packet()
        if line.startswith("ASK"):
            break
        peer.join()
    reason = channel_fails(channel, wanted)
    took = clock() - begin
    tap.ok(reason.endswith("timed out waiting for an answer"), f"an answer that does not come: {reason}")
    tap.ok(took > 0.9 * timeout / 1000, f"after {took:.2f} s of {timeout} ms")
    peer.join()
    channel.send(f"ANSWER {line.split(' ')[1]} yes")
    tap.ok(channel.packet()[0].endswith("there is no such question"), "an answer that is too late")


def channel_fails(channel, wanted):
    try:
        channel.accept(wanted)
        return "it was OK"
    except Err as e:
        return e.reason


def bad_answers():
    with Init() as init:
        channel = init.channel()
        wanted, port = listen(channel, ask="sni", timeout=600000)
        for answer, about in (
            ("yes", "neither the URL nor the answer has cert and key"),
            ("yes cert=/nonexistent&key=/x", "/nonexistent: No such file or directory"),
            (
                f"yes cert={pki.crt('rsa')}&key={pki.key('ec256')}",
                "private key does not belong to the certificate",
            ),
        ):
            peer = client_for(port, "localhost")
            _, outcome = accept_asked(channel, wanted, answer)
            tap.ok(isinstance(outcome, Err) and about in outcome.reason, f"{answer[:30]}: {outcome}")
            peer.join()
        peer = client_for(port, "localhost")
        number, _ = question(channel, wanted)
        other = init.channel()
        tap.equal(other.refused("ANSWER", f"{number}"), "an answer is: id yes, or id no", "no answer at all")
        other.send(f"ANSWER {number} yes")
        line, _ = other.packet()
        tap.ok(line.endswith("there is no such question"), "somebody else's question")
        channel.send(f"ANSWER {number} maybe")
        tap.ok(channel.packet()[0].startswith("ERR ANSWER"), "neither yes nor no")
        channel.send(f"ANSWER {number} no")
        while not channel.packet()[0].startswith("ERR ACCEPT"):
            pass
        peer.join()
        unanswered(channel)
        peer = client_for(port, "localhost")
        question(channel, wanted)
        channel.close()
        peer.join()
        tap.ok(peer.error is not None, "a client that goes away with a question open: the handshake fails")


ALL = [
    starttls_client,
    starttls_server,
    no_tcp,
    no_upgrades,
    asked_certificates,
    default_certificate,
    refused_names,
    bad_answers,
]
