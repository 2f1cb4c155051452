#!/usr/bin/python3
# What prog is given. On a machine without kernel TLS: descriptors, environment, and
# that its exit code comes back. With -m kernel: a kTLS socket in both directions,
# nothing else, and nobody stands between it and the network, on which there is no
# plaintext.
# runs: host
# runs: every kernel

import os

import lib
import pki
import proc
import prog
import tap
import wire
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


CIPHERS = {
    "AES_128_GCM": "AES_128_GCM_SHA256",
    "AES_256_GCM": "AES_256_GCM_SHA384",
    "CHACHA20_POLY1305": "CHACHA20_POLY1305_SHA256",
}


def check_keys(report, version, cipher, name):
    for direction in ("tx", "rx"):
        tap.equal(
            report[direction], [prog.TLS[version], cipher], f"{name}: {direction} is protected by the kernel"
        )
    sockets = [where for where in report["descriptors"].values() if where.startswith("socket:")]
    tap.ok(
        sockets and len(set(sockets)) == 1,
        f"{name}: input and output are one socket",
        str(report["descriptors"]),
    )


def check_alone(ours, name):
    """Nothing is left of us but the process that became prog."""
    everyone = proc.processes()
    tap.ok("ktls" not in everyone[ours.pid][1], f"{name}: the process became prog", str(everyone[ours.pid]))
    tap.equal(proc.descendants(ours.pid), {}, f"{name}: prog has no helper below it")
    helpers = [p for p in everyone.values() if p[1].startswith("ktls-")]
    tap.equal(helpers, [], f"{name}: no ktls process anywhere")


def server_prog():
    for version in BOTH:
        for cipher in CIPHERS:
            name = f"server, TLS {version}, {cipher}"
            options = ["-m", "kernel", "-t", version, "-c", suite(version, cipher)]
            with prog.server(options) as (ours, tls, report):
                seen = report()
                check_keys(seen, version, cipher, name)
                check_alone(ours, name)
                prog.check_descriptors(seen, [0, 1, 2], name)
                tap.equal(prog.echo(tls), prog.LINE, f"{name}: echo")
                tap.equal(ours.wait(), 0, f"{name}: exit code", ours.stderr)
            prog.check_process(seen, name)


def client_prog():
    for version in BOTH:
        for cipher in CIPHERS:
            name = f"client, TLS {version}, {cipher}"
            options = ["-m", "kernel", "-k", "localhost", "-t", version, "-c", suite(version, cipher)]
            with prog.client(options) as (ours, tls, report):
                tls.flush()
                seen = report()
                check_keys(seen, version, cipher, name)
                check_alone(ours, name)
                prog.check_descriptors(seen, [0, 1, 2, 6, 7], name)
                tap.equal(prog.echo(tls), prog.LINE, f"{name}: echo")
                tap.equal(ours.wait(), 0, f"{name}: exit code", ours.stderr)
            prog.check_process(seen, name)


def suite(version, cipher):
    return ("TLS_" if version == "1.3" else "TLS_ECDHE_ECDSA_WITH_") + CIPHERS[cipher]


def other_modes():
    """auto gives servers and TLS 1.2 clients the socket itself."""
    for version in BOTH:
        with prog.server(["-t", version]) as (_, tls, report):
            tap.equal(
                [report()["tx"][:1], report()["rx"][:1]],
                2 * [[prog.TLS[version]]],
                f"-m auto, server, TLS {version}: the socket itself",
            )
            prog.echo(tls)
    with prog.client(["-k", "localhost"], peer=context(server=True, version="1.2", cert="ec256")) as (
        _,
        tls,
        report,
    ):
        tap.equal(report()["tx"][:1], ["0x303"], "-m auto, client, TLS 1.2: the socket itself")
        prog.echo(tls)
    with prog.client(["-k", "localhost"]) as (_, tls, report):
        tap.ok(
            report()["descriptors"]["6"].startswith("pipe:"),
            "-m auto, client, TLS 1.3: pipes",
            str(report()["descriptors"]),
        )
        tap.equal(prog.echo(tls), prog.LINE, "-m auto, client, TLS 1.3: echo")


def no_plaintext():
    """What an observer on lo sees, from the first byte to the last."""
    for version in BOTH:
        for role, run, options in (("server", prog.server, []), ("client", prog.client, ["-k", "localhost"])):
            with wire.capture() as packets:
                with run(["-m", "kernel", "-t", version, *options]) as (ours, tls, report):
                    report()
                    ports = tls.sock.getsockname()[1], tls.sock.getpeername()[1]
                    tap.equal(prog.echo(tls), prog.LINE, f"{role}, TLS {version}: echo under capture")
                    ours.wait()
                packets.stop()
            wire.check(packets.streams(ports), [prog.LINE], f"{role}, TLS {version}")


tap.main(
    host=[
        server_environment,
        server_with_client_certificate,
        server_without_client_certificate,
        client_environment,
        keep_variables,
        other_descriptors,
        exit_codes,
        missing_prog,
        names_from_certificates,
    ],
    kernel=[server_prog, client_prog, other_modes, no_plaintext],
)
