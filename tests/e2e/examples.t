#!/usr/bin/python3
# doc/examples, compiled by what pkg-config says of an installed tree and by
# nothing else, do what they promise.
# runs: newest kernel; not: sanitizers

import contextlib
import os
import re
import shlex
import socket
import subprocess

import lib
import peers
import pki
import proc
import tap
from peers import BOTH, Tls, context, tcp_pair

ROOT = proc.temp("root")
ECHO, ECHO_STATIC, ECHO_REKEY = (proc.temp(name) for name in ("echo", "echo-static", "echo-rekey"))


def setting(name):
    with open(os.path.join(proc.BUILD, "config.mak")) as f:
        return re.search(rf"^{name} := (.*)$", f.read(), re.M).group(1)


def run(argv, env=None):
    done = subprocess.run(argv, env=env, cwd=proc.ROOT, capture_output=True, text=True)
    if done.returncode or done.stderr:
        raise RuntimeError(f"{argv}: {done.returncode} {done.stderr}")
    return done.stdout


def pkg_config(*words):
    """Of the tree where it is, which is not where it was configured for."""
    env = proc.environment(PKG_CONFIG_LIBDIR=ROOT + setting("libdir") + "/pkgconfig")
    moved = "--define-variable=prefix=" + ROOT + setting("prefix")
    return shlex.split(run(["pkg-config", moved, *words], env))


def compile(out, source, *words):
    cc = shlex.split(setting("CC"))
    run([*cc, "-Wall", "-Werror", "-o", out, os.path.join("doc", "examples", source), *words])
    return os.path.exists(out)


def install():
    run(["make", "-s", "BUILD=" + os.path.relpath(proc.BUILD, proc.ROOT), "DESTDIR=" + ROOT, "install"], proc.environment(MAKEFLAGS=""))
    tap.equal(
        run(["sed", "-n", "s/^version=//p", "package/info"]).split(),
        pkg_config("--modversion", "libktls"),
        "pkg-config knows the version",
    )
    tap.ok(compile(ECHO, "echo.c", *pkg_config("--cflags", "--libs", "libktls")), "echo, shared library")
    tap.ok(
        compile(ECHO_STATIC, "echo.c", "-static", *pkg_config("--static", "--cflags", "--libs", "libktls")),
        "echo, static",
    )
    tap.ok(
        compile(ECHO_REKEY, "echo-rekey.c", *pkg_config("--cflags", "--libs", "libktls-tls")),
        "echo-rekey",
    )


def environment():
    return proc.environment(
        LD_LIBRARY_PATH=ROOT + setting("libdir"), CERTFILE=pki.crt("ec256"), KEYFILE=pki.key("ec256")
    )


def serve(sock, argv):
    sock.setblocking(True)
    made = proc.Proc(argv, environment(), {0: sock, 1: sock})
    sock.close()
    return made


def behind_tlsd(program):
    return [proc.TLSD, "-m", "kernel", program]


def alone():
    return [ECHO_REKEY, pki.crt("ec256"), pki.key("ec256")]


@contextlib.contextmanager
def s_client(argv, version):
    """openssl s_client and the server that it talks to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(proc.LIMIT)
        client = proc.Proc(
            [
                "openssl",
                "s_client",
                "-connect",
                "127.0.0.1:%d" % listener.getsockname()[1],
                "-CAfile",
                pki.ca(),
                "-tls" + version.replace(".", "_"),
            ],
            fds={0: "pipe", 1: "pipe"},
        )
        with client:
            with serve(listener.accept()[0], argv) as server:
                yield client, server


def echo_line(client, line):
    client.write(line + b"\n")
    return client.read(until=rb"(?m)^" + line + rb"$")


def change_keys(client, command):
    """k or K, alone: s_client drops what it reads together with it."""
    before = client.stderr().count("KEYUPDATE")
    client.write(command + b"\n")
    proc.await_true(lambda: client.stderr().count("KEYUPDATE") > before, "s_client's KEYUPDATE")


def leave(client, server, name):
    client.write(b"Q\n")
    tap.equal(client.wait(), 0, f"{name}: openssl s_client ends well", client.stderr)
    tap.equal((server.wait(), server.stderr()), (0, ""), f"{name}: and so does the server")


def with_openssl():
    for version in BOTH:
        for what, argv in (
            ("shared", behind_tlsd(ECHO)),
            ("static", behind_tlsd(ECHO_STATIC)),
            ("own handshake", alone()),
        ):
            name = f"{what}, TLS {version}"
            with s_client(argv, version) as (client, server):
                tap.ok(
                    echo_line(client, b"hello") and echo_line(client, b"again"), f"{name}: lines come back"
                )
                leave(client, server, name)


@contextlib.contextmanager
def python_client(argv, version):
    a, b = tcp_pair()
    with serve(b, argv) as server, a:
        tls = Tls(a, context(version=version))
        tls.handshake()
        yield tls, server


def ends():
    for version in BOTH:
        for argv in (behind_tlsd(ECHO), alone()):
            name = f"{os.path.basename(argv[-1] if len(argv) > 3 else argv[0])}, TLS {version}"
            with python_client(argv, version) as (tls, server):
                tls.write(b"line\n")
                tap.equal(tls.read_exactly(5), b"line\n", f"{name}: echo")
                tls.write(b"last\n", flush=False)
                tls.close_notify(fin=True)
                tap.equal(
                    tls.read_exactly(5), b"last\n", f"{name}: the last line, after close_notify and FIN"
                )
                tap.equal(tls.end_of_stream(), "close_notify", f"{name}: close_notify for close_notify")
                tap.equal((server.wait(), server.stderr()), (0, ""), f"{name}: nothing to complain of")
            with python_client(argv, version) as (tls, server):
                tls.sock.shutdown(socket.SHUT_WR)
                tap.equal(server.wait(), 1, f"{name}: FIN alone is an error")
                tap.ok("read: No data available" in server.stderr(), f"{name}: that is told", server.stderr)


def can_rekey():
    major, minor = (int(n) for n in os.uname().release.split(".")[:2])
    return (major, minor) >= (6, 14)


def key_update():
    with s_client(alone(), "1.3") as (client, server):
        echo_line(client, b"before")
        change_keys(client, b"k")
        if not can_rekey():
            tap.equal(server.wait(), 1, "KeyUpdate on a kernel that cannot")
            tap.ok("read: Key was rejected" in server.stderr(), "is told", server.stderr)
            return
        tap.ok(echo_line(client, b"one"), "KeyUpdate")
        for n in range(5):
            change_keys(client, b"K")
            tap.ok(echo_line(client, b"round%d" % n), "KeyUpdate that asks for ours")
        leave(client, server, "KeyUpdate")
    with s_client(behind_tlsd(ECHO), "1.3") as (client, server):
        echo_line(client, b"before")
        change_keys(client, b"k")
        tap.equal(server.wait(), 1, "KeyUpdate without secrets")
        tap.ok("read: Key has expired" in server.stderr(), "is told", server.stderr)


tap.main(install, with_openssl, ends, key_update)
