#!/usr/bin/python3
# Certificates from a folder, by server name: CERTDIR. Renewal without restart.
# runs: host; takes: long

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import lib
import pki
import proc
import programs
import sni
import tap
from sni import pair, refuses, shows

SEPARATE = {"TLS_UID": "12345", "TLS_GID": "12346"} if os.getuid() == 0 else None


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, content):
    with open(path + ".new", "wb") as f:
        f.write(content)
    os.rename(path + ".new", path)


def one_file(folder, name, cert):
    write(os.path.join(folder, name + ".pem"), read(pki.key(cert)) + read(pki.crt(cert)))


def two_files(folder, name, cert):
    write(os.path.join(folder, name + ".key"), read(pki.key(cert)))
    write(os.path.join(folder, name + ".pem"), read(pki.crt(cert)))


def folder():
    path = proc.temp("certificates")
    os.mkdir(path)
    os.chmod(path, 0o700)
    return path


def surroundings():
    """Here, and in a process without files."""
    return [("", {})] + ([("TLS_UID: ", SEPARATE)] if SEPARATE else [])


def names():
    path = folder()
    one_file(path, "one.test", "ec384")
    two_files(path, "two.test", "rsa")
    one_file(path, "_.wild.test", "ec-chain")
    one_file(path, "deep.wild.test", "client-ec")
    one_file(path, "default", "ec256")
    for what, env in surroundings():
        env = {**env, "CERTDIR": path}
        for name, wanted in (
            ("one.test", "ec384"),
            ("ONE.Test", "ec384"),
            ("two.test", "rsa"),
            ("a.wild.test", "ec-chain"),
            ("deep.wild.test", "client-ec"),
            ("a.b.wild.test", "ec256"),
            ("wild.test", "ec256"),
            ("elsewhere.test", "ec256"),
            ("x" * 63 + "." + ".".join(["y" * 59] * 3), "ec256"),
            (None, "ec256"),
        ):
            shows([], env, name, wanted, f"{what}CERTDIR")
        for options in (["-k", "1"], ["-k", "2"]):
            shows(options, env, "one.test", "ec384", f"{what}CERTDIR {' '.join(options)}")
        for name in ("elsewhere.test", None):
            refuses(["-k", "2"], env, name, f"{what}CERTDIR -k 2")


def beside_variables():
    """A variable of the exact name, the folder's, a variable's wildcard, the folder's,
    CERTFILE, default.pem."""
    path = folder()
    for name in ("one.test", "two.test", "_.wild.test", "default"):
        one_file(path, name, "rsa")
    env = {"CERTDIR": path, **pair("ec384", "one.test"), **pair("ec-chain", "*.wild.test"), **pair("ec256")}
    for what, more in surroundings():
        for options, name, wanted in (
            (["-k", "1"], "one.test", "ec384"),
            (["-k", "1"], "two.test", "rsa"),
            (["-k", "1"], "a.wild.test", "ec-chain"),
            (["-k", "1"], "b.test", "ec256"),
            ([], "one.test", "rsa"),
            ([], "b.test", "ec256"),
        ):
            shows(options, {**env, **more}, name, wanted, f"{what}CERTDIR and variables, {' '.join(options)}")


def failures():
    path = folder()
    write(os.path.join(path, "broken.test.pem"), b"nothing\n")
    two_files(path, "mismatch.test", "ec384")
    write(os.path.join(path, "mismatch.test.key"), read(pki.key("ec256")))
    os.mkdir(os.path.join(path, "directory.test.pem"))
    for what, env in surroundings():
        env = {**env, "CERTDIR": path}
        for name, words in (
            ("broken.test", "broken.test.pem"),
            ("mismatch.test", "mismatch.test.key"),
            ("directory.test", "directory.test.pem"),
            ("elsewhere.test", "no default.pem"),
        ):
            errors = refuses([], env, name, f"{what}CERTDIR", 80, 96)
            tap.ok(words in errors and errors.count("\n") == 1, f"{what}{name}: {errors.strip()}")


def two_links(path, name, cert):
    """As certbot has them: each points to what is valid now."""
    for target, link in ((pki.key(cert), name + ".key"), (pki.crt(cert), name + ".crt")):
        new = os.path.join(path, link + ".new")
        os.symlink(target, new)
        os.rename(new, os.path.join(path, link))


class Renewal:
    """Every 20 ms another key and certificate, until the end of the block."""

    def __init__(self, replace, path, name):
        self.arguments = replace, path, name
        self.stop, self.errors = threading.Event(), []
        self.count, self.longest = 0, 0.0
        replace(path, name, "ec256")
        self.thread = threading.Thread(target=self._go_on)

    def _go_on(self):
        replace, path, name = self.arguments
        try:
            while not self.stop.wait(0.02):
                began = time.monotonic()
                replace(path, name, ("ec384", "ec256")[self.count % 2])
                self.longest = max(self.longest, time.monotonic() - began)
                self.count += 1
        except OSError as e:
            self.errors.append(e)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


HANDSHAKES = 1000
PATIENCE = 0.5  # seconds that ktls-tlsd waits for a key and a certificate to fit


def renewal():
    """Under load, of four clients at a time."""
    path = folder()
    links = {"CERTFILE": path + "/live.crt", "KEYFILE": path + "/live.key"}
    kinds = (
        ("CERTDIR, one file", one_file, "one.test", {"CERTDIR": path}),
        ("CERTDIR, two files", two_files, "two.test", {"CERTDIR": path}),
        ("CERTFILE and KEYFILE, links", two_links, "live", links),
    )
    cases = [(what + kind, *rest, {**files, **env}) for kind, *rest, files in kinds for what, env in surroundings()]
    for what, replace, name, env in cases:
        _renewal(what, replace, path, name, env, HANDSHAKES // len(cases) + 1)


def _renewal(what, replace, path, name, env, count):
    with Renewal(replace, path, name) as renewal, ThreadPoolExecutor(4) as clients:
        asked = list(clients.map(lambda _: sni.ask([], env, name), range(count)))
    failed = [each for each in asked if each[0] not in ("ec256", "ec384") or each[1]]
    if renewal.longest > PATIENCE:  # this machine was that slow
        tap.diag(f"{what}: a renewal took {renewal.longest:.1f} s; {len(failed)} handshakes failed")
        failed = [each for each in failed if "does not belong to the certificate" not in each[2]]
    tap.ok(not failed, f"{what}: {count} handshakes, {renewal.count} renewals meanwhile", failed[:3])
    tap.ok(renewal.count > 1 and not renewal.errors, f"{what}: files were replaced all the time", renewal.errors)


def hidden_from_prog():
    path = folder()
    one_file(path, "default", "ec256")
    shown = proc.temp("environment")
    show = ("sh", "-c", f"env >{shown}")
    for option, wanted in (("-z", False), ("-Z", True)):
        sni.ask([option], {"CERTDIR": path}, None, prog=show)
        tap.equal(b"CERTDIR=" in read(shown), wanted, f"{option}: CERTDIR in prog's environment")


tap.main(names, beside_variables, failures, renewal, hidden_from_prog)
