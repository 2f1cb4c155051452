#!/usr/bin/python3
# Handshakes of both roles and versions under valgrind: no error, no leak, no
# descriptor too many.

import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
import proc
import tap

if not shutil.which("valgrind"):
    tap.skip_all("no valgrind; Debian package valgrind")


def build():
    """Valgrind must see malloc and free, so libc must not be in the program."""
    made = os.path.join(proc.TMP, "build")
    for argv in (
        ["./configure", "--build-dir=" + made, "--disable-static-libc", "--disable-shared", "CFLAGS=-O1 -g"],
        ["make", "-s", "-j2", "BUILD=" + made, "all"],
    ):
        done = subprocess.run(
            argv,
            cwd=proc.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            print(f"Bail out! {' '.join(argv)} failed")
            tap.diag(done.stdout)
            sys.exit(1)
    return os.path.join(made, "bin")


proc.BIN = os.environ.get("KTLS_VALGRIND_BIN") or build()
proc.TLSD, proc.TLSC = (os.path.join(proc.BIN, name) for name in ("ktls-tlsd", "ktls-tlsc"))

from peers import BOTH, Tls, Vanished, context, tcp_pair, tlsc, tlsd


def valgrind():
    logs = proc.temp("valgrind")
    os.mkdir(logs)
    return logs, (
        "valgrind",
        "-q",
        "--leak-check=full",
        "--show-leak-kinds=all",
        "--track-fds=yes",
        "--trace-children=yes",
        "--trace-children-skip=*/sh,*/cat,*/touch,*/true",
        f"--log-file={logs}/%p",
    )


def complaints(logs):
    """Valgrind's words, without the descriptors that were open at the start."""
    found = []
    for path in glob.glob(logs + "/*"):
        with open(path, errors="replace") as f:
            text = re.sub(r"(?m)^==\d+== ?", "", f.read())
        for part in re.split(r"\n\s*\n", text):
            part = part.strip()
            if part and not re.match(r"(FILE DESCRIPTORS|Open .*\n?\s*<inherited from parent>)", part):
                found.append(part)
    return "\n\n".join(found)


def check(ours, logs, name, codes):
    code = ours.wait(60)
    found = complaints(logs)
    tap.ok(
        code in codes and not found, f"valgrind, {name}: exit {code}", lambda: found + "\n" + ours.stderr()
    )


def server(version, cert, options=(), client_cert=None):
    logs, wrapper = valgrind()
    a, b = tcp_pair()
    a.settimeout(60)
    with tlsd(b, ["-m", "user", "-K", "0", "-a", "h2", *options], cert=cert, wrapper=wrapper) as ours, a:
        tls = Tls(a, context(version=version, cert=client_cert, alpn=["h2"]))
        _converse(tls, ours)
        check(ours, logs, f"ktls-tlsd, TLS {version}, {cert}, {' '.join(options)}", (0,))


def client(version, cert, options=(), env=None):
    logs, wrapper = valgrind()
    a, b = tcp_pair()
    b.settimeout(60)
    with tlsc(
        a,
        ["-m", "user", "-K", "0", "-k", "localhost", *options],
        ("sh", "-c", "exec cat <&6 >&7"),
        env=env,
        wrapper=wrapper,
    ) as ours, b:
        more = {"client_cert": "required"} if env else {}
        tls = Tls(b, context(server=True, version=version, cert=cert, **more), server=True)
        _converse(tls, ours)
        check(ours, logs, f"ktls-tlsc, TLS {version}, {cert}, {' '.join(options)}", (0,))


def _converse(tls, ours):
    try:
        tls.handshake()
        tls.write(b"hello\n")
        tls.read_exactly(6)
        tls.close_notify(fin=True)
        while tls.fill():
            pass
    except OSError as e:
        tap.diag(f"{e}: {ours.stderr()}")


def handshakes():
    for version in BOTH:
        for cert in ("ec256", "rsa"):
            server(version, cert)
            client(version, cert)
        server(version, "ec384", ["-y"], "client-rsa")
        client(
            version, "ec-chain", ["-y"], {"CERTFILE": pki.crt("client-ec"), "KEYFILE": pki.key("client-ec")}
        )


def for_the_kernel():
    """The way of -m kernel up to prog; where the kernel has no TLS, with its
    answers given by a filter. A TLS 1.3 client would wait for what only a
    kernel with TLS gives it."""
    answer = () if proc.kernel_has_tls() else (os.path.join(proc.LIB, "answer.py"),)
    for role, version in (("server", "1.2"), ("server", "1.3"), ("client", "1.2")):
        logs, wrapper = valgrind()
        a, b = tcp_pair()
        a.settimeout(60)
        options = ["-m", "kernel", "-K", "0"]
        if role == "server":
            ours = tlsd(b, options, ("true",), wrapper=answer + wrapper)
            tls = Tls(a, context(version=version))
        else:
            ours = tlsc(b, [*options, "-k", "localhost"], ("true",), wrapper=answer + wrapper)
            tls = Tls(a, context(server=True, version=version, cert="ec256"), server=True)
        with ours, a:
            _converse(tls, ours)
            check(ours, logs, f"{role} -m kernel, TLS {version}", (0,))


def refusals():
    """What fails must clean up, too; and a prog that is missing shows what
    would have been left to it."""
    for version in BOTH:
        for cut in (0, 100, 300):
            logs, wrapper = valgrind()
            a, b = tcp_pair()
            a.settimeout(60)
            with tlsd(b, ["-m", "user", "-K", "0"], wrapper=wrapper) as ours, a:
                try:
                    Tls(a, context(version=version), cut=cut).handshake()
                except (Vanished, OSError):
                    pass
                a.close()
                check(ours, logs, f"ktls-tlsd, TLS {version}, peer gone after {cut} bytes", (98, 111, 0))
        logs, wrapper = valgrind()
        a, b = tcp_pair()
        b.settimeout(60)
        with tlsc(a, ["-m", "user", "-K", "0", "-k", "other.test"], ("true",), wrapper=wrapper) as ours, b:
            try:
                Tls(b, context(server=True, version=version, cert="rsa"), server=True).handshake()
            except OSError:
                pass
            b.close()
            check(ours, logs, f"ktls-tlsc, TLS {version}, wrong name", (98,))


def garbage():
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x00\x40" + bytes([1, 0, 0, 60]) + b"\xff" * 60):
        logs, wrapper = valgrind()
        a, b = tcp_pair()
        a.settimeout(60)
        with tlsd(b, ["-m", "user", "-K", "0"], wrapper=wrapper) as ours, a:
            a.sendall(data)
            a.shutdown(1)
            check(ours, logs, f"ktls-tlsd, {data[:3]!r}", (98,))


tap.main(handshakes, for_the_kernel, refusals, garbage, limit=300)
