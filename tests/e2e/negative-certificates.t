#!/usr/bin/python3
# Certificates and names that must not be accepted, and choices without overlap.
# runs: host
# runs: newest kernel, -m kernel; not: sanitizers

import lib
import peers
import pki
import proc
import refusal
import tap
from outside import SServer, converse, tcpclient, tlsd_server
from peers import BOTH, context

BAD, UNSUPPORTED, EXPIRED, UNKNOWN, UNKNOWN_CA, DECRYPT_ERROR = 42, 43, 45, 46, 48, 51
INTERNAL_ERROR = 80
HANDSHAKE_FAILURE, INSUFFICIENT, NO_ALPN, CERTIFICATE_REQUIRED = 40, 71, 120, 116

# certificate of the server, the alerts that say so, words on stderr
SERVERS = [
    ("wrongname", (BAD, UNKNOWN), "name"),
    ("expired", (EXPIRED,), "expired|valid"),
    ("future", (EXPIRED, BAD), "expired|valid"),
    ("selfsigned", (UNKNOWN_CA,), "unknown|anchor|CA"),
    ("clientonly", (UNSUPPORTED, BAD, UNKNOWN), "purpose|usage|use"),
    ("rsa1024", (UNSUPPORTED, BAD, UNKNOWN, INSUFFICIENT), "unsupported|weak|short|key"),
    ("sha1", (UNSUPPORTED, BAD, UNKNOWN), "unsupported|weak|algorithm|hash"),
]


def servers_certificate():
    for cert, alerts, words in SERVERS:
        for version in BOTH:
            peer = context(server=True, version=version, cert=cert, weak=True)
            refusal.client(peer, f"ktls-tlsc, server certificate {cert}, TLS {version}", alerts, words=words)


def servers_ca():
    for version in BOTH:
        peer = context(server=True, version=version, cert="ec256")
        refusal.client(
            peer,
            f"ktls-tlsc, unknown CA, TLS {version}",
            (UNKNOWN_CA,),
            words="unknown|anchor|CA",
            env={"CAFILE": pki.ca("ca-unknown")},
        )


def servers_signature():
    for version in BOTH:
        peer = context(server=True, version=version, cert=pki.forged("ec256"), key=pki.key("ec256"))
        refusal.client(
            peer,
            f"ktls-tlsc, forged certificate, TLS {version}",
            (BAD, UNKNOWN_CA, DECRYPT_ERROR),
            words="certificate|signature",
        )
        peer = context(server=True, version=version, cert="ec256", key=pki.lying_key("ec256"))
        refusal.client(
            peer,
            f"ktls-tlsc, server without the certificate's key, TLS {version}",
            (DECRYPT_ERROR,),
            words="decrypt_error|signature",
        )


def faulty_signatures():
    """An RSA signature that is wrong in one half is not sent: it would give the key away."""
    for version in BOTH:
        refusal.server(
            context(version=version),
            f"ktls-tlsd, RSA key with a faulty dp, TLS {version}",
            (INTERNAL_ERROR,),
            words="cannot sign with our key .sent alert internal_error",
            cert="rsa",
            env={"KEYFILE": pki.faulty_key("rsa")},
        )
        refusal.client(
            context(server=True, version=version, cert="ec256", client_cert="required"),
            f"ktls-tlsc -y, RSA key with a faulty dp, TLS {version}",
            (INTERNAL_ERROR,),
            ("-y", "-k", "localhost"),
            "cannot sign with our key .sent alert internal_error",
            env={"CERTFILE": pki.crt("client-rsa"), "KEYFILE": pki.faulty_key("client-rsa")},
        )


def names():
    cases = [
        ("other.test", "ec256"),
        ("sub.localhost", "ec256"),
        ("a.b.wild.test", "ec256"),
        ("wild.test", "ec256"),
        ("127.0.0.2", "ec256"),
        ("::2", "rsa"),
        ("localhost", "wrongname"),
    ]
    for name, cert in cases:
        refusal.client(
            context(server=True, cert=cert),
            f"ktls-tlsc -k {name}, certificate {cert}",
            (BAD, UNKNOWN),
            options=["-k", name],
            words="name",
        )


# certificate of the client
CLIENTS = [
    ("client-unknown", (UNKNOWN_CA,), "unknown|anchor|CA"),
    ("expired", (EXPIRED, UNSUPPORTED, BAD, UNKNOWN), None),
    ("selfsigned", (UNKNOWN_CA,), "unknown|anchor|CA"),
    ("ec256", (UNSUPPORTED, BAD, UNKNOWN), "purpose|usage|use"),
    ("rsa1024", (UNSUPPORTED, BAD, UNKNOWN, INSUFFICIENT), None),
]


def clients_certificate():
    for cert, alerts, words in CLIENTS:
        for version in BOTH:
            for option in ("-Y", "-y"):
                peer = context(version=version, cert=cert, weak=True)
                refusal.server(
                    peer,
                    f"ktls-tlsd {option}, client certificate {cert}, TLS {version}",
                    alerts,
                    [option],
                    words,
                )


def clients_signature():
    for version in BOTH:
        peer = context(version=version, cert="client-ec", key=pki.lying_key("client-ec"))
        refusal.server(
            peer,
            f"ktls-tlsd -Y, client without the certificate's key, TLS {version}",
            (DECRYPT_ERROR,),
            ["-Y"],
            "decrypt_error|signature",
        )
        peer = context(version=version, cert=pki.forged("client-ec"), key=pki.key("client-ec"))
        refusal.server(
            peer,
            f"ktls-tlsd -Y, forged client certificate, TLS {version}",
            (BAD, UNKNOWN_CA, DECRYPT_ERROR),
            ["-Y"],
            "certificate|signature",
        )


def client_certificate_missing():
    for version, alert in (("1.2", HANDSHAKE_FAILURE), ("1.3", CERTIFICATE_REQUIRED)):
        refusal.server(
            context(version=version),
            f"ktls-tlsd -y, no client certificate, TLS {version}",
            (alert,),
            ["-y"],
            "certificate",
        )


def nothing_in_common():
    ecdsa, rsa = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"
    refusal.server(
        context(version="1.2", suites=rsa),
        "ktls-tlsd with an ECDSA key, client with RSA suites only",
        (HANDSHAKE_FAILURE,),
        words="handshake_failure",
    )
    refusal.server(
        context(version="1.2", suites="AES128-SHA"),
        "ktls-tlsd, client with CBC suites only",
        (HANDSHAKE_FAILURE, INSUFFICIENT),
    )
    refusal.client(
        context(server=True, version="1.2", cert="ec256", suites=ecdsa),
        "ktls-tlsc -c RSA suite, server with ECDSA suites only",
        None,
        ["-k", "localhost", "-t", "1.2", "-c", rsa],
        "handshake_failure",
    )
    refusal.server(
        context(version="1.2", groups="secp256k1"),
        "ktls-tlsd, no common group, TLS 1.2",
        (HANDSHAKE_FAILURE,),
    )
    for version in BOTH:
        refusal.server(
            context(version=version, alpn=["spdy/3"]),
            f"ktls-tlsd, no common ALPN, TLS {version}",
            (NO_ALPN,),
            ["-a", "h2,http/1.1"],
            "no_application_protocol|ALPN",
        )


def old_versions():
    """Peers that really speak TLS 1.1, not only hellos that say so."""
    old = ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    mark, program = peers.marker()
    with tlsd_server(["-m", proc.MODE], program) as server:
        argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *old]
        _, code, errors = converse(argv, b"", rb"Verif|\Z")
        tap.ok(
            code != 0 and "SSL alert number 70" in errors,
            "ktls-tlsd, openssl s_client -tls1_1: protocol_version",
            errors,
        )
    with SServer("ec256", *old) as server:
        _, code, errors = tcpclient(server.port, ["ktls-tlsc", "-m", proc.MODE, "-k", "localhost", *program])
        tap.equal(code, 98, "ktls-tlsc, openssl s_server -tls1_1: exit 98", errors)
    tap.ok(not peers.started(mark), "TLS 1.1: prog is not started")


def versions():
    for ours, theirs in (("1.2", "1.3"), ("1.3", "1.2")):
        refusal.server(
            context(version=theirs),
            f"ktls-tlsd -t {ours}, client with TLS {theirs} only",
            (70,),
            ["-t", ours],
            "protocol_version|version",
        )
        refusal.client(
            context(server=True, version=theirs, cert="ec256"),
            f"ktls-tlsc -t {ours}, server with TLS {theirs} only",
            None,
            ["-k", "localhost", "-t", ours],
            "protocol_version|version|handshake_failure",
        )


tap.main(
    servers_certificate,
    servers_ca,
    servers_signature,
    faulty_signatures,
    names,
    clients_certificate,
    clients_signature,
    client_certificate_missing,
    nothing_in_common,
    versions,
    old_versions,
)
