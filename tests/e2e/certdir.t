#!/usr/bin/python3
# Certificates from a folder, by server name: CERTDIR. Renewal without restart.

import os
import shutil
import threading

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


def swap(path, stop, errors):
    """A renewal every few milliseconds, of the key and the certificate in turn."""
    try:
        while not stop.wait(0.02):
            for cert in ("ec256", "ec384"):
                two_files(path, "two.test", cert)
                one_file(path, "one.test", cert)
    except OSError as e:
        errors.append(e)


def renewal():
    path = folder()
    two_files(path, "two.test", "ec256")
    one_file(path, "one.test", "ec256")
    stop, errors = threading.Event(), []
    renewer = threading.Thread(target=swap, args=(path, stop, errors))
    renewer.start()
    try:
        for what, env in surroundings():
            for name in ("one.test", "two.test"):
                failed = []
                for _ in range(100):
                    shown, code, said = sni.ask([], {**env, "CERTDIR": path}, name)
                    if shown not in ("ec256", "ec384") or code:
                        failed.append((shown, code, said))
                tap.ok(not failed, f"{what}{name}: 100 handshakes while its files are replaced", failed[:3])
    finally:
        stop.set()
        renewer.join()
    tap.ok(not errors, "files were replaced all the time", errors)


def hidden_from_prog():
    path = folder()
    one_file(path, "default", "ec256")
    shown = proc.temp("environment")
    show = ("sh", "-c", f"env >{shown}")
    for option, wanted in (("-z", False), ("-Z", True)):
        sni.ask([option], {"CERTDIR": path}, None, prog=show)
        tap.equal(b"CERTDIR=" in read(shown), wanted, f"{option}: CERTDIR in prog's environment")


tap.main(names, beside_variables, failures, renewal, hidden_from_prog)
