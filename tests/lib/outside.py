"""The programs of others that we talk to: tcpserver, OpenSSL, GnuTLS, curl."""

import os
import re

import pki
import proc
from proc import Proc

OPENSSL_VERSION = {"1.2": "-tls1_2", "1.3": "-tls1_3"}
GNUTLS_VERSION = {"1.2": "VERS-TLS1.2", "1.3": "VERS-TLS1.3"}


class TcpServer:
    """`tcpserver 127.0.0.1 PORT argv...`, PORT chosen by the kernel."""

    def __init__(self, argv, env=None):
        self.proc = Proc(["tcpserver", "-1", "-RHl0", "127.0.0.1", "0", *argv], env, {1: "pipe"})
        self.port = int(self.proc.read(until=rb"\n", size=1 << 10).split(b"\n")[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.end()


def tlsd_server(options=(), prog=("cat",), cert="ec256", env=None):
    changes = {"CERTFILE": pki.crt(cert), "KEYFILE": pki.key(cert), "CAFILE": pki.ca(), **(env or {})}
    return TcpServer(["ktls-tlsd", *options, *prog], proc.environment(**changes))


class SServer:
    """`openssl s_server`; arguments decide what it does with a connection."""

    def __init__(self, cert, *arguments, wrapper=(), address="127.0.0.1", key=None):
        cert, key = (pki.crt(cert), pki.key(cert)) if not key else (cert, key)
        self.proc = Proc(
            [
                *wrapper,
                "openssl",
                "s_server",
                "-accept",
                address + ":0",
                "-cert",
                cert,
                "-key",
                key,
                "-cert_chain",
                cert,
                *arguments,
            ],
            None,
            {0: "pipe", 1: "pipe"},
        )
        found = self.proc.read(until=rb"ACCEPT .*:(\d+)\n")
        self.port = int(re.search(rb"ACCEPT .*:(\d+)\n", found).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.end()


class GnutlsServ:
    """`gnutls-serv --echo`. It cannot choose a port itself, so it may need
    more than one try."""

    def __init__(self, cert, priority, *arguments):
        import peers

        for _ in range(5):
            self.port = peers.free_port()
            # it tells that it listens on stderr
            self.proc = Proc(
                [
                    "sh",
                    "-c",
                    'exec "$@" 2>&1',
                    "sh",
                    "gnutls-serv",
                    "--echo",
                    "--port",
                    str(self.port),
                    "--x509certfile",
                    pki.crt(cert),
                    "--x509keyfile",
                    pki.key(cert),
                    "--priority",
                    priority,
                    *arguments,
                ],
                None,
                {0: "pipe", 1: "pipe"},
            )
            if b"IPv4" in self.proc.read(until=rb"IPv4 [^\n]*done|failed"):
                return
            self.proc.end()
        raise RuntimeError("gnutls-serv found no port: " + self.proc.stderr())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.end()


def converse(argv, line, expect, env=None):
    """Sends one line to a client program, waits for the answer, ends its
    input, and gives all of its output and its exit code."""
    with Proc(argv, env, {0: "pipe", 1: "pipe"}) as client:
        client.write(line)
        output = client.read(until=expect)
        client.close()
        output += client.read()
        return output.decode(errors="replace"), client.wait(), client.stderr()


def s_client(port, version, *arguments):
    return [
        "openssl",
        "s_client",
        "-connect",
        f"127.0.0.1:{port}",
        "-servername",
        "localhost",
        "-CAfile",
        pki.ca(),
        "-verify_hostname",
        "localhost",
        "-verify_return_error",
        OPENSSL_VERSION[version],
        *arguments,
    ]


def gnutls_priority(version, cipher=None, more=""):
    made = "NORMAL:-VERS-ALL:+" + GNUTLS_VERSION[version]
    return made + (f":-CIPHER-ALL:+{cipher}" if cipher else "") + more


def gnutls_cli(port, priority, *arguments):
    return [
        "gnutls-cli",
        "--x509cafile",
        pki.ca(),
        "--sni-hostname",
        "localhost",
        "--verify-hostname",
        "localhost",
        "--priority",
        priority,
        "-p",
        str(port),
        *arguments,
        "127.0.0.1",
    ]


def curl(port, version, *arguments):
    limits = ["--tlsv1.2", "--tls-max", "1.2"] if version == "1.2" else ["--tlsv1.3"]
    argv = [
        "curl",
        "-sS",
        "--max-time",
        "20",
        "--cacert",
        pki.ca(),
        "--resolve",
        f"localhost:{port}:127.0.0.1",
        *limits,
        *arguments,
        f"https://localhost:{port}/",
    ]
    with Proc(argv, None, {1: "pipe"}) as client:
        output = client.read().decode(errors="replace")
        return output, client.wait(), client.stderr()


def tcpclient(port, argv, env=None):
    """`tcpclient 127.0.0.1 PORT argv...`: output, exit code, errors."""
    changes = {"CAFILE": pki.ca(), **(env or {})}
    argv = ["tcpclient", "-RHl0", "127.0.0.1", str(port), *argv]
    with Proc(argv, proc.environment(**changes), {1: "pipe"}) as client:
        output = client.read().decode(errors="replace")
        return output, client.wait(), client.stderr()


HTTPD = os.path.join(proc.LIB, "httpd")
