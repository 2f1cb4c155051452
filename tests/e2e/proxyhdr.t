#!/usr/bin/python3
# ktls-proxyhdr: what it takes off the connection, what it tells prog, and what
# it says to a proxy that sends something else.

import os
import socket
import time

import lib
import peers
import proc
import proxies
import tap
from peers import Tls, context, tcp_pair
from proc import Proc

PROXYHDR = os.path.join(proc.BIN, "ktls-proxyhdr")
PEER, USAGE = 98, 100
# as a super-server would have set them, for the proxy's own connection
DIRECT = {
    "PROTO": "TCP",
    "TCPREMOTEIP": "127.0.0.1",
    "TCPREMOTEPORT": "1",
    "TCPLOCALIP": "127.0.0.1",
    "TCPLOCALPORT": "2",
    "TCPREMOTEHOST": "proxy.test",
    "TCPREMOTEINFO": "proxy",
    "TCPLOCALHOST": "here.test",
}
SHOW = ("sh", "-c", "env | grep -E '^(PROTO|TCP.*)=' | sort; echo; ls /proc/$$/fd; echo; exec cat")


def told(out):
    variables, _, rest = out.decode().partition("\n\n")
    descriptors, _, data = rest.partition("\n\n")
    return dict(line.split("=", 1) for line in variables.splitlines()), descriptors.split(), data


def start(sock, options=(), prog=SHOW, env=DIRECT):
    sock.setblocking(True)
    ours = Proc([PROXYHDR, *options, *prog], proc.environment(**env), {0: sock, 1: "pipe"})
    sock.close()
    return ours


def check(name, header, wanted, send=lambda s, data: s.sendall(data)):
    a, b = tcp_pair()
    with start(b) as ours, a:
        send(a, header + b"and the rest\n")
        a.shutdown(socket.SHUT_WR)
        variables, descriptors, data = told(ours.read())
        tap.equal(data, "and the rest\n", f"{name}: prog reads from the first byte behind it", ours.stderr)
        tap.equal(variables, wanted, f"{name}: prog's environment")
        tap.equal(descriptors, ["0", "1", "2"], f"{name}: prog's descriptors")
        tap.equal((ours.wait(), ours.stderr()), (0, ""), f"{name}: no more to say")


def drip(sock, data):
    for i in range(len(data)):
        sock.sendall(data[i : i + 1])


def headers():
    v4 = {"PROTO": "TCP", "TCPREMOTEIP": "192.0.2.1", "TCPREMOTEPORT": "12345"}
    v4.update(TCPLOCALIP="198.51.100.2", TCPLOCALPORT="443")
    v6 = {**v4, "TCPREMOTEIP": "2001:db8::1", "TCPLOCALIP": "2001:db8::2"}
    for name, header, wanted in (
        ("version 1, IPv4", proxies.text("192.0.2.1", "198.51.100.2", 12345, 443), v4),
        ("version 1, IPv6", proxies.text("2001:db8::1", "2001:db8::2", 12345, 443), v6),
        ("version 1, UNKNOWN", b"PROXY UNKNOWN\r\n", DIRECT),
        ("version 2, IPv4", proxies.binary("192.0.2.1", "198.51.100.2", 12345, 443), v4),
        ("version 2, IPv6", proxies.binary("2001:db8::1", "2001:db8::2", 12345, 443, b"\x04\0\x03abc"), v6),
        ("version 2, LOCAL", proxies.block(0x20, 0), DIRECT),
        ("version 2, UNSPEC", proxies.block(0x21, 0, b"anything"), DIRECT),
        ("version 2, UDP", proxies.block(0x21, 0x12, bytes(12)), DIRECT),
        ("version 2, a Unix socket", proxies.block(0x21, 0x31, bytes(216)), DIRECT),
        ("version 2, the longest", proxies.binary("192.0.2.1", "198.51.100.2", 1, 2, proxies.padding(4068)),
         {**v4, "TCPREMOTEPORT": "1", "TCPLOCALPORT": "2"}),
    ):
        check(name, header, wanted)
        check(f"{name}, byte by byte", header, wanted, drip)


def pipe():
    with Proc([PROXYHDR, *SHOW], proc.environment(**DIRECT), {0: "pipe", 1: "pipe"}) as ours:
        ours.write(proxies.text("192.0.2.1", "198.51.100.2", 1, 2) + b"rest\n")
        ours.close(0)
        variables, _, data = told(ours.read())
        tap.equal((variables["TCPREMOTEIP"], data), ("192.0.2.1", "rest\n"), "from a pipe", ours.stderr)


def entries_twice():
    """None of the two is left of what speaks of the proxy's connection."""
    stale = [f"{name}=stale" for name in DIRECT]
    argv = [os.path.join(proc.LIB, "with-entries"), *stale, "--", PROXYHDR, *SHOW]
    with Proc(argv, proc.environment(**DIRECT), {0: "pipe", 1: "pipe"}) as ours:
        ours.write(proxies.text("192.0.2.1", "198.51.100.2", 1, 2))
        ours.close(0)
        shown = ours.read()
        tap.ok(b"stale" not in shown and b".test" not in shown, "variables that are there twice", shown.decode())


def refuse(name, data, words, shut=False):
    mark, touch = peers.marker()
    a, b = tcp_pair()
    with start(b, prog=touch) as ours, a:
        a.sendall(data)
        if shut:
            a.shutdown(socket.SHUT_WR)
        code, said = ours.wait(), ours.stderr()
        tap.ok(
            code == PEER and words in said and said.count("\n") == 1 and not peers.started(mark),
            f"{name}: exit {code}, {said.strip()}",
            f"wanted {PEER} and {words!r}",
        )


def health_checks():
    """A connection that ends before a header is worth a line with verbosity 2 only."""
    for verbosity, how, lines in ((1, "FIN", 0), (2, "FIN", 1), (1, "silence", 0), (2, "silence", 1)):
        a, b = tcp_pair()
        wanted = f"ktls-proxyhdr: fatal: 127.0.0.1:{a.getsockname()[1]}: PROXY header: "
        env = {"TCPREMOTEIP": None, "TCPREMOTEPORT": None}
        with start(b, ["-K", "300", "-v", str(verbosity)], env=env) as ours, a:
            if how == "FIN":
                a.shutdown(socket.SHUT_WR)
            code, said = ours.wait(), ours.stderr()
        good = code == PEER and said.count(wanted) == said.count("\n") == lines
        tap.ok(good, f"-v {verbosity}, {how}: exit {code}, {said.strip()}", f"wanted {lines} of {wanted!r}")


def refusals():
    refuse("a ClientHello", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(100), "invalid PROXY header")
    refuse("HTTP", b"GET / HTTP/1.1\r\n\r\n", "invalid PROXY header")
    refuse("a broken line", b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "invalid port")
    refuse("a line without end", b"PROXY UNKNOWN " + 200 * b"x", "has no end")
    refuse("another version", proxies.block(0x31, 0x11, bytes(12)), "unknown version")
    refuse("a block without end", proxies.block(0x21, 0x11, bytes(5000)), "too long")
    refuse("an unknown family", proxies.block(0x21, 0x41, bytes(12)), "unknown address family")
    refuse("an unknown protocol", proxies.block(0x21, 0x13, bytes(12)), "unknown address family")
    refuse("half a line", b"PROXY TCP4 192", "within it", shut=True)
    refuse("half a block", proxies.block(0x21, 0x11, bytes(12))[:-1], "within it", shut=True)


def deadline():
    for name, data in (("nothing", b""), ("half a line", b"PROXY TCP4 192.0.2.1 ")):
        a, b = tcp_pair()
        began = time.monotonic()
        with start(b, ["-K", "300"], ("true",)) as ours, a:
            a.sendall(data)
            code, took = ours.wait(), time.monotonic() - began
            tap.ok(code == PEER and took >= 0.3, f"{name} for 300 ms: exit {code}, {took:.2f} s", ours.stderr)
    a, b = tcp_pair()
    with start(b, ["--timeout", "0"], ("true",)) as ours, a:
        a.sendall(b"PROXY UNKNOWN\r\n")
        tap.equal(ours.wait(), 0, "without a deadline", ours.stderr)


def usage():
    for options in ([], ["-x", "true"], ["-K"], ["-K", "x", "true"], ["-v", "", "true"]):
        a, b = tcp_pair()
        with start(b, options, ()) as ours, a:
            code, said = ours.wait(), ours.stderr()
            tap.ok(code == USAGE and said.count("\n") == 1, f"{options}: exit {code}, {said.strip()}")
    a, b = tcp_pair()
    with start(b, [], ("/nonexistent/prog",)) as ours, a:
        a.sendall(b"PROXY UNKNOWN\r\n")
        tap.equal(ours.wait(), 127, "no such prog", ours.stderr)
    with Proc([PROXYHDR, "--help"], fds={1: "pipe"}) as ours:
        tap.ok(b"--timeout" in ours.read() and ours.wait() == 0, "--help")


def verbosity():
    named = proxies.text("192.0.2.1", "192.0.2.2", 1, 2)
    for header, words in ((named, "is 192.0.2.1"), (b"PROXY UNKNOWN\r\n", "proxy itself")):
        a, b = tcp_pair()
        with start(b, ["-v", "2"], ("true",)) as ours, a:
            a.sendall(header)
            tap.ok(ours.wait() == 0 and words in ours.stderr(), f"-v 2: {ours.stderr().strip()}")


def trust():
    """Headers are believed from there alone."""
    header = proxies.text("192.0.2.1", "198.51.100.2", 12345, 443)
    for networks, trusted in (
        (["127.0.0.1"], True),
        (["127.0.0.0/8"], True),
        (["10.0.0.0/8", "127.0.0.0/31"], True),
        (["0.0.0.0/0"], True),
        (["::ffff:127.0.0.0/104"], True),
        (["127.0.0.2"], False),
        (["10.0.0.0/8"], False),
        (["::1", "2001:db8::/32"], False),
        (["::/0"], True),
    ):
        options = [word for network in networks for word in ("--trust", network)]
        for direct in ([], ["--direct"]):
            what = " ".join([*options, *direct])
            a, b = tcp_pair()
            with start(b, [*options, *direct]) as ours, a:
                try:
                    a.sendall(header + b"rest\n")
                    a.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # refused already
                out = ours.read()
                if trusted:
                    variables, _, data = told(out)
                    tap.equal((variables["TCPREMOTEIP"], data), ("192.0.2.1", "rest\n"), what, ours.stderr)
                elif direct:
                    variables, _, data = told(out)
                    tap.equal((variables, data), (DIRECT, header.decode() + "rest\n"), what, ours.stderr)
                else:
                    code, said = ours.wait(), ours.stderr()
                    tap.ok(code == PEER and not out and "trusted" in said, f"{what}: {said.strip()}", f"exit {code}")
    with Proc([PROXYHDR, "--trust", "127.0.0.0/8", *SHOW], fds={0: "pipe", 1: "pipe"}) as ours:
        tap.ok(ours.wait() == PEER and "trusted" in ours.stderr(), "a pipe comes from nowhere")
    for network in ("127.0.0.1/8", "127.0.0.0/33", "::1/129", "x", "", "127.0.0.0/", "127.0.0.0/8/8", "1.2.3/8"):
        with Proc([PROXYHDR, "--trust", network, "true"]) as ours:
            code, said = ours.wait(), ours.stderr()
            tap.ok(code == USAGE and "--trust" in said, f"--trust {network!r}: exit {code}", said)
    with Proc([PROXYHDR, "--direct", "true"]) as ours:
        tap.equal(ours.wait(), USAGE, "--direct without --trust", ours.stderr)


def before_tls():
    """The hello comes in one segment with the header."""
    a, b = tcp_pair()
    argv = [PROXYHDR, proc.TLSD, "-m", "user", *("sh", "-c", "echo $TCPREMOTEIP; cat")]
    env = proc.environment(**DIRECT, CERTFILE=peers.pki.crt("ec256"), KEYFILE=peers.pki.key("ec256"))
    with Proc(argv, env, {0: b, 1: b}) as ours, a:
        b.close()
        tls = Tls(a, context())
        tls.outgoing.write(proxies.binary("192.0.2.1", "198.51.100.2", 12345, 443))
        tls.handshake()
        tap.equal(tls.read_exactly(10), b"192.0.2.1\n", "ktls-tlsd behind it", ours.stderr)


tap.main(headers, pipe, entries_twice, health_checks, refusals, deadline, usage, verbosity, trust, before_tls)
