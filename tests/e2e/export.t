#!/usr/bin/python3
# Exported keying material is the same as OpenSSL's (RFC 8446, 7.5; RFC 5705).

import os
import re
import socket

import lib
import outside
import pki
import proc
import tap
from proc import Proc

EXPORT = os.path.join(proc.BUILD, "tests", "e2e", "export")
CASES = [
    (version, suite, label, length)
    for version, suites in (
        ("1.2", ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384")),
        ("1.3", ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384")),
    )
    for suite in suites
    for label, length in (("EXPORTER-Channel-Binding", 32), ("EXPERIMENTAL x", 100))
]


def material(output):
    return re.search(rb"Keying material: ([0-9A-F]+)\n", output).group(1)


def ours(role, sock, version, label, length):
    env = proc.environment(CERTFILE=pki.crt("ec256"), KEYFILE=pki.key("ec256"))
    made = Proc([EXPORT, role, version, label, str(length)], env, {0: sock, 1: "pipe"})
    sock.close()
    return made


def suite_option(version, suite):
    return ["-cipher" if version == "1.2" else "-ciphersuites", suite]


def exporter(label, length):
    return ["-keymatexport", label, "-keymatexportlen", str(length)]


def server():
    for version, suite, label, length in CASES:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            argv = outside.s_client(
                port, version, *suite_option(version, suite), *exporter(label, length)
            )
            with Proc(argv, None, {0: "pipe", 1: "pipe"}) as peer:
                with ours("server", listener.accept()[0], version, label, length) as server:
                    got = server.read().strip()
                    wanted = material(peer.read(until=rb"Keying material: \w+\n"))
                    tap.equal(got, wanted, f"server, {suite}, {length} bytes of {label}", server.stderr)


def client():
    for version, suite, label, length in CASES:
        options = [outside.OPENSSL_VERSION[version], *suite_option(version, suite), *exporter(label, length)]
        with outside.SServer("ec256", *options) as peer:
            sock = socket.create_connection(("127.0.0.1", peer.port))
            with ours("client", sock, version, label, length) as client:
                got = client.read().strip()
                wanted = material(peer.proc.read(until=rb"Keying material: \w+\n"))
                tap.equal(got, wanted, f"client, {suite}, {length} bytes of {label}", client.stderr)


tap.main(server, client)
