#!/usr/bin/python3
# "Which command when" of README and ktls-tools(7): each command line as it is printed, in a
# network of its own, and somebody who uses what it serves.
# runs: host; not: sanitizers
# runs: newest kernel; not: sanitizers

import os
import re
import shutil
import smtplib
import socket
import subprocess
import sys

import lib
import foreign
import namespaces
import proc
import tap
from proc import Proc

INSIDE = "KTLS_TEST_INSIDE"
HOSTS = "127.0.0.1 localhost example.org\n"
EXAMPLES = os.path.join(proc.ROOT, "doc", "examples")
PORT = {"smtp": 25, "https": 443, "tunnel": 6378, "plain": 6379, "tls": 6380}


def enter():
    """Once more, where ports and names are this test's."""
    options = ("--net", "--mount")
    if not namespaces.possible(*options):
        tap.skip_all("no namespaces can be made here")
    hosts = proc.temp("hosts")
    with open(hosts, "w") as f:
        f.write(HOSTS)
    script = f'ip link set lo up && mount --bind {hosts} /etc/hosts && exec "$@"'
    os.environ[INSIDE] = proc.TMP
    ended = subprocess.run([*namespaces.unshare(*options), "sh", "-c", script, "sh", *map(os.path.abspath, sys.argv[:1]), *sys.argv[1:]])
    sys.exit(ended.returncode)


def printed(path):
    """{what is said above it: command line}"""
    with open(os.path.join(proc.ROOT, path)) as f:
        section = re.split(r"which command when\n", f.read(), 1, re.I)[1]
    text = re.split(r"^(?:\.Ed|## .*)$", section, flags=re.M)[0]
    lines = [line.strip() for line in re.sub(r"\\e?\n *", "", text).split("\n")]
    return {above[2:]: below for above, below in zip(lines, lines[1:]) if above.startswith("# ")}


def readme():
    return printed("README")


def same_in_the_manual():
    tap.equal(printed("doc/ktls-tools.7"), readme(), "README and ktls-tools(7) have the same")


class Folder:
    """Where the command lines are executed: their files, programs and certificate."""

    def __init__(self):
        self.path = proc.temp("here")
        self.bin = os.path.join(self.path, "bin")
        os.makedirs(os.path.join(self.path, "www"))
        os.mkdir(self.bin)
        self.write("www/index.html", "a page\n")
        self.write("index.html", "a page\n")
        for name in ("server.js", "server.py"):
            shutil.copy(os.path.join(EXAMPLES, name), self.path)
        self.program("qmail-smtpd", f'exec "{proc.LIB}/smtpd" "{self.path}"')
        self.ca = os.path.join(self.path, "mine.crt")
        self._certificate()

    def write(self, name, text):
        with open(os.path.join(self.path, name), "w") as f:
            f.write(text)

    def program(self, name, line):
        self.write("bin/" + name, f"#!/bin/sh\n{line}\n")
        os.chmod(os.path.join(self.bin, name), 0o755)

    def _certificate(self):
        words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=example.org"
        names = "subjectAltName=DNS:example.org,DNS:localhost"
        subprocess.run(
            [*words.split(), "-addext", names, "-keyout", "mine.key", "-out", "mine.crt"],
            cwd=self.path, check=True, capture_output=True,
        )

    def environment(self):
        env = proc.environment(CERTFILE="mine.crt", KEYFILE="mine.key", CAFILE="mine.crt")
        # the dynamic linker preloads nothing from a path with a space
        env["PATH"] = ":".join((self.bin, proc.installed(), env["PATH"]))
        return env

    def run(self, line, fds=None):
        return Proc(["sh", "-c", 'cd "$0" && eval exec "$1"', self.path, line], self.environment(), fds or {})


def listens(port):
    """In this network, which nobody else is in."""
    with open("/proc/net/tcp") as f:
        return any(re.search(rf":{port:04X} \S+ 0A ", line) for line in f)


def served(folder, line, port):
    server = folder.run(line)
    proc.await_true(lambda: listens(port) or server.has_ended(), f"{line} to listen")
    return server


def the_line(pattern):
    (line,) = [line for line in readme().values() if re.search(pattern, line)]
    return line


def https(word, page, log=""):
    folder = Folder()
    line = the_line(word)
    with served(folder, line, PORT["https"]) as server:
        for client in (
            ["curl", "-sS", "--cacert", folder.ca, "--tls-max", "1.2"],
            ["curl", "-sS", "--cacert", folder.ca, "--tlsv1.3"],
            ["wget", "-q", "-O-", "--tries=1", "--ca-certificate=" + folder.ca],
        ):
            name = f"{line}: {' '.join(client[:1] + client[4:])}".replace(folder.path + "/", "")
            foreign.run([*client, "https://example.org/index.html"], name, page)
        proc.await_true(lambda: not proc.descendants(server.pid), "the server's processes to end")
        tap.ok(re.fullmatch(log, server.stderr()), f"{line}: nothing is wrong", server.stderr)


def standard_input():
    https("busybox", "a page\n")


def node():
    if shutil.which("node"):
        https("node", "You asked for /index.html\n")
    else:
        tap.skip("node", "not installed")


def python():
    https("python3", "a page\n", r'(\S+ - - \[.*\] "GET /index.html HTTP/1.1" 200 -\n)*')


def beside():
    """Who is there in the middle of a connection of the last one."""
    folder = Folder()
    with served(folder, the_line("python3"), PORT["https"]) as server:
        client = ["openssl", "s_client", "-quiet", "-connect", "example.org:443", "-CAfile", folder.ca]
        with Proc(client, fds={0: "pipe", 1: "pipe"}) as peer:
            peer.write(b"GET /index.html HTTP/1.1\r\n\r\n")
            peer.read(until=b"a page\n")
            names = sorted(name for _, name, _ in proc.descendants(server.pid).values())
            wanted = ["python3"] if proc.kernel_has_tls() else ["ktls-relay", "python3"]
            tap.equal(names, wanted, f"processes of the connection: {' '.join(names)}")


def until_the_end(sock):
    data = b""
    try:
        while more := sock.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


def through_ports():
    """A client without TLS, its helper, the helper of a server without TLS, and that."""
    folder = Folder()
    with (
        served(folder, f"socat TCP-LISTEN:{PORT['plain']},fork,reuseaddr EXEC:cat", PORT["plain"]),
        served(folder, the_line("ktls-pipe"), PORT["tls"]) as ours,
        served(folder, the_line("- 'FD:6"), PORT["tunnel"]) as tunnel,
    ):
        with socket.create_connection(("127.0.0.1", PORT["tunnel"]), proc.LIMIT) as s:
            data = os.urandom(100_000)
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            got = until_the_end(s)
            tap.ok(got == data, f"{len(data)} bytes there and back, through two helpers", str(len(got)))
        for server in (ours, tunnel):
            proc.await_true(lambda: not proc.descendants(server.pid), "the helpers to end")
            tap.equal(server.stderr(), "", "a helper says nothing")


def client(pattern, wrapper=""):
    folder, line = Folder(), wrapper + the_line(pattern)
    with served(folder, "ktls-tlsserver 0.0.0.0 443 sh -c 'read line; echo $line to you'", PORT["https"]) as server:
        with folder.run(line, {1: "pipe"}) as ours:
            said = ours.read(), ours.wait(), ours.stderr()
            tap.equal(said, (b"hi to you\n", 0, ""), line, server.stderr)


def clients():
    client("^ktls-tlsclient")


def container():
    client("^ktls-init", "unshare --pid --fork --mount-proc ")


def starttls():
    import ssl

    folder, line = Folder(), the_line("qmail-smtpd")
    with served(folder, line, PORT["smtp"]) as server:
        with smtplib.SMTP("example.org", PORT["smtp"], timeout=proc.LIMIT) as mail:
            mail.starttls(context=ssl.create_default_context(cafile=folder.ca))
            mail.sendmail("a@example.org", ["b@example.org"], "Subject: hello\r\n\r\nhello\r\n")
        with open(os.path.join(folder.path, "mail")) as f:
            tap.ok("hello" in f.read(), line, server.stderr)


if INSIDE not in os.environ:
    enter()
ALL = [same_in_the_manual, standard_input, node, python, beside, through_ports, clients, container, starttls]
tap.main(host=ALL, kernel=ALL)
