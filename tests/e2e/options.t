#!/usr/bin/python3
# Options, variables and files that are wrong, and those that are right.

import os
import subprocess

import lib
import peers
import pki
import proc
import refusal
import tap
from peers import Tls, context, tcp_pair
from proc import Proc
from records import OPENSSL_NAME, SUITES_1_3

CONFIGURATION, USAGE = 96, 100


def run(program, options, env=None, codes=(USAGE,), words=None, prog=True):
    """Ends at once, before a byte is read or written."""
    mark, touch = peers.marker()
    changes = {"CAFILE": pki.ca()}
    if program is proc.TLSD:
        changes.update(CERTFILE=pki.crt("ec256"), KEYFILE=pki.key("ec256"))
    changes.update(env or {})
    a, b = tcp_pair()
    fds = {0: b, 1: b} if program is proc.TLSD else {6: b, 7: b}
    with Proc([program, *options, *(touch if prog else ())], proc.environment(**changes), fds) as ours, a:
        b.close()
        shown = " ".join([os.path.basename(program), *options]) + "".join(
            f" {k}={v}" for k, v in (env or {}).items()
        )
        code = ours.wait()
        name = shown.replace(pki.directory() + "/", "").replace(proc.TMP + "/", "")
        lines = ours.stderr().splitlines()
        tap.ok(
            code in codes and lines and not peers.started(mark),
            f"{name}: exit {code}, {lines[:1]}",
            lambda: f"wanted {codes}\n{ours.stderr()}",
        )
        if words:
            tap.ok(
                words in ours.stderr(), f"{name}: the message names {os.path.basename(words)}", ours.stderr()
            )


def usage():
    for program, server in ((proc.TLSD, True), (proc.TLSC, False)):
        run(program, [], prog=False)
        for options in (
            ["-%"],
            ["-t", "1.1"],
            ["-t", "1.4"],
            ["-t", "x"],
            ["-t", ""],
            ["-m", "fast"],
            ["-m", ""],
            ["-c", "nothing"],
            ["-c", ""],
            ["-c", "TLS_AES_128_GCM_SHA256:"],
            ["-c", "AES128-SHA"],
            ["-K", "soon"],
            ["-K", "-1"],
            ["-K", ""],
            ["-K", "99999999999999999999"],
            ["-a", ""],
            ["-a", "h2,,x"],
            ["-a", 256 * "x"],
            ["-v", "x"],
        ):
            run(program, options)
    for options in (["-6", "2"], ["-7", "0"], ["-6", "x"], ["-6", ""], ["-k", 300 * "x"], ["-k", "."], ["-k", "[localhost]"], ["-k", "b\u00fccher.test"]):
        run(proc.TLSC, options)
    run(proc.TLSC, ["-t", "1.2", "-c", SUITES_1_3[0], "-k", "localhost"], codes=(USAGE, CONFIGURATION))


def no_such_descriptor():
    for fds in ({6: None}, {7: None}, {}):
        mark, touch = peers.marker()
        with Proc(
            [proc.TLSC, "-m", "user", "-k", "localhost", *touch], proc.environment(CAFILE=pki.ca()), fds
        ) as ours:
            code = ours.wait()
            tap.ok(
                code in (97, 98, 100, 111) and ours.stderr() and not peers.started(mark),
                f"ktls-tlsc with {sorted(fds) or 'neither'} of 6 and 7 open, and no socket: exit {code}",
                ours.stderr,
            )


def files():
    empty, garbage, nowhere = proc.temp("empty"), proc.temp("garbage"), "/nonexistent/file"
    open(empty, "w").close()
    with open(garbage, "wb") as f:
        f.write(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + os.urandom(1000))
    fifo, bom, traditional, pkcs8, trusted = (proc.temp(name) for name in ("fifo", "bom", "traditional", "pkcs8", "trusted"))
    os.mkfifo(fifo)
    with open(bom, "wb") as f:
        f.write(b"\xef\xbb\xbf" + open(pki.crt("ec256"), "rb").read())
    openssl = ["openssl", "ec", "-in", pki.key("ec256"), "-aes128", "-passout", "pass:x", "-out", traditional]
    subprocess.run(openssl, check=True, capture_output=True)
    openssl = ["openssl", "pkcs8", "-topk8", "-in", pki.key("ec256"), "-passout", "pass:x", "-out", pkcs8]
    subprocess.run(openssl, check=True, capture_output=True)
    openssl = ["openssl", "x509", "-in", pki.crt("ec256"), "-trustout", "-out", trusted]
    subprocess.run(openssl, check=True, capture_output=True)
    for variable, path, words in (
        ("CERTFILE", fifo, "not a regular file"),
        ("CERTFILE", "/", "Is a directory"),
        ("CERTFILE", trusted, "TRUSTED CERTIFICATE"),
        ("KEYFILE", traditional, "is encrypted"),
        ("KEYFILE", pkcs8, "is encrypted"),
        ("KEYFILE", pki.crt("ec256"), "no usable private key"),
    ):
        run(proc.TLSD, [], {variable: path}, (CONFIGURATION,), words)
    run(proc.TLSD, [], {"CERTFILE": bom, "KEYFILE": pki.key("mismatch")}, (CONFIGURATION,), "does not belong")
    for variable in ("CADIR", "CAFILE", "PEERPIN", "CRLDIR"):
        run(proc.TLSC, ["-k", "localhost"], {variable: ""}, (USAGE,), f"{variable} is set and empty")
    for variable in ("CERTFILE", "KEYFILE"):
        run(proc.TLSD, [], {variable: None}, (USAGE, CONFIGURATION), variable)
        for path in (empty, garbage, nowhere, "/"):
            run(proc.TLSD, [], {variable: path}, (CONFIGURATION,), path)
            env = {"CERTFILE": pki.crt("client-ec"), "KEYFILE": pki.key("client-ec")}
            run(proc.TLSC, ["-y", "-k", "localhost"], {**env, variable: path}, (CONFIGURATION,), path)
    run(proc.TLSD, [], {"KEYFILE": pki.key("mismatch")}, (CONFIGURATION,))
    for path in (empty, nowhere):
        run(proc.TLSC, ["-k", "localhost"], {"CAFILE": path}, (CONFIGURATION,), path)
        run(proc.TLSD, ["-y"], {"CAFILE": path}, (CONFIGURATION,), path)
    run(proc.TLSC, ["-k", "localhost"], {"CADIR": nowhere}, (CONFIGURATION,), nowhere)


def key_files():
    """Every form in which openssl writes them."""
    d = pki.directory()
    for cert, key in (
        ("ec256.crt", "ec256.key"),
        ("ec256.crt.der", "ec256.key.der"),
        ("ec256.crt", "ec256.sec1.key"),
        ("rsa.crt", "rsa.pkcs1.key"),
        ("rsa.crt.der", "rsa.key.der"),
        ("ec256.pem", "ec256.pem"),
    ):
        a, b = tcp_pair()
        env = {"CERTFILE": os.path.join(d, cert), "KEYFILE": os.path.join(d, key)}
        with peers.tlsd(b, ["-m", "user"], env=env) as ours, a:
            _echo(Tls(a, context()), ours, f"CERTFILE={cert} KEYFILE={key}")


def _echo(tls, ours, name):
    try:
        tls.handshake()
        tls.write(b"hello\n")
        tap.equal(tls.read_exactly(6), b"hello\n", name, ours.stderr)
    except OSError as e:
        tap.ok(False, name, f"{e}\n{ours.stderr()}")


def suites():
    """-c takes lists, both kinds of name, and any case; the order counts."""
    first, second = "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"
    iana = {openssl: name for name, openssl in OPENSSL_NAME.items()}
    for listed in (
        f"{first}:{second}",
        f"{iana[first]}:{iana[second]}",
        f"{iana[first].lower()}:{second.lower()}",
    ):
        a, b = tcp_pair()
        with peers.tlsd(b, ["-m", "user", "-c", listed, "-t", "1.2"]) as ours, a:
            tls = Tls(a, context())
            _echo(tls, ours, f"-c {listed}")
            tap.equal(tls.tls.cipher()[0], first, f"-c {listed}: the suite")
    a, b = tcp_pair()
    with peers.tlsd(b, ["-m", "user", "-c", ":".join(SUITES_1_3[1:])]) as ours, a:
        tls = Tls(a, context())
        _echo(tls, ours, "-c with TLS 1.3 suites only")
        tap.ok(
            tls.tls.cipher()[0] in SUITES_1_3[1:],
            "-c with TLS 1.3 suites only: the suite",
            str(tls.tls.cipher()),
        )


def long_deadline():
    for options in (["-K", "0"], ["-K", "60000"], ["-v", "0"], ["-v", "2"]):
        a, b = tcp_pair()
        with peers.tlsd(b, ["-m", "user", *options]) as ours, a:
            _echo(Tls(a, context()), ours, f"ktls-tlsd {' '.join(options)}")


def no_name():
    """Without -k there is no name to verify, but the chain still counts."""
    a, b = tcp_pair()
    with peers.tlsc(a, ["-m", "user"], ("true",)) as ours, b:
        Tls(b, context(server=True, cert="wrongname"), server=True).handshake()
        tap.equal(ours.wait(), 0, "ktls-tlsc without -k takes any name", ours.stderr)
    refusal.client(
        context(server=True, cert="selfsigned"),
        "ktls-tlsc without -k, self-signed certificate",
        (48,),
        options=(),
    )


tap.main(usage, no_such_descriptor, files, key_files, suites, long_deadline, no_name)
