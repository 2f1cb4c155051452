#!/usr/bin/python3
# needs: ktls (every kernel)
# -m kernel: prog gets a kTLS socket in both directions, nothing else, and nobody
# stands between it and the network, on which there is no plaintext.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import prog
import proc
import tap
import wire
from peers import BOTH, context

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


tap.main(server_prog, client_prog, other_modes, no_plaintext)
