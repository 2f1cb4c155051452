"""STARTTLS from end to end: an SMTP-like server in shell under tcpserver and
ktls-ucspitlsd, the clients of others, and our client against others' servers."""

import contextlib
import os
import socket
import smtplib
import threading

import peers
import pki
import proc
import prog
import tap
import ucspi
from outside import TcpServer, converse, s_client, tcpclient
from peers import BOTH
from proc import Proc

SMTPD = os.path.join(proc.LIB, "smtpd")
MAIL = b"Subject: over STARTTLS\r\n\r\nhello there\r\n..two dots\r\n" + b"x" * 70 + b"\r\n"


class Server:
    """.port, .read(name): what smtpd left in a file."""

    def __init__(self, mode, env=None):
        self.folder = proc.temp("smtp")
        os.mkdir(self.folder)
        changes = {**ucspi.credentials("ec256"), "CAFILE": pki.ca(), **(env or {})}
        argv = ["ktls-ucspitlsd", *mode, SMTPD, self.folder]
        self.server = TcpServer(argv, proc.environment(**changes))
        self.port = self.server.port

    def read(self, name):
        path = os.path.join(self.folder, name)
        proc.await_true(lambda: os.path.exists(path), f"{name}; {self.stderr()}")
        with open(path) as f:
            return f.read()

    def has(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def stderr(self):
        return self.server.proc.stderr()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.proc.end()


def openssl(label, mode):
    for version in BOTH:
        name = f"{label}: openssl s_client -starttls smtp, TLS {version}"
        with Server(mode) as server:
            argv = [*s_client(server.port, version), "-starttls", "smtp", "-crlf"]
            output, code, errors = converse(argv, b"NOOP\n", rb"250 ok")
            tap.ok(
                "Verification: OK" in output and "250 ok" in output and code == 0,
                name,
                lambda: f"exit {code}\n{output}\n{errors}\n{server.stderr()}",
            )
            session = server.read("session").splitlines()
            tap.ok(
                f"SSL_PROTOCOL=TLSv{version}" in session, f"{name}: the server knows what was agreed", session
            )


def curl(label, mode):
    """A whole mail."""
    for version in BOTH:
        name = f"{label}: curl --ssl-reqd smtp://, TLS {version}"
        with Server(mode) as server:
            code, errors = _curl(server.port, version)
            tap.equal(code, 0, name, lambda: f"{errors}\n{server.stderr()}")
            tap.equal(server.read("mail"), MAIL.decode().replace("\r\n", "\n"), f"{name}: the mail is there")
            tap.equal(server.stderr(), "", f"{name}: nothing on stderr")


def _curl(port, version):
    mail = proc.temp("mail")
    with open(mail, "wb") as f:
        f.write(MAIL)
    limits = ["--tlsv1.2", "--tls-max", "1.2"] if version == "1.2" else ["--tlsv1.3"]
    argv = ["curl", "-sS", "--max-time", "20", "--ssl-reqd", "--cacert", pki.ca(), *limits]
    argv += ["--resolve", f"localhost:{port}:127.0.0.1", "--upload-file", mail]
    argv += ["--mail-from", "a@example.org", "--mail-rcpt", "b@example.org", f"smtp://localhost:{port}"]
    with Proc(argv, None, {1: "pipe"}) as client:
        client.read()
        return client.wait(), client.stderr()


def python(label, mode):
    """smtplib, with a client certificate."""
    with Server([*mode, "-y"]) as server:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=proc.LIMIT) as client:
            client._host = "localhost"  # the name to verify
            client.starttls(context=peers.context(cert="client-rsa"))
            client.sendmail("a@example.org", ["b@example.org"], MAIL)
        tap.ok("hello there" in server.read("mail"), f"{label}: Python's smtplib delivers")
        tap.ok(
            "SSL_PEER_CERT_HASH=" + prog.certificate_hash("client-rsa") in server.read("session"),
            f"{label}: the server knows the client's certificate",
            server.stderr,
        )


def plaintext_is_refused(label, mode):
    """The server's own rule; without TLS it goes on in the clear."""
    with Server(mode) as server:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=proc.LIMIT) as client:
            try:
                client.sendmail("a@example.org", ["b@example.org"], MAIL)
                tap.ok(False, f"{label}: a mail in the clear is refused")
            except smtplib.SMTPSenderRefused as e:
                tap.equal(e.smtp_code, 530, f"{label}: a mail in the clear is refused")
            tap.equal(client.noop()[0], 250, f"{label}: and the connection goes on")


def injection(label, mode):
    """Commands in one segment with STARTTLS (CVE-2011-0411), and then a client's TLS."""
    with Server(mode) as server:
        with socket.create_connection(("127.0.0.1", server.port), proc.LIMIT) as sock:
            ucspi.read_line(sock)
            sock.sendall(b"STARTTLS\r\nMAIL FROM:<mallory@example.com>\r\nDATA\r\nforged\r\n.\r\n")
            tap.equal(ucspi.read_line(sock), ucspi.GO_AHEAD, f"{label}: the server goes ahead")
            with contextlib.suppress(OSError):
                sock.sendall(ucspi.client_hello())
            tap.equal(ucspi.until_cut(sock), b"", f"{label}: commands behind STARTTLS: the connection is cut")
        proc.await_true(lambda: "plaintext" in server.stderr(), "the refusal")
        tap.ok(
            not server.has("mail") and not server.has("session"), f"{label}: and nothing was taken from them"
        )


def client(label, mode):
    """ktls-ucspitlsc under tcpclient, a server of Python's."""
    for version in BOTH:
        name = f"{label}: ktls-ucspitlsc, TLS {version}"
        with _python_server(version) as (port, seen):
            report = proc.temp("report")
            steps = ["hear", "say=STARTTLS\\r\\n", "hear", "ask=Y", "answer", "write=NOOP\\r\\n", "read"]
            argv = ["ktls-ucspitlsc", "-k", "localhost", *mode, ucspi.PROG, "6", "7", *steps]
            _, code, errors = tcpclient(port, argv, {"REPORT": report})
            tap.equal(code, 0, name, errors)
            tap.equal(seen, [b"STARTTLS\r\n", b"NOOP\r\n"], f"{name}: the command is protected", errors)


@contextlib.contextmanager
def _python_server(version):
    """One connection: yields (port, lines it got)."""
    lines = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        thread = threading.Thread(target=_serve, args=(listener, version, lines))
        thread.start()
        yield listener.getsockname()[1], lines
        thread.join(proc.LIMIT)


def _serve(listener, version, lines):
    listener.settimeout(proc.LIMIT)
    sock, _ = listener.accept()
    sock.settimeout(proc.LIMIT)
    with sock:
        sock.sendall(b"220 localhost\r\n")
        lines.append(ucspi.read_line(sock))
        sock.sendall(ucspi.GO_AHEAD)
        tls = ucspi.accept(sock, version=version)
        lines.append(tls.read())
        tls.write(b"250 ok\r\n")


def all_with(label, mode):
    return [
        _bound(case, label, mode) for case in (openssl, curl, python, plaintext_is_refused, injection, client)
    ]


def _bound(case, label, mode):
    def run():
        case(label, mode)

    run.__name__ = case.__name__
    return run
