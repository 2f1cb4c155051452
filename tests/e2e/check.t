#!/usr/bin/python3
# ktls-check on this machine's kernel, whatever it can do, and what does not depend
# on it; and in a kernel with TLS, where it finds what is there, and what is taken away.
# runs: host
# runs: every kernel

import json
import os
import re
import subprocess

import lib
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
    has_aes = bool(re.search(r"^flags\s*:.* aes ", open("/proc/cpuinfo").read(), re.M))
    tap.equal(found["cryptography"]["AES"] == "AES-NI", has_aes, "JSON: the implementation of AES")
    tap.ok(found["cryptography"]["elliptic curves"] in ("31-bit", "64-bit"), "JSON: and of curves", done.stdout)
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


OURS = tap.KERNEL != "host"  # nobody else uses this kernel
NUMBERS = tuple(int(n) for n in os.uname().release.split(".")[:2])


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


def as_table():
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


tap.main(host=[text, as_json, options, system], kernel=[everything, as_table, without_modules])
