#!/usr/bin/python3
# A client written to tiniktls' protocol, unchanged, as the program of ktls-init:
# TINIKTLS_FD, one line for each request, and of each reply only its first words.
# runs: host
# runs: oldest kernel; not: sanitizers

import array
import contextlib
import os
import socket
import ssl
import sys

import lib
import peers
import pki
import proc
import service
import tap

IN_INIT = "KTLS_TEST_IN_INIT"
MESSAGE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
SUITES = {
    ("1.2", "rsa"): [
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ],
    ("1.2", "ec256"): [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ],
    ("1.3", "rsa"): ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
}
SUITES["1.3", "ec256"] = SUITES["1.3", "rsa"]


class Client:
    """What tiniktls documents, and no more: lines by plain writes, replies by
    recvmsg into a small buffer, a descriptor with those that are OK."""

    def __init__(self):
        self.socket = socket.socket(fileno=os.dup(int(os.environ["TINIKTLS_FD"])))
        self.socket.settimeout(proc.LIMIT)

    def say(self, command, url):
        os.write(self.socket.fileno(), f"{command} {url}\n".encode())

    def hear(self, url):
        line, ancillary, _, _ = self.socket.recvmsg(1024, socket.CMSG_LEN(4))
        words = line[:-1].decode().split(" ", 3)
        assert line.endswith(b"\n") and words[2] == url, line
        if words[0] != "OK":
            assert words[0] == "ERR" and len(words) == 4, line
            raise OSError(words[3])
        fds = array.array("i")
        for _, _, data in ancillary:
            fds.frombytes(data)
        if not fds:
            return None
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=fds[0])
        sock.settimeout(proc.LIMIT)
        return sock

    def close_listener(self, url):
        self.say("CLOSE", url)
        self.hear(url)


def echo(client, server):
    """Both are connected ends; what is said comes back."""
    with client, server:
        client.sendall(MESSAGE)
        got = receive(server, len(MESSAGE))
        server.sendall(got)
        return receive(client, len(MESSAGE)) == MESSAGE == got


def receive(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            break
        data += more
    return data


def refused(client, url, command="CONNECT"):
    """The reason, within the time limit."""
    client.say(command, url)
    try:
        client.hear(url).close()
    except OSError as e:
        return "" if isinstance(e, TimeoutError) else str(e)
    return ""


def plain_connections():
    client = Client()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for host in ("127.0.0.1", "localhost"):
            url = f"tcp://{host}:{listener.getsockname()[1]}"
            client.say("CONNECT", url)
            server, _ = listener.accept()
            tap.ok(echo(client.hear(url), server), f"CONNECT tcp://{host}")
    for query in ("", "?backlog=3"):
        url = f"tcp://127.0.0.1:{peers.free_port()}{query}"
        client.say("ACCEPT", url)
        near = service.dial(int(url.split(":")[2].split("?")[0]))
        tap.ok(echo(near, client.hear(url)), f"ACCEPT tcp://127.0.0.1 {query}")
        client.close_listener(url)


def tls_connections():
    client = Client()
    for cert in ("rsa", "ec256"):
        for query in ("", "/", "/?tls=1.2", "/?tls=1.3", "?verify=0"):
            tap.ok(connected(client, query, cert), f"CONNECT tls://localhost{query}, {cert}")
    tap.ok(connected(client, "?verify=0", "selfsigned"), "verify=0: anybody")
    for cert in ("selfsigned", "expired", "wrongname"):
        tap.ok("certificate" in failed(client, "", cert), f"{cert}: ERR")


@contextlib.contextmanager
def reached(client, query):
    """Our end of the TCP connection that the client asked for, and the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(proc.LIMIT)
        url = f"tls://localhost:{listener.getsockname()[1]}{query}"
        client.say("CONNECT", url)
        near, _ = listener.accept()
        near.settimeout(proc.LIMIT)
        yield near, url


def connected(client, query, cert):
    with reached(client, query) as (near, url):
        with peers.context(server=True, cert=cert).wrap_socket(near, server_side=True) as server:
            return echo(client.hear(url), server)


def failed(client, query, cert):
    with reached(client, query) as (near, url):
        try:
            # a TLS 1.3 server learns of it behind its handshake
            peers.context(server=True, cert=cert).wrap_socket(near, server_side=True).close()
        except (ssl.SSLError, ConnectionError):
            pass
        try:
            client.hear(url).close()
        except OSError as e:
            return str(e)
    return ""


def parameters(cert, **more):
    return service.url("", cert=pki.crt(cert), key=pki.key(cert), **more)


def tls_listeners():
    client = Client()
    for query in ({}, {"tls": "1.2"}, {"tls": "1.3"}):
        port = peers.free_port()
        url = f"tls://127.0.0.1:{port}{parameters('rsa', **query)}"
        client.say("ACCEPT", url)
        near = service.dial(port)
        with peers.context().wrap_socket(near, server_hostname="127.0.0.1") as tls:
            version = tls.version()
            tap.ok(echo(tls, client.hear(url)), f"ACCEPT tls://127.0.0.1 {query}")
            tap.equal(version, "TLSv" + query.get("tls", "1.3"), f"in version {version}")
        client.close_listener(url)


def every_suite():
    """Both ends are the service's, asked for with the same URL."""
    client = Client()
    for (version, cert), suites in SUITES.items():
        for suite in suites:
            url = f"tls://127.0.0.1:{peers.free_port()}{parameters(cert, tls=version, ciphers=suite)}"
            client.say("ACCEPT", url)
            client.say("CONNECT", url)
            one = client.hear(url)
            tap.ok(echo(one, client.hear(url)), f"tls={version}, {cert}, ciphers={suite}")
            client.close_listener(url)


def errors():
    client = Client()
    closed = peers.free_port()
    for url in (
        f"tcp://127.0.0.1:{closed}",
        f"tls://127.0.0.1:{closed}",
        "tls://no-such-name.invalid:443",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:99999",
        "tcp://:80",
        "tcp://",
        "tcp:",
        "http://127.0.0.1:80",
        "x",
        f"tls://127.0.0.1:{closed}?tls=1.1",
        f"tls://127.0.0.1:{closed}?ciphers=RC4",
        f"tls://127.0.0.1:{closed}?nonsense=1",
        f"tls://127.0.0.1:{closed}?verify",
    ):
        tap.ok(refused(client, url), f"CONNECT {url}: ERR")
    for url in (
        f"tls://127.0.0.1:{closed}",
        f"tls://127.0.0.1:{closed}?cert=/nonexistent&key=/nonexistent",
        service.url(f"tls://127.0.0.1:{closed}", cert=pki.crt("rsa"), key=pki.key("ec256")),
        f"tcp://127.0.0.1:{closed}?backlog=many",
        "tcp://192.0.2.1:80",
        "tcp://nonsense",
    ):
        tap.ok(refused(client, url, "ACCEPT"), f"ACCEPT {url}: ERR")
    tap.ok(refused(client, f"tcp://127.0.0.1:{closed}", "CLOSE"), "CLOSE of what is not open: ERR")


if IN_INIT not in os.environ:
    pki.directory()
    environment = {**os.environ, IN_INIT: "1", "CAFILE": pki.ca(), "KTLS_PKI": pki.directory()}
    sys.exit(os.spawnve(os.P_WAIT, service.INIT, ["ktls-init", "-s", sys.executable, *sys.argv], environment))

tap.main(plain_connections, tls_connections, tls_listeners, every_suite, errors)
