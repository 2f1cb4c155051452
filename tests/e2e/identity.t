#!/usr/bin/python3
# SSL_ variables say what is so of this connection, and of a peer only what was
# verified; where there is nothing to say nothing inherited is left. SSL_PATH where the
# kernel protects the records.
# runs: host
# runs: newest kernel

import lib
import identity
import tap
from identity import peer_of
from peers import BOTH, context

USER = {"SSL_PATH": "user"}
SERVER_SAN = "DNS:localhost,DNS:example.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1"
CLIENTS = {
    "client-ec": ("O=Test, CN=client ec", None),
    "client-rsa": ("O=Test, CN=client rsa", None),
    "client-san": (
        "O=Test, CN=client san",
        "DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1,email:me@a.example,URI:urn:a?b;c",
    ),
    "client-nameless": (None, None),
    "client-long": ("O=Test, CN=client long", None),
}


def client_certificates():
    for version in BOTH:
        for option in ("-Y", "-y"):
            for cert, (subject, san) in CLIENTS.items():
                identity.server(
                    ["-m", "user", option],
                    context(version=version, cert=cert),
                    {**USER, **peer_of(cert, subject, san)},
                    f"ktls-tlsd {option}, {cert}, TLS {version}",
                )
            if option == "-Y":
                identity.server(
                    ["-m", "user", option],
                    context(version=version),
                    USER,
                    f"ktls-tlsd -Y, no certificate, TLS {version}",
                )
        identity.server(
            ["-m", "user"],
            context(version=version, cert="client-san"),
            USER,
            f"ktls-tlsd, not asked for a certificate, TLS {version}",
        )


def server_certificates():
    for version in BOTH:
        peer = context(server=True, version=version, cert="ec256")
        wanted = {**USER, **peer_of("ec256", "CN=localhost", SERVER_SAN)}
        for name, sent in (("LocalHost", "localhost"), ("127.0.0.1", None)):
            sni = {"SSL_TLS_SNI_SERVERNAME": sent} if sent else {}
            identity.client(
                ["-m", "user", "-k", name], peer, {**wanted, **sni}, f"ktls-tlsc -k {name}, TLS {version}"
            )
        identity.client(["-m", "user"], peer, wanted, f"ktls-tlsc without -k, TLS {version}")
        identity.client(
            ["-m", "user", "--no-verify-cert"], peer, USER, f"ktls-tlsc --no-verify-cert, TLS {version}"
        )


def application_protocols():
    for version in BOTH:
        for offered, alpn in (["h2"], {"SSL_ALPN": "h2"}), (None, {}):
            identity.server(
                ["-m", "user", "-a", "http/1.1,h2"],
                context(version=version, alpn=offered),
                {**USER, **alpn},
                f"ktls-tlsd -a http/1.1,h2, the client offers {offered}, TLS {version}",
            )
        for chosen, alpn in (["h2"], {"SSL_ALPN": "h2"}), (None, {}):
            identity.client(
                ["-m", "user", "-a", "http/1.1,h2", "--no-verify-cert"],
                context(server=True, version=version, cert="ec256", alpn=chosen),
                {**USER, **alpn},
                f"ktls-tlsc -a http/1.1,h2, the server chooses {chosen}, TLS {version}",
            )


KERNEL = {"SSL_PATH": "kernel"}


def path():
    for version in BOTH:
        for mode in ("kernel", "auto"):
            identity.server(["-m", mode], context(version=version), KERNEL, f"ktls-tlsd -m {mode}, TLS {version}")
        peer = context(server=True, version=version, cert="ec256")
        identity.client(
            ["-m", "kernel", "--no-verify-cert"], peer, KERNEL, f"ktls-tlsc -m kernel, TLS {version}"
        )


tap.main(host=[client_certificates, server_certificates, application_protocols], kernel=[path])
