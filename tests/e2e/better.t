#!/usr/bin/python3
# Ten things that s6-networking's TLS programs do not do, or do otherwise. Each
# function fails on what they do. Where the kernel has TLS: those about the ends of
# connections.
# runs: host
# runs: every kernel

import re
import socket

import lib
import ends
import outside
import peers
import pki
import proc
import programs
import records
import refusal
import resumption
import tap
from peers import BOTH, Tls, context, tcp_pair
from programs import EVERY, TLSC, TLSD, meet
from strace import Strace

BAD_CERTIFICATE, DECRYPT_ERROR, UNKNOWN_CA = 42, 51, 48


def better_1_keep_and_no_keep_are_not_swapped():
    """By default and with -z prog is not told where the key is, with -Z it is."""
    for options, there in ([], False), (["-z"], False), (["-Z"], True):
        env = meet(TLSD, options).env
        for name in ("KEYFILE", "CERTFILE"):
            tap.equal(name in env, there, f"1: ktls-tlsd {' '.join(options)}: prog has {name}: {there}")


def better_2_a_presented_certificate_is_proven_and_verified():
    """-Y: somebody else's certificate is no identity."""
    stolen = {"cert": "client-ec", "key": pki.lying_key("client-ec")}
    for version in BOTH:
        for what, peer, alert in (
            ("a certificate without its key", stolen, DECRYPT_ERROR),
            ("a certificate of an unknown CA", {"cert": "client-unknown"}, UNKNOWN_CA),
        ):
            outcome = meet(TLSD, ["-Y"], peer=context(version=version, **peer))
            tap.ok(
                outcome.env is None and outcome.code == 98 and outcome.alert == alert,
                f"2: {what}, TLS {version}: refused with {records.alert_name(alert)}",
                f"exit {outcome.code}, alert {outcome.alert}, {outcome.errors}, prog's {outcome.env}",
            )
        env = meet(TLSD, ["-Y"], peer=context(version=version, cert="client-ec")).env
        tap.ok("SSL_PEER_CERT_HASH" in env, f"2: one that is proven and verified, TLS {version}: exported")


def better_3_a_prog_that_stops_reading_is_heard_to_the_end():
    ends.deaf_prog("3", ["-m", "relay" if tap.KERNEL else "user"])


def better_4_a_peer_that_says_close_notify_gets_the_whole_reply():
    """A prog that has the socket itself sees an error in the place of the end."""
    for mode in ("auto", "kernel", "relay") if tap.KERNEL else ("user",):
        ends.close_notify_and_fin("4", ["-m", mode])


def better_5_the_whole_handshake_has_a_deadline_by_default():
    """30 seconds are not waited for: what is left of them is what poll(2) is given."""
    trace = Strace("poll")

    def left():
        # strace without the rights of root shows where the array is, not what is in it
        waits = [re.search(r"(?:events=POLLIN\}\]|0x[0-9a-f]+), 1, (\d+)\)", rest) for _, rest in trace.calls()]
        return [int(wait.group(1)) for wait in waits if wait]

    a, b = tcp_pair()
    with peers.tlsd(b, ["-m", "user"], ("true",), wrapper=trace.wrapper) as ours, a:
        enough = lambda: len(left()) > 3 and left()[0] - left()[-1] > 200
        tap.ok(peers.drip(a, ours, records.endless_hello(), enough), "5: bytes that drip in do not prolong it")
        a.close()
        ours.wait()
    waits = left()
    tap.ok(
        15_000 < waits[0] <= 30_000 and waits == sorted(waits, reverse=True),
        "5: no option: the first wait is for 30 s at most",
        str(waits[:10]),
    )
    a, b = tcp_pair()
    with peers.tlsd(b, ["-m", "user", "-K", "400"], ("true",)) as ours, a:
        tap.ok(peers.drip(a, ours, records.endless_hello()), "5: -K 400 ends before a peer that drips")
        tap.equal(ours.wait(), 98, "5: -K 400 and a peer that drips: exit 98", ours.stderr)
        tap.ok("timed out" in ours.stderr(), "5: timed out", ours.stderr)


# role and version: how many flights of ours
FLIGHTS = {("ktls-tlsd", "1.3"): 1, ("ktls-tlsd", "1.2"): 2, ("ktls-tlsc", "1.3"): 2, ("ktls-tlsc", "1.2"): 2}
# a chain of certificates makes the longest flights
LONG = {"ktls-tlsd": {"cert": "ec-chain"}, "ktls-tlsc": {}}


def better_6_a_flight_is_one_write_and_waits_for_nobody():
    for program in EVERY:
        for version in BOTH:
            name = f"6: {program.name}, TLS {version}"
            trace = Strace("sendto", "setsockopt", "execve")
            asking = ["-Y"] if program.server else []
            how = {"pair": _delaying_pair, "wrapper": trace.wrapper, **LONG[program.name]}
            outcome = meet(program, ["-t", version, *asking], **how)
            calls = _until_second_execve(trace.calls())
            sends = [i for i, (call, _) in enumerate(calls) if call == "sendto"]
            tap.equal(len(sends), FLIGHTS[program.name, version], f"{name}: writes", outcome.errors)
            nodelay = [i for i, (_, rest) in enumerate(calls) if re.search(r"TCP_NODELAY, (\[1\]|0x)", rest)]
            tap.ok(nodelay and nodelay[0] < sends[0], f"{name}: TCP_NODELAY before the first", str(calls))


def _delaying_pair():
    """As super-servers give it to us."""
    a, b = tcp_pair()
    b.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    return a, b


def _until_second_execve(calls):
    starts = [i for i, (call, _) in enumerate(calls) if call == "execve"]
    return calls[: starts[1]] if len(starts) > 1 else calls


def _fast_aes():
    with open("/proc/cpuinfo") as f:
        flags = set(f.read().split())
    return {"aes", "pclmulqdq"} <= flags or {"aes", "pmull"} <= flags


def better_7_aes_where_it_is_fast_and_chacha_for_who_wants_it():
    for version in BOTH:
        wanted = "AES_128_GCM" if _fast_aes() else "CHACHA20_POLY1305"
        found = meet(TLSD, peer=context(version=version)).env["SSL_CIPHER"]
        tap.ok(wanted in found, f"7: ktls-tlsd on this CPU, TLS {version}: {wanted}", found)
    show = ("sh", "-c", 'read -r line; echo "chosen $SSL_CIPHER"')
    with outside.tlsd_server(["-m", "user"], show) as server:
        for version, option, listed in (
            ("1.3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"),
            ("1.2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"),
        ):
            argv = outside.s_client(server.port, version, option, listed)
            output, _, errors = outside.converse(argv, b"x\n", rb"chosen \S+\n")
            tap.ok(
                "CHACHA20_POLY1305" in output.split("chosen ")[-1],
                f"7: a client that puts ChaCha20 first gets it, TLS {version}",
                output + errors,
            )


def better_8_an_ip_address_is_a_name():
    for name in ("127.0.0.1", "::1"):
        tap.equal(meet(TLSC, ["-k", name]).code, 0, f"8: ktls-tlsc -k {name}: in the certificate")
    for name in ("127.0.0.2", "::2"):
        outcome = meet(TLSC, ["-k", name])
        tap.equal((outcome.code, outcome.alert), (98, BAD_CERTIFICATE), f"8: ktls-tlsc -k {name}: not in it")


def better_9_errors_have_names_and_are_told_to_the_peer():
    for cert, alert, words in (
        ("expired", 45, "expired"),
        ("selfsigned", 48, "unknown"),
        ("wrongname", 42, "name"),
        ("sha1", 43, "algorithm|unsupported|weak"),
    ):
        for version in BOTH:
            peer = context(server=True, version=version, cert=cert, weak=True)
            said = f"{words}.*{records.alert_name(alert)}"
            refusal.client(peer, f"9: ktls-tlsc, {cert}, TLS {version}", (alert,), words=said)
    asking = context(server=True, version="1.2", cert="ec256", client_cert="required")
    outcome = meet(TLSC, peer=asking)
    named = "received alert handshake_failure" in " ".join(outcome.errors)
    tap.ok(outcome.code == 98 and named, "9: an alert that is received is named", outcome.errors)
    outcome = meet(TLSD, env={"KEYFILE": "/nonexistent/key"})
    wanted = ["ktls-tlsd: fatal: /nonexistent/key: No such file or directory"]
    tap.equal((outcome.code, outcome.errors), (96, wanted), "9: a file is named")


def better_10_tls13_extended_master_secret_alpn_resumption():
    with outside.tlsd_server(["-m", "user", "-a", "h2"]) as server:
        for version, words in ("1.3", "New, TLSv1.3"), ("1.2", "Extended master secret: yes"):
            output, _, errors = outside.converse(
                outside.s_client(server.port, version, "-alpn", "http/1.1,h2"), b"hello\n", rb"\nhello"
            )
            tap.ok(words in output, f"10: openssl s_client with TLS {version}: {words}", output + errors)
            tap.ok("ALPN protocol: h2\n" in output, f"10: ALPN, TLS {version}", output + errors)
    for version in BOTH:
        resumption.back_and_back_again(version, ["-m", "user"], "10: session resumption")


tap.main(
    better_3_a_prog_that_stops_reading_is_heard_to_the_end,
    better_4_a_peer_that_says_close_notify_gets_the_whole_reply,
    host=[
        better_1_keep_and_no_keep_are_not_swapped,
        better_2_a_presented_certificate_is_proven_and_verified,
        better_5_the_whole_handshake_has_a_deadline_by_default,
        better_6_a_flight_is_one_write_and_waits_for_nobody,
        better_7_aes_where_it_is_fast_and_chacha_for_who_wants_it,
        better_8_an_ip_address_is_a_name,
        better_9_errors_have_names_and_are_told_to_the_peer,
        better_10_tls13_extended_master_secret_alpn_resumption,
    ],
)
