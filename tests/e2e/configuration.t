#!/usr/bin/python3
# ktls-check --server and --client: broken configurations are named before the
# first connection; ktls-tlsserver does not listen with one.

import json
import os
import subprocess

import lib
import pki
import proc
import tap
from sni import pair

CHECK = os.path.join(proc.BIN, "ktls-check")
SERVER = os.path.join(proc.BIN, "ktls-tlsserver")
GOOD = pair("ec256")


def temp(content, mode=0o600):
    path = proc.temp("file")
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, mode)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def run(argv, env):
    done = subprocess.run(argv, env=proc.environment(**env), capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


def folder():
    path = proc.temp("folder")
    os.mkdir(path)
    with open(os.path.join(path, "other.test.pem"), "wb") as f:
        f.write(read(pki.key("ec256")) + read(pki.crt("ec256")))
    return path


def broken():
    """name, options, environment, exit code, level and words of the finding"""
    blocks = read(pki.crt("ec-chain")).split(b"-----END CERTIFICATE-----\n")[:-1]
    alone = temp(blocks[0] + b"-----END CERTIFICATE-----\n")
    unrelated = temp(read(alone) + read(pki.crt("selfsigned")))
    encrypted = proc.temp("encrypted")
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", pki.key("ec256"), "-passout", "pass:x", "-out", encrypted], check=True)
    open_key = temp(read(pki.key("ec256")), 0o644)
    cases = [
        ("no such file", [], {**GOOD, "CERTFILE": "/nonexistent/file"}, 96, "error", "/nonexistent/file: No such file"),
        ("no certificate", [], {**GOOD, "CERTFILE": temp(b"text")}, 96, "error", "no certificate"),
        ("an encrypted key", [], {**GOOD, "KEYFILE": encrypted}, 96, "error", "encrypted"),
        ("another key", [], {**GOOD, "KEYFILE": pki.key("mismatch")}, 96, "error", "does not belong"),
        ("expired", [], pair("expired"), 96, "error", "certificate expired"),
        ("not yet valid", [], pair("future"), 96, "error", "not yet valid"),
        ("for clients only", [], pair("clientonly"), 96, "error", "extendedKeyUsage"),
        ("a short key", [], pair("rsa1024"), 96, "error", "too small"),
        ("an unrelated certificate behind it", [], {"CERTFILE": unrelated, "KEYFILE": pki.key("ec-chain")}, 96, "error", "incomplete"),
        ("no issuer with it", [], {"CERTFILE": alone, "KEYFILE": pki.key("ec-chain"), "CAFILE": pki.ca()}, 0, "note", "issuer is not in the file"),
        ("another name", ["-k", "1"], {**GOOD, **pair("ec256", "one.test")}, 96, "error", "another name"),
        ("another name in the folder", [], {"CERTDIR": folder()}, 96, "error", "another name"),
        ("no folder", [], {"CERTDIR": "/nonexistent/dir"}, 96, "error", "/nonexistent/dir: No such file"),
        ("ticket keys of 31 bytes", [], {**GOOD, "TICKETKEYFILE": temp(b"k" * 31)}, 96, "error", "32 bytes"),
        ("ticket keys that others read", [], {**GOOD, "TICKETKEYFILE": temp(b"k" * 32, 0o640)}, 0, "warning", "chmod 600"),
        ("a key that everybody reads", [], {**GOOD, "KEYFILE": open_key}, 0, "warning", "everybody"),
        ("no trust for clients", ["-y"], {**GOOD, "CAFILE": temp(b"")}, 96, "error", "no trusted certificates"),
        ("no pin", ["-y"], {**GOOD, "PEERPIN": "sha1//x"}, 96, "error", "PEERPIN: not a list of pins"),
    ]
    for name, options, env, code, level, words in cases:
        got, out, err = run([CHECK, "--server", *options], env)
        lines = [line for line in out.splitlines() if line.startswith(level) and words in line]
        tap.ok(got == code and lines and not err, f"{name}: {lines[0] if lines else 'not found'}", f"exit {got}\n{out}\n{err}")
    for name, options, env, words in (
        ("half a pair", [], {"CERTFILE": pki.crt("ec256")}, "KEYFILE is not set"),
        ("half a named pair", ["-k", "1"], {**GOOD, "CERTFILE:a.test": pki.crt("ec256")}, "KEYFILE:a.test is not set"),
        ("nothing", [], {}, "CERTFILE is not set"),
    ):
        got, _, err = run([CHECK, "--server", *options], env)
        tap.ok(got in (96, 100) and words in err, f"{name}: exit {got}, {err.strip()}")


def sound():
    for name, options, env in (
        ("one certificate", [], GOOD),
        ("a chain", [], pair("ec-chain")),
        ("two types", [], {**GOOD, **pair("rsa", second=True)}),
        ("names", ["-k", "2"], {**pair("ec256", "localhost"), **pair("ec256", "*.wild.test")}),
        ("client certificates", ["-y"], {**GOOD, "CAFILE": pki.ca()}),
    ):
        code, out, err = run([CHECK, "--server", *options], {**env, "CAFILE": pki.ca()})
        tap.ok(code == 0 and not err and "error" not in out, f"{name} is sound", out + err)
    code, out, err = run([CHECK, "--client"], {"CAFILE": pki.ca()})
    tap.ok(code == 0 and "trusted certificates" in out, "a client", out + err)
    code, out, err = run([CHECK, "--client"], {"CAFILE": "/nonexistent/file"})
    tap.ok(code == 96 and "/nonexistent/file: No such file" in out, "a client without its CAFILE", out + err)


def as_json():
    code, out, _ = run([CHECK, "--server", "-j"], pair("expired"))
    found = json.loads(out)
    tap.ok(code == 96 and not found["sound"], "JSON: not sound", out)
    tap.ok(any(f["level"] == "error" and f["why"].startswith("certificate expired") for f in found["findings"]), "JSON: why", out)


def before_listening():
    code, _, err = run([SERVER, "127.0.0.1", "0", "true"], pair("expired"))
    tap.ok(code == 96 and "expired" in err and "nothing listens" in err, "ktls-tlsserver refuses to begin", err)
    code, _, err = run([SERVER, "127.0.0.1", "0", "true"], {**GOOD, "KEYFILE": "/nonexistent/file"})
    tap.ok(code == 96 and "/nonexistent/file" in err, "ktls-tlsserver without its key", err)


def keys_are_in_no_core_file():
    """Before a private key is read the process cannot be dumped: nor can strace read
    the names of the files from then on, unless it is root's."""
    for argv in ([CHECK, "--server"], [SERVER, "--tcpserver=/nonexistent/x", "127.0.0.1", "0", "true"]):
        log = proc.temp("strace")
        run(["strace", "-o", log, "-e", "trace=prctl,open,openat", *argv], GOOD)
        with open(log) as f:
            calls = f.read()
        before, shield, after = calls.partition("PR_SET_DUMPABLE, SUID_DUMP_DISABLE")
        is_late = pki.key("ec256") in before or "open" not in after
        name = os.path.basename(argv[0])
        tap.ok(shield and not is_late, f"{name}: not dumpable when it reads the key", calls[-500:])


tap.main(broken, sound, as_json, before_listening, keys_are_in_no_core_file)
