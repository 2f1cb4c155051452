#!/usr/bin/python3
# ktls-check on this machine's kernel, whatever it can do; and what does not
# depend on it.

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import proc
import tap

CHECK = os.path.join(proc.BIN, "ktls-check")


def check(*options, wrapper=(), **more):
    return subprocess.run(
        [*wrapper, CHECK, *options], capture_output=True, text=True, timeout=proc.LIMIT, **more
    )


def text():
    done = check()
    has_tls = proc.kernel_has_tls()
    tap.equal(done.stderr, "", "nothing on stderr")
    tap.ok(os.uname().release in done.stdout, "the kernel's release", done.stdout)
    if has_tls:
        tap.ok("TLS 1.3" in done.stdout, "versions", done.stdout)
    else:
        tap.equal(done.returncode, 1, "no TLS: exit 1")
        for word in ("no TLS on sockets", "-m kernel does not work", "container", "-m auto, relay or user"):
            tap.ok(word in done.stdout, f"it says: {word}", done.stdout)
        tap.ok("modprobe tls" in done.stdout or "CONFIG_TLS" in done.stdout, "and what to do", done.stdout)
        tap.ok("No such file" in check("-v", "2").stdout, "-v 2: and why", done.stdout)


def as_json():
    done = check("-j")
    found = json.loads(done.stdout)
    tap.equal(found["kernel"], os.uname().release, "JSON: release")
    tap.equal(found["tls"], proc.kernel_has_tls(), "JSON: tls")
    tap.equal(found["mode_kernel"], done.returncode == 0, "JSON: the exit code")
    tap.ok(found["mode_kernel"] or found["advice"], "JSON: advice", done.stdout)
    tap.equal(check("--json").stdout, done.stdout, "--json is -j")


def options():
    tap.equal(check("-v", "0").stdout, "", "-v 0 says nothing")
    for wrong in (["-x"], ["word"], ["-v"], ["-v", "many"], ["-j", "--", "word"]):
        done = check(*wrong)
        tap.equal(
            (done.returncode, done.stdout, done.stderr.count("\n")),
            (100, "", 1),
            f"{' '.join(wrong)}: usage",
            done.stderr,
        )
    done = check("--help")
    tap.ok(done.returncode == 0 and "--json" in done.stdout, "--help", done.stdout)
    tap.ok("prog" not in done.stdout, "which takes no prog", done.stdout)


def system():
    with open("/dev/full", "w") as full:
        done = subprocess.run([CHECK], stdout=full, stderr=subprocess.PIPE, text=True)
    tap.equal(done.returncode, 111, "nowhere to write: exit 111", done.stderr)
    tap.ok("fatal: standard output" in done.stderr, "and told", done.stderr)
    done = check(wrapper=["unshare", "-rn"])
    if "unshare" in done.stderr:
        tap.skip("without a network", done.stderr.strip())
        return
    tap.equal(done.returncode, 111, "no loopback: exit 111", done.stderr)
    tap.ok("fatal: a connection on 127.0.0.1" in done.stderr, "and told", done.stderr)


tap.main(text, as_json, options, system)
