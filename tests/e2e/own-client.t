#!/usr/bin/python3
# The TCP client of ktls-tlsclient itself: names as the system resolves them, IPv6,
# every address tried, and what prog is told of the connection.

import json
import os
import shutil
import socket
import threading

import lib
import front
import namespaces
import peers
import pki
import proc
import prog
import tap
from peers import Tls, context
from proc import Proc

SYSTEM = 111
VARIABLES = ("PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPREMOTEHOST", "TCPREMOTEINFO",
             "TCPLOCALIP", "TCPLOCALPORT", "TCPLOCALHOST")
# of a connection before, such as that of a server whose prog we are
STALE = {name: "stale" for name in VARIABLES}


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def greet(listener):
    """One client after the other gets a line, until the listener is closed."""
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        with sock:
            sock.settimeout(proc.LIMIT)
            tls = Tls(sock, context(server=True, cert="ec256"), server=True)
            try:
                tls.handshake()
                tls.write(b"hello\n")
                tls.close_notify(fin=True)
                tls.drain()
            except OSError:
                pass


class Server:
    def __init__(self, ip="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        self.listener = socket.create_server((ip, port), family=family)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=greet, args=(self.listener,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def run(options, host, port, wrapper=(), env=None, words=("sh", "-c", "cat <&6")):
    """(what prog said, exit code, stderr)"""
    argv = [*wrapper, front.TLSCLIENT, "--tcpclient=own", "-m", "user", "-k", "localhost", *options, host, str(port)]
    changes = {"CAFILE": pki.ca(), **STALE, **(env or {})}
    with Proc([*argv, *words], proc.environment(**changes), {1: "pipe"}) as ours:
        return ours.read().decode(), ours.wait(), ours.stderr()


def connects(options, host, port, name, **more):
    tap.equal(run(options, host, port, **more), ("hello\n", 0, ""), name)


def told(options, host, port, **more):
    report = proc.temp("report")
    changes = {"INSPECT": report, **more.pop("env", {})}
    out = run(options, host, port, env=changes, words=(prog.INSPECT, "6", "7"), **more)
    if not os.path.exists(report):
        raise RuntimeError(out)
    with open(report) as f:
        return json.load(f)


def variables():
    with Server() as server:
        port = str(server.port)
        known = {"PROTO": "TCP", "TCPREMOTEIP": "127.0.0.1", "TCPREMOTEPORT": port, "TCPLOCALIP": "127.0.0.1"}
        for options, host, more in (
            ([], "localhost", {"TCPREMOTEHOST": "localhost"}),
            ([], "127.0.0.1", {}),
            (["-H"], "localhost", {}),
            (["-l", "here.test"], "127.0.0.1", {"TCPLOCALHOST": "here.test"}),
        ):
            seen = told(options, host, port)
            got = {name: seen["environment"][name] for name in VARIABLES if name in seen["environment"]}
            local = got.pop("TCPLOCALPORT", "none")
            tap.ok(got == {**known, **more} and local.isdigit(), f"{options} {host}: {sorted(got.items())}, from {local}")
            prog.check_descriptors(seen, [0, 1, 2, 6, 7], f"{options} {host}")


def options():
    with Server() as server:
        port = server.port
        for words in ([], ["-q"], ["-Q"], ["-d"], ["-D"], ["-4"], ["-R"], ["-h"], ["-n"], ["-t", "600"], ["-T", "600+600"],
                      ["-T", "600"], ["-i", "127.0.0.1"], ["--dns"], ["--no-hosts"], ["-t", "4294967295"]):
            connects(words, "localhost", port, f"localhost, {words}")
        said = run(["-v"], "127.0.0.1", port)[2]
        tap.ok(f"ktls-tlsclient: info: connected to 127.0.0.1:{port}\n" in said, "-v: where to", said)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            free = s.getsockname()[1]
        for words in (["-p", str(free)], ["-p", str(free), "-i", "127.0.0.5"]):
            # taken again while the last connection is still in TIME_WAIT
            env = told(words, "127.0.0.1", port)["environment"]
            wanted = words[3] if len(words) > 2 else "127.0.0.1"
            tap.equal((env["TCPLOCALIP"], env["TCPLOCALPORT"]), (wanted, str(free)), f"{words}: from there")
        nobody = run([], "127.0.0.1", peers.free_port())
        tap.equal(nobody[1], SYSTEM, "nobody listens: exit 111", nobody)


def services():
    """The name of a port is looked up, too."""
    services = proc.temp("services")
    with Server() as server, open(services, "w") as f:
        f.write(f"ktls-test {server.port}/tcp\nktls-test-udp 99/udp\n")
        f.flush()
        wrapper = namespaces.with_file(services, "/etc/services")
        if not wrapper:
            return
        connects([], "127.0.0.1", "ktls-test", "a service of /etc/services", wrapper=wrapper)
        said = run([], "127.0.0.1", "ktls-test-udp", wrapper=wrapper)
        tap.equal(said[1:], (SYSTEM, "ktls-tlsclient: fatal: port ktls-test-udp: no such service\n"), "one of UDP")


def hosts():
    with Server() as server:
        for text, name in (
            ("127.0.0.1 db.example\n", "a name of /etc/hosts"),
            ("127.0.0.2 db.example\n127.0.0.1 db.example\n", "the first address refuses"),
            ("127.0.0.2 db.example\n127.0.0.3 db.example\n127.0.0.4 db.example\n127.0.0.1 db.example\n", "three refuse"),
            ("::1 db.example\n127.0.0.1 db.example\n", "that of IPv6 refuses"),
            ("fe80::1 db.example\n127.0.0.1 db.example\n", "that of IPv6 is of no network"),
        ):
            wrapper = namespaces.with_hosts(text)
            if not wrapper:
                return
            connects([], "db.example", server.port, name, wrapper=wrapper)
            seen = told([], "db.example", server.port, wrapper=wrapper)["environment"]
            tap.equal((seen["TCPREMOTEIP"], seen["TCPREMOTEHOST"]), ("127.0.0.1", "db.example"), f"{name}: what prog is told")
        wrapper = namespaces.with_hosts("127.0.0.2 db.example\n127.0.0.3 db.example\n")
        wanted = f"ktls-tlsclient: fatal: connecting to db.example, port {server.port}: Connection refused\n"
        tap.equal(run([], "db.example", server.port, wrapper=wrapper)[1:], (SYSTEM, wanted), "all refuse")
        said = run([], "other.example", server.port, wrapper=wrapper)
        tap.ok(said[1] == SYSTEM and said[2].startswith("ktls-tlsclient: fatal: other.example: "), f"no such name: {said[2]}")
        said = run(["-6"], "db.example", server.port, wrapper=wrapper)
        wanted = "ktls-tlsclient: fatal: db.example has no address of IPv6\n"
        tap.equal(said[1:], (SYSTEM, wanted), "-6 and no such address")


def ipv6():
    if not has_ipv6():
        return tap.skip("addresses of IPv6", "no IPv6 here")
    with Server("::1") as server:
        connects([], "::1", server.port, "::1")
        connects(["-6"], "::1", server.port, "::1, -6")
        connects(["-46"], "::1", server.port, "::1, -46")
        env = told([], "::1", server.port)["environment"]
        tap.equal((env["TCPREMOTEIP"], env["TCPLOCALIP"]), ("::1", "::1"), "::1: what prog is told")
        wrapper = namespaces.with_hosts("127.0.0.1 db.example\n::1 db.example\n")
        if wrapper:
            for words in ([], ["-6"], ["-i", "::1"]):
                connects(words, "db.example", server.port, f"::1 of /etc/hosts, {words}", wrapper=wrapper)
            said = run(["-4"], "db.example", server.port, wrapper=wrapper)
            tap.ok(said[1] == SYSTEM and "refused" in said[2], f"-4: not that of IPv6: {said[2]}")


def silence():
    """Nobody answers: -T and -t are limits for all addresses."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        taken = []
        for _ in range(3):  # until the backlog has no place, and connections hang
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
            taken.append(s)
        for words in (["-T", "1"], ["-T", "1+0"], ["-t", "1"]):
            said = run(words, "127.0.0.1", port)
            wanted = f"ktls-tlsclient: fatal: connecting to 127.0.0.1, port {port}: Connection timed out\n"
            tap.equal(said[1:], (SYSTEM, wanted), f"{words}: timed out")
        for s in taken:
            s.close()


def closed_standard_descriptors():
    with Server() as server:
        seen = told([], "localhost", server.port, wrapper=("sh", "-c", 'exec "$@" <&- >&-', "sh"))
        prog.check_descriptors(seen, [2, 6, 7], "closed 0 and 1")


def own_folder():
    """A folder of the programs without ktls-resolve, which everybody may enter."""
    folder = proc.temp("bin")
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    os.chmod(proc.TMP, 0o711)
    for name in ("ktls-tlsclient", "ktls-tlsc", "ktls-relay"):
        shutil.copy2(os.path.join(proc.BIN, name), os.path.join(folder, name))
    return folder


def rights_of_the_resolver():
    """It reads what comes from the network: with TLS_UID not as root."""
    if os.geteuid():
        return tap.skip("the resolver's user", "not root")
    folder = own_folder()
    resolver = os.path.join(folder, "ktls-resolve")
    with open(resolver, "w") as f:
        f.write("#!/bin/sh\n[ $# = 1 ] && echo 127.0.0.1 || exit 1\necho $(id -u) $(id -g) $(id -G) >&2\n")
    os.chmod(resolver, 0o755)
    with Server() as server:
        argv = [os.path.join(folder, "ktls-tlsclient"), "--tcpclient=own", "-m", "user", "-k", "localhost"]
        for ids, wanted in (({}, "0 0 "), ({"TLS_UID": "54321", "TLS_GID": "54322"}, "54321 54322 54322\n")):
            env = proc.environment(CAFILE=pki.ca(), **ids)
            with Proc([*argv, "db.example", str(server.port), "true"], env) as ours:
                code, said = ours.wait(), ours.stderr()
            tap.ok(code == 0 and said.startswith(wanted), f"{sorted(ids)}: ktls-resolve has the ids {said.strip()}, exit {code}")


def without_resolver():
    """Other programs of ours are found beside it; where there is no ktls-resolve, it is named."""
    folder = own_folder()
    with Server() as server:
        argv = [os.path.join(folder, "ktls-tlsclient"), "--tcpclient=own", "-m", "user", "-k", "localhost"]
        for host, wanted in (("127.0.0.1", 0), ("localhost", SYSTEM)):
            env = proc.environment(CAFILE=pki.ca(), PATH="/usr/bin:/bin")
            with Proc([*argv, host, str(server.port), "true"], env) as ours:
                code, said = ours.wait(), ours.stderr()
                named = not wanted or "localhost: ktls-resolve cannot be executed: No such file or directory" in said
                tap.ok(code == wanted and named, f"no ktls-resolve, {host}: exit {code}, {said.strip()}")


tap.main(variables, options, services, hosts, ipv6, silence, closed_standard_descriptors, rights_of_the_resolver,
         without_resolver)
