"""What ktls-tlsd and ktls-tlsc hand to prog, seen from inside it."""

import contextlib
import hashlib
import json
import os
import resource

import pki
import proc
import records
import tap
from peers import Tls, context, tcp_pair, tlsc, tlsd

INSPECT = os.path.join(proc.LIB, "inspect-prog")
LINE = b"what prog is given\n"
TLS = {"1.2": "0x303", "1.3": "0x304"}


@contextlib.contextmanager
def server(options=(), peer=None, **more):
    """ktls-tlsd with the inspecting prog, and a peer after its handshake:
    yields (process, peer, report())."""
    report = proc.temp("report")
    a, b = tcp_pair()
    with tlsd(b, options, (INSPECT,), env={"INSPECT": report, **more.pop("env", {})}, **more) as ours:
        with a:
            tls = Tls(a, peer or context())
            tls.handshake()
            yield ours, tls, _reader(report, ours)


@contextlib.contextmanager
def client(options=("-k", "localhost"), peer=None, **more):
    report = proc.temp("report")
    a, b = tcp_pair()
    with tlsc(
        a, options, (INSPECT, "6", "7"), env={"INSPECT": report, **more.pop("env", {})}, **more
    ) as ours:
        with b:
            tls = Tls(b, peer or context(server=True, cert="ec256"), server=True)
            tls.handshake()
            yield ours, tls, _reader(report, ours)


def _reader(path, ours):
    def read():
        proc.await_true(lambda: os.path.exists(path) or _gone(ours), "prog's report")
        with open(path) as f:
            return json.load(f)

    return read


def _gone(ours):
    if os.waitid(os.P_PID, ours.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        raise RuntimeError(f"exit {ours.wait()} before prog ran: {ours.stderr()}")


def echo(tls):
    tls.write(LINE)
    return tls.read_exactly(len(LINE))


def check_descriptors(report, wanted, name):
    tap.equal(
        sorted(map(int, report["descriptors"])),
        wanted,
        f"{name}: prog has descriptors {wanted} and no other",
        lambda: json.dumps(report["descriptors"], indent=1),
    )
    tap.equal(report["blocking"], [True, True], f"{name}: prog's descriptors are blocking")


def check_process(report, name):
    soft, hard = report["core limit"]
    ours = resource.getrlimit(resource.RLIMIT_CORE)
    tap.equal((soft, hard), ours, f"{name}: prog's core limit is what it was")
    blocked, ignored = int(report["signals"]["SigBlk"], 16), int(report["signals"]["SigIgn"], 16)
    # Python itself ignores SIGPIPE and SIGXFSZ; from 32 on they are libc's own
    tap.equal(
        (blocked, ignored & 0x7FFFFFFF & ~(1 << 12 | 1 << 24)),
        (0, 0),
        f"{name}: no signal blocked or ignored in prog",
    )


def suite_names(tls):
    """The names that SSL_CIPHER may give the negotiated suite."""
    name = tls.tls.cipher()[0]
    return {name} | {iana for iana, openssl, _, _ in records.SUITES_1_2 if openssl == name}


def check_environment(report, tls, version, wanted, name):
    env = report["environment"]
    tap.equal(env.get("SSL_PROTOCOL"), f"TLSv{version}", f"{name}: SSL_PROTOCOL")
    tap.ok(env.get("SSL_CIPHER") in suite_names(tls), f"{name}: SSL_CIPHER", repr(env.get("SSL_CIPHER")))
    for variable in ("SSL_TLS_SNI_SERVERNAME", "SSL_PEER_CERT_HASH", "SSL_PEER_CERT_SUBJECT"):
        tap.equal(
            env.get(variable),
            wanted.get(variable),
            f"{name}: {variable} " + ("says so" if variable in wanted else "is not set"),
        )


def check_removed(report, keep, name):
    for variable in ("CAFILE", "CERTFILE", "KEYFILE"):
        tap.equal(
            variable in report["environment"],
            variable in keep,
            f"{name}: {variable} is {'kept' if variable in keep else 'removed'}",
        )


def certificate_hash(cert):
    return "SHA256:" + hashlib.sha256(pki.der(pki.crt(cert))).hexdigest()
