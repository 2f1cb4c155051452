#!/usr/bin/python3
# What prog is given on a machine without kernel TLS: descriptors, environment,
# and that its exit code comes back.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
import prog
import tap
from peers import BOTH, Tls, context, tcp_pair, tlsc, tlsd


def server_environment():
    for version in BOTH:
        name = f"server, TLS {version}"
        with prog.server(["-m", "user"], context(version=version)) as (ours, tls, report):
            seen = report()
            wanted = {"SSL_TLS_SNI_SERVERNAME": "localhost"}
            prog.check_environment(seen, tls, version, wanted, name)
            prog.check_removed(seen, (), name)
            prog.check_descriptors(seen, [0, 1, 2], name)
            tap.equal(prog.echo(tls), prog.LINE, f"{name}: echo")
            tap.equal(tls.end_of_stream(), "close_notify", f"{name}: prog's exit is the peer's end of stream")
            tap.equal(ours.wait(), 0, f"{name}: exit code", ours.stderr)
            tap.equal(ours.stderr(), "", f"{name}: nothing on stderr")
        prog.check_process(seen, name)


def server_with_client_certificate():
    for version in BOTH:
        name = f"server with a client certificate, TLS {version}"
        peer = context(version=version, cert="client-rsa")
        # what was in the environment before is not ours to believe
        stale = {"SSL_PROTOCOL": "stale", "SSL_PEER_CERT_HASH": "stale"}
        with prog.server(["-m", "user", "-y"], peer, env=stale) as (ours, tls, report):
            seen = report()
            subject = seen["environment"].get("SSL_PEER_CERT_SUBJECT", "")
            tap.ok("client rsa" in subject and "Test" in subject, f"{name}: subject", subject)
            wanted = {
                "SSL_TLS_SNI_SERVERNAME": "localhost",
                "SSL_PEER_CERT_HASH": prog.certificate_hash("client-rsa"),
                "SSL_PEER_CERT_SUBJECT": subject,
            }
            prog.check_environment(seen, tls, version, wanted, name)
            prog.echo(tls)


def server_without_client_certificate():
    stale = {
        "SSL_PEER_CERT_HASH": "stale",
        "SSL_PEER_CERT_SUBJECT": "stale",
        "SSL_TLS_SNI_SERVERNAME": "stale",
    }
    for version in BOTH:
        name = f"server that asked in vain, TLS {version}"
        with prog.server(["-m", "user", "-Y"], context(version=version), env=stale) as (ours, tls, report):
            prog.check_environment(report(), tls, version, {"SSL_TLS_SNI_SERVERNAME": "localhost"}, name)
            prog.echo(tls)


def client_environment():
    for version in BOTH:
        name = f"client, TLS {version}"
        peer = context(server=True, version=version, cert="rsa")
        with prog.client(["-m", "user", "-k", "localhost"], peer) as (ours, tls, report):
            seen = report()
            env = seen["environment"]
            # what SSL_TLS_SNI_SERVERNAME says to a client is left open
            wanted = {
                "SSL_PEER_CERT_HASH": prog.certificate_hash("rsa"),
                "SSL_PEER_CERT_SUBJECT": env.get("SSL_PEER_CERT_SUBJECT"),
                "SSL_TLS_SNI_SERVERNAME": env.get("SSL_TLS_SNI_SERVERNAME"),
            }
            prog.check_environment(seen, tls, version, {k: v for k, v in wanted.items() if v}, name)
            tap.ok("localhost" in env.get("SSL_PEER_CERT_SUBJECT", ""), f"{name}: subject", str(env))
            prog.check_removed(seen, (), name)
            prog.check_descriptors(seen, [0, 1, 2, 6, 7], name)
            tap.equal(prog.echo(tls), prog.LINE, f"{name}: echo")
            tap.equal(tls.end_of_stream(), "close_notify", f"{name}: prog's exit is the peer's end of stream")
            tap.equal(ours.wait(), 0, f"{name}: exit code", ours.stderr)
        prog.check_process(seen, name)


def keep_variables():
    with prog.server(["-m", "user", "-Z"]) as (_, tls, report):
        prog.check_removed(report(), ("CAFILE", "CERTFILE", "KEYFILE"), "server -Z")
        prog.echo(tls)
    with prog.client(["-m", "user", "-Z", "-k", "localhost"]) as (_, tls, report):
        prog.check_removed(report(), ("CAFILE",), "client -Z")
        prog.echo(tls)
    with prog.server(["-m", "user", "-Z", "-z"]) as (_, tls, report):
        prog.check_removed(report(), (), "server -Z -z, the last one counts")
        prog.echo(tls)


def other_descriptors():
    a, b = tcp_pair()
    with tlsc(
        a,
        ["-m", "user", "-6", "9", "-7", "9", "-k", "localhost"],
        ("sh", "-c", "echo here >&9; cat <&9"),
        fds={6: None, 7: None, 9: a},
    ) as ours, b:
        tls = Tls(b, context(server=True, cert="ec256"), server=True)
        tls.handshake()
        tap.equal(tls.read(), b"here\n", "ktls-tlsc -6 9 -7 9: prog writes there")
        tls.write(b"and back\n")
        tls.close_notify(fin=True)
        tap.equal(ours.read(), b"and back\n", "ktls-tlsc -6 9 -7 9: prog reads there")
        tap.equal(ours.wait(), 0, "ktls-tlsc -6 9 -7 9: exit code", ours.stderr)


def exit_codes():
    for code in (0, 7, 111):
        a, b = tcp_pair()
        with tlsd(b, ["-m", "user"], ("sh", "-c", f"exit {code}")) as ours, a:
            Tls(a, context()).handshake()
            tap.equal(ours.wait(), code, f"prog's exit code {code} comes back from ktls-tlsd")
        a, b = tcp_pair()
        with tlsc(a, ["-m", "user", "-k", "localhost"], ("sh", "-c", f"exit {code}")) as ours, b:
            Tls(b, context(server=True, cert="ec256"), server=True).handshake()
            tap.equal(ours.wait(), code, f"prog's exit code {code} comes back from ktls-tlsc")


def missing_prog():
    a, b = tcp_pair()
    with tlsd(b, ["-m", "user"], ("/nonexistent/prog",)) as ours, a:
        Tls(a, context()).handshake()
        code = ours.wait()
        tap.ok(code in (111, 127), f"a prog that does not exist: exit code {code}", ours.stderr)
        tap.ok(
            "/nonexistent/prog" in ours.stderr(),
            "a prog that does not exist: its name on stderr",
            ours.stderr,
        )


def names_from_certificates():
    for name in ("localhost", "LOCALHOST", "127.0.0.1", "::1", "example.test", "a.wild.test"):
        a, b = tcp_pair()
        with tlsc(a, ["-m", "user", "-k", name], ("true",)) as ours, b:
            tls = Tls(b, context(server=True, cert="ec256"), server=True)
            tls.handshake()
            tap.equal(ours.wait(), 0, f"ktls-tlsc -k {name} is satisfied", ours.stderr)
    a, b = tcp_pair()
    env = {"CAFILE": None, "CADIR": os.path.join(pki.directory(), "cadir")}
    with tlsc(a, ["-m", "user", "-k", "localhost"], ("true",), env=env) as ours, b:
        Tls(b, context(server=True, cert="rsa"), server=True).handshake()
        tap.equal(ours.wait(), 0, "CADIR instead of CAFILE", ours.stderr)


tap.main(
    server_environment,
    server_with_client_certificate,
    server_without_client_certificate,
    client_environment,
    keep_variables,
    other_descriptors,
    exit_codes,
    missing_prog,
    names_from_certificates,
)
