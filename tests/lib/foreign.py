"""Clients of other people, put against a server of ours: web browsers and libraries,
git, MQTT, redis, and those that pass lines through.

Each function is given one that serves a prog, with more environment: a context manager
of the server's process and its port."""

import contextlib
import itertools
import os
import re
import shutil

import pki
import proc
import tap
from proc import Proc

WEBD = os.path.join(proc.LIB, "webd")
HOSTS = ("localhost", "127.0.0.1")
KINDS = ("keep", "close", "old")  # see webd
REQUESTS = """
import requests, sys
with requests.Session() as session:
    for url in sys.argv[2:]:
        print(session.get(url, verify=sys.argv[1]).text, end="")
"""
URLLIB = """
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile=sys.argv[1])
for url in sys.argv[2:]:
    print(urllib.request.urlopen(url, context=context).read().decode(), end="")
"""
# Before version 20 node tries the first address of a name only, which may be ::1.
NODE = """
const [ca, ...urls] = process.argv.slice(1), https = require("https");
const agent = new https.Agent({ ca: require("fs").readFileSync(ca), keepAlive: true });
(async () => {
    for (const url of urls)
        await new Promise((done) => https.get(url, { agent, family: 4 }, (reply) => {
            reply.on("data", (data) => process.stdout.write(data));
            reply.on("end", () => setImmediate(done));
        }));
    agent.destroy();
})();
"""




def lynx(urls):
    """Debian's, like w3m, compares an address with names only, whoever the server is:
    there it may go on without."""
    settings = proc.temp("lynx.cfg")
    with open(settings, "w") as f:
        f.write("FORCE_SSL_PROMPT:YES\n" if HOSTS[1] in urls[0] else "")
    return ["env", "SSL_CERT_FILE=" + pki.ca(), "lynx", "-cfg=" + settings, "-source", *urls]


def w3m(urls):
    argv = ["w3m", "-o", "ssl_ca_file=" + pki.ca(), "-dump_source", *urls]
    return ["sh", "-c", 'echo y | "$@" | sed "s/.*accept? (y.n)//"', "sh", *argv] if HOSTS[1] in urls[0] else argv


def lftp(urls):
    return ["lftp", "-c", f"set ssl:ca-file {pki.ca()}; set net:max-retries 1; cat {' '.join(urls)}"]


def with_ca(*argv):
    """The last word is an option whose value is the CA's file."""
    return lambda urls: [*argv[:-1], argv[-1] + pki.ca(), *urls]


def script(*argv):
    """Its first argument is the CA's file."""
    return lambda urls: [*argv, pki.ca(), *urls]


# Whether two pages come by one connection. EITHER: it depends on the client's version.
ONE, TWO, EITHER = "12", "11", "1[12]"

# name: how many pages it is asked for, by how many connections, and its command line
WEB = {
    "curl": (2, ONE, with_ca("curl", "-sS", "--cacert", "")),
    "wget": (2, ONE, with_ca("wget", "-q", "-O-", "--tries=1", "--ca-certificate=")),
    "wget2": (2, EITHER, with_ca("wget2", "-q", "-O-", "--tries=1", "--max-threads=1", "--ca-certificate=")),
    "python requests": (2, ONE, script("/usr/bin/python3", "-c", REQUESTS)),
    "python urllib": (2, TWO, script("/usr/bin/python3", "-c", URLLIB)),
    "node": (2, ONE, script("node", "-e", NODE)),
    "lftp": (2, ONE, lftp),
    "lynx": (1, TWO, lynx),
    "w3m": (1, TWO, w3m),
}


def has(program):
    return shutil.which(program)


def environment():
    """Of a client: no proxies, settings and authorities of whoever runs the test."""
    home = proc.temp("home")
    os.mkdir(home)
    return {"PATH": proc.environment()["PATH"], "HOME": home, "TERM": "dumb", "LC_ALL": "C.UTF-8"}


def run(argv, name, wanted):
    """It ends well, and prints what is wanted, a regular expression."""
    with Proc(argv, environment(), {1: "pipe"}) as client:
        output = client.read()
        good = client.wait() == 0 and re.fullmatch(wanted.encode(), output)
        return tap.ok(good, name, lambda: f"exit {client.wait()}\n{output}\n{client.stderr()}\nwanted {wanted[:200]}")


def is_silent(server, name):
    """What it started has ended, and nothing was said."""
    proc.await_true(lambda: not proc.descendants(server.pid), "the server's processes to end")
    tap.equal(server.stderr(), "", f"{name}: nothing on the server's stderr")


def web(serve):
    """Each page says which request of its connection it answers."""
    with serve((WEBD,)) as (server, port):
        for name, (pages, connections, argv) in WEB.items():
            if not has(name.split()[0]):
                tap.skip(name, "not installed")
                continue
            for host, kind in itertools.product(HOSTS, KINDS):
                # wget believes that a connection goes on after a reply of HTTP/1.0
                count = 1 if kind == "old" else pages
                urls = [f"https://{host}:{port}/{kind}?{n}" for n in range(count)]
                numbers = connections if kind == "keep" else TWO
                wanted = "".join(f"request {n} by TLSv1.[23]\n" for n in re.findall(r"\d|\[.*]", numbers)[:count])
                run(argv(urls), f"{name}: /{kind} of {host}", wanted)
            is_silent(server, name)


def git(serve):
    """By webd, which is dynamically linked."""
    _git_by("webd", (WEBD,), "git", serve)


def git_by_busybox(serve):
    """A static server, whose CGI's reply ends with the connection."""
    www = proc.temp("www")
    os.makedirs(www + "/cgi-bin")
    with open(www + "/cgi-bin/git", "w") as f:
        f.write("#!/bin/sh\nexec git http-backend\n")
    os.chmod(www + "/cgi-bin/git", 0o755)
    _git_by("busybox httpd", ("busybox", "httpd", "-i", "-h", www), "cgi-bin/git", serve)


def _git_by(what, prog, path, serve):
    """Cloned, changed, pushed, and cloned again."""
    if not has("git"):
        return tap.skip("git", "not installed")
    root, name = proc.temp("repositories"), f"git by {what}"
    _git(name + ": a repository", "init", "-q", "--bare", "-b", "main", root + "/it.git")
    _git(name + ": that takes pushes", "-C", root + "/it.git", "config", "http.receivepack", "true")
    with serve(prog, {"GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": ""}) as (server, port):
        for host in HOSTS:
            _clone_and_push(f"{name}, {host}", f"https://{host}:{port}/{path}/it.git")
        is_silent(server, name)


def _git(name, *words):
    settings = {"http.sslCAInfo": pki.ca(), "user.name": "somebody", "user.email": "a@example.test"}
    settings["safe.directory"] = "*"
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    return run(["git", *options, *words], name, ".*")


def _clone_and_push(name, url):
    first, second = proc.temp("clone"), proc.temp("clone")
    _git(name + ": clone", "clone", "-q", url, first)
    content = os.urandom(300_000)
    with open(os.path.join(first, "file"), "wb") as f:
        f.write(content)
    _git(name + ": add", "-C", first, "add", "file")
    _git(name + ": commit", "-C", first, "commit", "-q", "-m", "change")
    _git(name + ": push", "-C", first, "push", "-q", "origin", "HEAD:main")
    _git(name + ": clone of what was pushed", "clone", "-q", url, second)
    with open(os.path.join(second, "file"), "rb") as f:
        tap.ok(f.read() == content, name + ": all of it")


def lines(serve):
    """Programs that pass on what they read: a request, and the page until the server ends."""
    with serve((WEBD,)) as (server, port):
        for host, kind in itertools.product(HOSTS, KINDS):
            name = ["-servername", host] if host == HOSTS[0] else ["-noservername"]
            verify = "-verify_hostname" if host == HOSTS[0] else "-verify_ip"
            for argv in (
                ["openssl", "s_client", "-quiet", "-connect", f"{host}:{port}", "-CAfile", pki.ca()]
                + [*name, verify, host, "-verify_return_error"],
                ["gnutls-cli", "--logfile=/dev/null", "--x509cafile", pki.ca(), "-p", str(port), host],
                ["socat", "-", f"OPENSSL:{host}:{port},cafile={pki.ca()}"],
            ):
                if has(argv[0]):
                    _ask(argv, kind, f"{argv[0]}: /{kind} of {host}")
                else:
                    tap.skip(argv[0], "not installed")
        is_silent(server, "those that pass lines")


def _ask(argv, kind, name):
    """Its input stays open until the server has ended the connection."""
    with Proc(argv, environment(), {0: "pipe", 1: "pipe"}) as client:
        client.write(f"GET /{kind} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        page = client.read()
        good = re.search(rb"\r\n\r\nrequest 1 by TLSv1.[23]\n", page) and client.wait() == 0
        tap.ok(good, name, lambda: f"exit {client.wait()}\n{page}\n{client.stderr()}")


@contextlib.contextmanager
def service(argv, path):
    """A server of somebody else on a Unix socket, with the connector to it."""
    with Proc(argv, environment()) as ours:
        proc.await_true(lambda: os.path.exists(path) or ours.has_ended(), f"{argv[0]} to listen")
        yield ("socat", "-", "UNIX-CONNECT:" + path)


def redis(serve):
    if not (has("redis-server") and has("redis-cli") and has("socat")):
        return tap.skip("redis-cli", "redis-server, redis-cli or socat is not installed")
    path = proc.temp("redis")
    argv = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", proc.TMP]
    with service(argv, path) as connector, serve(connector) as (server, port):
        for host in HOSTS:
            cli = ["redis-cli", "--tls", "--cacert", pki.ca(), "-h", host, "-p", str(port)]
            cli += ["--sni", host] if host == HOSTS[0] else []
            run([*cli, "set", "key", host], f"redis-cli by {host}: set", "OK\n")
            run([*cli, "get", "key"], f"redis-cli by {host}: get", host + "\n")
            big = "x" * 100_000
            run([*cli, "echo", big], f"redis-cli by {host}: {len(big)} bytes there and back", big + "\n")
        is_silent(server, "redis-cli")


def mqtt(serve):
    broker = shutil.which("mosquitto", path=environment()["PATH"] + ":/usr/sbin")
    if not (broker and has("mosquitto_pub") and has("mosquitto_sub") and has("socat")):
        return tap.skip("mosquitto_pub", "mosquitto, its clients or socat are not installed")
    path, settings = proc.temp("mqtt"), proc.temp("mosquitto.conf")
    with open(settings, "w") as f:
        f.write(f"listener 0 {path}\nallow_anonymous true\nuser root\n")
    with service([broker, "-c", settings], path) as connector, serve(connector) as (server, port):
        for host in HOSTS:
            to = ["-h", host, "-p", str(port), "--cafile", pki.ca(), "-t", "topic"]
            run(["mosquitto_pub", *to, "-q", "1", "-r", "-m", host], f"mosquitto_pub by {host}", "")
            run(["mosquitto_sub", *to, "-q", "1", "-C", "1"], f"mosquitto_sub by {host}", host + "\n")
        is_silent(server, "mosquitto")


DYNAMIC = [web, git, lines, redis, mqtt]
ALL = [*DYNAMIC, git_by_busybox]
