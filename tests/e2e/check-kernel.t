#!/usr/bin/python3
# needs: ktls (every kernel)
# ktls-check where the kernel has TLS: it finds what is there, and what is
# taken away.

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import proc
import tap

CHECK = os.path.join(proc.BIN, "ktls-check")
OURS = os.environ.get("KTLS_KERNEL", "host") != "host"  # nobody else uses this kernel
NUMBERS = tuple(int(n) for n in os.uname().release.split(".")[:2])


def check(*options):
    return subprocess.run([CHECK, *options], capture_output=True, text=True, timeout=proc.LIMIT)


def found():
    done = check("-j")
    return done.returncode, json.loads(done.stdout)


def kernel_counters():
    with open("/proc/net/tls_stat") as f:
        return {name: int(value) for name, value in (line.split() for line in f)}


def everything():
    before = kernel_counters()
    code, report = found()
    tap.equal((code, report["tls"], report["mode_kernel"]), (0, True, True), "-m kernel works", str(report))
    for version in ("1.2", "1.3"):
        tap.equal(
            report["versions"][version]["suites"],
            {"AES_128_GCM": True, "AES_256_GCM": True, "CHACHA20_POLY1305": True},
            f"TLS {version}: suites",
        )
        tap.ok(report["versions"][version]["zerocopy_sendfile"], f"TLS {version}: zero-copy sendfile")
        rekey = version == "1.3" and NUMBERS >= (6, 14)
        tap.equal(report["versions"][version]["rekey"], rekey, f"TLS {version}: replacing keys")
        tap.equal(
            report["versions"][version]["expect_no_pad"], version == "1.3", f"TLS {version}: no padding"
        )
    tap.equal(list(report["counters"]), list(before), "the counters")
    after = kernel_counters()
    for direction in ("Tx", "Rx"):
        name = f"Tls{direction}Sw"
        tap.ok(after[name] >= before[name] + 2 * 3 * 2, f"sockets were really used: {name}", str(after))
    if OURS:
        tap.equal(report["counters"], before, "the counters' values, before the check")
        tap.equal(after["TlsDecryptError"], before["TlsDecryptError"], "and nothing failed to decrypt")


def as_text():
    done = check()
    for line in ("AES_256_GCM         yes", "-m kernel works"):
        tap.ok(line in done.stdout, f"text: {line}", done.stdout)
    for name in kernel_counters():
        line = next((line for line in done.stdout.splitlines() if line.split()[:1] == [name]), "")
        tap.ok(len(line.split()) > 4, f"{name} and what it means", line)
    tap.equal(done.stderr, "", "nothing on stderr")


def modules():
    if not OURS or not os.path.exists("/proc/modules"):
        return []
    with open("/proc/modules") as f:
        return [line.split()[0] for line in f]


def without_modules():
    """Last: what is taken away stays away."""
    if "tls" not in modules():
        tap.skip("what a kernel lacks", "this one has no modules to take away")
        return
    subprocess.run(["busybox", "rmmod", "chacha20poly1305"], check=True)
    code, report = found()
    tap.equal((code, report["tls"], report["mode_kernel"]), (1, True, False), "without a suite: exit 1")
    suites = report["versions"]["1.3"]["suites"]
    tap.equal((suites["AES_128_GCM"], suites["CHACHA20_POLY1305"]), (True, False), "which is missing is told")
    tap.ok("chacha20poly1305" in " ".join(report["advice"]), "and its module", str(report["advice"]))
    subprocess.run(["busybox", "rmmod", "tls"], check=True)
    code, report = found()
    tap.equal((code, report["tls"], report["versions"]), (1, False, {}), "without the module: exit 1")
    tap.ok("modprobe tls" in " ".join(report["advice"]), "and its name", str(report["advice"]))


tap.main(everything, as_text, without_modules)
