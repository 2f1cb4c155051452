#!/usr/bin/python3
# TLS_UID and TLS_GID: the handshake in a process that can do nothing else; where the
# kernel protects the records, nothing but prog is left of it.
# runs: host
# runs: every kernel

import re
import signal

import lib
import pki
import proc
import programs
import separation
import sni
import strace
import tap
import tickets
from peers import Tls, context, marker, started, tcp_pair, tlsc
from programs import CLIENTS, EVERY, SERVERS, meet
from separation import ENV

separation.need_root()

# ---- what is refused ----

NOT_A_NUMBER = ("", "x", "-1", "12x", " 12", "4294967295", "4294967296", "99999999999999999999")


def numbers():
    for variable in ENV:
        for value in NOT_A_NUMBER:
            outcome = meet(programs.TLSD, env={**ENV, variable: value})
            tap.ok(
                outcome.code == 100 and outcome.env is None and variable in outcome.errors[0],
                f"{variable}={value!r}: exit 100",
                f"exit {outcome.code}, {outcome.errors}",
            )


def one_of_them():
    for env, uid, gid in (
        ({"TLS_UID": separation.UID}, separation.UID, 0),
        ({"TLS_UID": separation.UID, "TLS_GID": 0}, separation.UID, 0),
        ({"TLS_GID": separation.GID}, 0, separation.GID),
    ):
        name = " ".join(f"{k}={v}" for k, v in env.items())
        without = {"TLS_UID": None, "TLS_GID": None}
        with separation.Stalled(programs.TLSD, ["-m", "user"], {**without, **env}) as stalled:
            of = lambda field: separation.numbers(stalled.child, field)
            ids = of("Uid") + of("Gid")
            tap.equal(ids, [str(uid)] * 4 + [str(gid)] * 4, f"{name}: uid {uid}, gid {gid}")
            tap.equal(of("Groups"), [], f"{name}: no other groups")


def zero_is_nobody():
    env = {"TLS_UID": "0", "TLS_GID": "0"}
    outcome = meet(programs.TLSD, env=env)
    tap.equal(outcome.code, 0, "TLS_UID=0, TLS_GID=0: a handshake as if they were not set", outcome.errors)


# a uid that may read the certificates
NOT_ROOT = ("setpriv", "--reuid", "54323", "--clear-groups", "--inh-caps", "+dac_override")
NOT_ROOT += ("--ambient-caps", "+dac_override")


def not_root():
    for env in (ENV, {"TLS_UID": "x"}):
        outcome = meet(programs.TLSD, env=env, wrapper=NOT_ROOT)
        tap.equal(outcome.code, 0, f"not root, {env}: ignored", outcome.errors)


def without_rights():
    """Of a jail that cannot be made in full nothing is made, and prog is not started."""
    for words in (
        ["--bounding-set", "-sys_chroot"],
        ["--bounding-set", "-setuid"],
        ["--bounding-set", "-setgid"],
        ["--securebits", "+no_setuid_fixup"],
    ):
        outcome = meet(programs.TLSD, env=ENV, wrapper=("setpriv", *words))
        tap.ok(
            outcome.code == 97 and outcome.env is None and "jail for the handshake: " in outcome.errors[0],
            f"root with {' '.join(words)}: exit 97, {outcome.errors}",
            f"exit {outcome.code}",
        )


def other_roots():
    separation.other_roots(["-m", "user"])


# ---- failures are the same with and without ----

MISSING = "/nonexistent/file"
PEER = {"TCPREMOTEIP": "192.0.2.1"}  # the same address in both messages
FAILURES = [
    (SERVERS, [], {}, dict(suites="ECDHE-RSA-AES128-GCM-SHA256", version="1.2")),
    (SERVERS, ["-t", "1.3"], {}, dict(version="1.2")),
    (SERVERS, ["-y"], {}, {}),
    (SERVERS, ["-y"], {}, dict(cert="client-unknown")),
    (SERVERS, ["--mandatory-sni"], sni.pair("ec384", "one.test"), {}),
    (SERVERS, ["-a", "h2"], {}, dict(alpn=["smtp"])),
    (SERVERS, [], {"KEYFILE": MISSING}, {}),
    (SERVERS, [], {"KEYFILE": pki.key("mismatch")}, {}),
    (SERVERS, [], {"CERTFILE": None}, {}),
    (CLIENTS, ["-k", "localhost"], {}, dict(cert="selfsigned")),
    (CLIENTS, ["-k", "localhost"], {}, dict(cert="expired")),
    (CLIENTS, ["-k", "elsewhere.test"], {}, {}),
    (CLIENTS, [], {"CAFILE": MISSING}, {}),
    (CLIENTS, ["-y"], {}, {}),
    (CLIENTS, ["-t", "1.3"], {}, dict(version="1.2")),
]


def failures():
    for some, options, env, peer in FAILURES:
        for program in some:
            plain, apart = (
                meet(program, options, {**env, **PEER, **more}, program.peer(**peer)) for more in ({}, ENV)
            )
            shown = (plain.code, plain.alert, plain.errors)
            name = f"{program.name} {' '.join(options)}: exit {plain.code}, {' '.join(plain.errors)}"
            tap.equal((apart.code, apart.alert, apart.errors), shown, f"{name}, apart as here")
            tap.ok(plain.code in (96, 98, 100) and apart.env is None, f"{program.name}: prog was not started")


def silence():
    for program in EVERY:
        outcomes = []
        for env in (PEER, {**PEER, **ENV}):
            a, b = separation.tcp_pair()
            with a, program.start(b, ["-m", "user", "-K", "100"], ("true",), env=env) as ours:
                outcomes.append((ours.wait(), ours.stderr()))
        tap.equal(*outcomes, f"{program.name} -K 100: {outcomes[0]}, apart as here")


# ---- success is, too ----

SUCCESSES = [
    (SERVERS, ["-y", "-a", "h2"], {}, dict(cert="client-san", alpn=["h2"])),
    (SERVERS, ["-t", "1.2"], {}, {}),
    (SERVERS, ["--mandatory-sni"], sni.pair("ec384", "localhost"), {}),
    (SERVERS, [], sni.pair("rsa", second=True), dict(suites="ECDHE-RSA-AES128-GCM-SHA256", version="1.2")),
    (CLIENTS, ["-k", "localhost", "-a", "h2"], {}, dict(alpn=["h2"])),
    (CLIENTS, ["-k", "localhost", "-y"], sni.pair("client-ec"), dict(client_cert="required")),
    (CLIENTS, ["-k", "127.0.0.1", "-t", "1.2"], {}, {}),
]


def successes():
    for some, options, env, peer in SUCCESSES:
        for program in some:
            seen = []
            for more in ({}, ENV):
                outcome = meet(program, options, {**env, **more}, program.peer(**peer))
                told = {k: v for k, v in (outcome.env or {}).items() if k.startswith("SSL_")}
                seen.append((outcome.code, outcome.certificate, told))
            tap.equal(seen[1], seen[0], f"{program.name} {' '.join(options)}: prog is told the same")
            tap.equal(seen[0][0], 0, f"{program.name} {' '.join(options)}: exit 0")


def certificates_by_name():
    hosts = {**sni.pair("ec384", "one.test"), **sni.pair("rsa", "localhost")}
    outcome = meet(programs.TLSD, ["--sni"], {**ENV, **hosts, "KEYFILE:one.test": MISSING})
    tap.equal(outcome.code, 0, "certificates by name: another name's missing file", outcome.errors)
    outcome = meet(programs.TLSD, ["--sni"], {**ENV, **hosts, "KEYFILE:localhost": MISSING})
    tap.ok(
        outcome.code == 96 and MISSING in outcome.errors[0] and len(outcome.errors) == 1,
        "certificates by name: a missing file is named",
        outcome.errors,
    )
    outcome = meet(programs.TLSD, ["--sni"], {**ENV, **hosts})
    tap.equal(programs.which(outcome.certificate), "rsa", "certificates by name: that of the name is shown")


def unused_files_are_not():
    env = {**ENV, "CERTFILE": MISSING, "KEYFILE": MISSING}
    outcome = meet(programs.TLSC, ["-k", "localhost"], env)
    tap.equal(outcome.code, 0, "a client that shows no certificate reads none", outcome.errors)


# ---- who listens ----

READ = re.compile(r"(?:read|readv|recvfrom|recvmsg)\((?:0|1),")


def who_listens():
    """Whether the process that becomes another program has read from the network before."""
    for env, wanted in (({}, True), (ENV, False)):
        trace = strace.Strace("execve", "read", "readv", "recvfrom", "recvmsg")
        outcome = meet(programs.TLSD, env=env, wrapper=trace.wrapper)
        ours = next(iter(trace.lines().values()))
        end = [i for i, line in enumerate(ours) if line.startswith("execve(")][1]
        name = f"with{'' if env else 'out'} TLS_UID"
        reads = any(READ.match(line) for line in ours[:end])
        tap.equal(reads, wanted, f"{name} it {'has' if wanted else 'has not'}")
        tap.equal(outcome.code, 0, f"{name}, under strace: exit 0", outcome.errors)


# ---- ends ----


def ends():
    separation.parent_dies()
    for number in (signal.SIGKILL, signal.SIGSYS, signal.SIGSTOP):
        separation.child_dies(number)


def tickets_are_taken():
    for speaker in ("client", "server"):
        tickets.run(speaker, 20, 1, f"with TLS_UID, the {speaker} speaks first", env=separation.ENV)


def after_handshake(env, sent):
    """What becomes of a client whose server sends this instead of a ticket."""
    a, b = tcp_pair()
    path, prog = marker()
    with tlsc(b, ["-m", "kernel", "-t", "1.3", "-k", "localhost"], prog, env=env) as ours, a:
        tls = Tls(a, context(server=True, cert="ec256", tickets=0), server=True)
        tls.handshake()
        a.sendall(sent)
        return ours.wait(), ours.stderr(), started(path)


def no_tickets():
    forged = bytes([23, 3, 3, 0, 32]) + bytes(32)
    here, apart = (after_handshake(env, forged) for env in (PEER, {**PEER, **separation.ENV}))
    tap.equal(apart, here, "a forged record behind the handshake: the same end with TLS_UID")
    tap.ok(here[0] == 98 and not here[2], f"which is exit 98, {here[1].strip()}", here)


tap.main(
    host=[
        *separation.all_with(["-m", "user"]),
        numbers,
        one_of_them,
        zero_is_nobody,
        not_root,
        without_rights,
        other_roots,
        failures,
        silence,
        successes,
        certificates_by_name,
        unused_files_are_not,
        who_listens,
        ends,
    ],
    kernel=[*separation.all_with(["-m", "kernel"]), tickets_are_taken, no_tickets],
)
