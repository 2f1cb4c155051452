"""Programs that get their connections from ktls-init."""

import os
import re

import pki
import proc
import service
import tap
from peers import free_port
from proc import Proc

EXAMPLE = os.path.join(proc.ROOT, "doc", "examples", "ktls_service.py")
NAMES = """SSL_PROTOCOL SSL_CIPHER SSL_PATH SSL_TLS_SNI_SERVERNAME SSL_ALPN SSL_PEER_CERT_HASH SSL_PEER_CERT_SUBJECT
SSL_PEER_CERT_SAN PROTO TCPREMOTEIP TCPREMOTEPORT TCPLOCALIP TCPLOCALPORT""".split()
SHOW = "; ".join(f'echo "{name}=${name}"' for name in NAMES)


def init(script, *words):
    """sh -c script below ktls-init, with its output here."""
    env = proc.environment(**{name: "stale" for name in NAMES})
    return Proc(["ktls-init", "sh", "-c", script, "sh", *words], env, {1: "pipe"})


def listen_url(port, more=""):
    return service.url(f"tls://127.0.0.1:{port}", **service.good()) + more


def connect_url(port, more=""):
    return service.url(f"tls://127.0.0.1:{port}", ca=pki.ca(), sni="localhost") + more


def shown(output):
    return dict(line.split("=", 1) for line in output.decode().splitlines() if "=" in line)


# asks until somebody listens
TALK = 'until ktls-connect "$2" sh -c "{}" 2>/dev/null; do sleep 0.05; done'
ONCE = 'ktls-accept -1 "$1" sh -c "{}" & ' + TALK + "; wait"


def both_ends(path):
    """Each sees what was negotiated and who the other is; nothing stale."""
    for version in ("1.2", "1.3"):
        port = free_port()
        client = f"{SHOW}; echo hello >&7; cat <&6".replace("$", "\\$")
        script = ONCE.format("read line; echo got \\$line", client)
        with init(script, listen_url(port, "&alpn=a"), connect_url(port, f"&alpn=a&tls={version}")) as ours:
            output = ours.read()
            tap.equal(ours.wait(), 0, f"TLS {version}: exit code", ours.stderr)
        seen = shown(output)
        tap.ok(b"got hello\n" in output, f"TLS {version}: a line there and back", str(output))
        tap.equal(seen["SSL_PROTOCOL"], f"TLSv{version}", f"TLS {version}: SSL_PROTOCOL")
        tap.equal(seen["SSL_PATH"], path, f"TLS {version}: SSL_PATH")
        tap.equal(seen["SSL_ALPN"], "a", f"TLS {version}: SSL_ALPN")
        tap.equal(seen["SSL_PEER_CERT_SUBJECT"], "CN=localhost", f"TLS {version}: SSL_PEER_CERT_SUBJECT")
        tap.ok("DNS:localhost" in seen["SSL_PEER_CERT_SAN"], f"TLS {version}: SSL_PEER_CERT_SAN", str(seen))
        tap.ok(re.fullmatch("SHA256:[0-9a-f]{64}", seen["SSL_PEER_CERT_HASH"]), f"TLS {version}: its hash")
        server = [seen["PROTO"], seen["TCPREMOTEIP"], seen["TCPREMOTEPORT"]]
        tap.equal(server, ["TCP", "127.0.0.1", str(port)], f"TLS {version}: the server's end")
        tap.ok("stale" not in seen.values(), f"TLS {version}: nothing stale", str(seen))


def server_sees(path):
    port = free_port()
    script = ONCE.format(f"{SHOW}; read line".replace("$", "\\$"), "echo hello >&7; cat <&6")
    with init(script, listen_url(port), connect_url(port)) as ours:
        seen = shown(ours.read())
    tap.equal(seen["SSL_PATH"], path, "ktls-accept: SSL_PATH")
    tap.equal(seen["SSL_TLS_SNI_SERVERNAME"], "localhost", "ktls-accept: the name that the client asked for")
    tap.equal(seen["SSL_PEER_CERT_HASH"], "", "ktls-accept: a client without a certificate has no name")
    tap.equal(seen["TCPREMOTEIP"], "127.0.0.1", "ktls-accept: the client's address")
    tap.ok(seen["TCPREMOTEPORT"].isdigit(), "ktls-accept: and port", str(seen))


ENTRIES = os.path.join(proc.LIB, "with-entries")
TWICE = " ".join(f"{name}=stale1 {name}=stale2" for name in [*NAMES, "TCPREMOTEHOST", "TCPREMOTEINFO", "TCPLOCALHOST"])


def stale_entries(_path):
    """However often a variable is there, what prog finds is of its connection."""
    for name, client_url, server_url, set_anyway in (
        ("tls", connect_url, listen_url, {"SSL_PROTOCOL", "SSL_PEER_CERT_SAN"}),
        ("verify=0", lambda port: f"tls://127.0.0.1:{port}?verify=0", listen_url, {"SSL_PROTOCOL"}),
        ("tcp", lambda port: f"tcp://127.0.0.1:{port}", lambda port: f"tcp://127.0.0.1:{port}", set()),
    ):
        port = free_port()
        run = f"'{ENTRIES}' {TWICE} -- {{}}"
        client = "until " + run.format('ktls-connect "$2" sh -c "env; cat <&6" 2>/dev/null; do sleep 0.05; done')
        server = run.format('ktls-accept -1 "$1" sh -c "env"')
        with init(f"{server} & {client}; wait", server_url(port), client_url(port)) as ours:
            shown_there = ours.read().decode()
        tap.ok("stale" not in shown_there, f"{name}: no entry of those before is left", shown_there)
        names = set(shown(shown_there.encode())) & set(NAMES)
        tap.ok(set_anyway <= names, f"{name}: and there is what is known", shown_there)
        is_plain = not any(variable.startswith("SSL_") for variable in names)
        tap.equal(is_plain, name == "tcp", f"{name}: variables of TLS")


def refusals(_path):
    port = free_port()
    for url, why in (
        (connect_url(port), "Connection refused"),
        (service.url("tls://no.such.name.invalid:443", ca=pki.ca()), "no.such.name.invalid"),
        ("gopher://a", "not a URL of this protocol"),
    ):
        with init('ktls-connect "$1" true; echo $?', url) as ours:
            tap.equal(ours.read(), b"98\n", f"{url}: exit code")
            wanted = f"ktls-connect: fatal: {re.escape(url)}: .*{re.escape(why)}"
            tap.ok(re.search(wanted, ours.stderr()), f"{url}: why", ours.stderr)
    for words, code in (([], 100), (["tls://a"], 100), (["-6", "2", "tls://a", "true"], 100)):
        with Proc(["ktls-connect", *words], proc.environment(KTLS_FD=0)) as ours:
            tap.equal(ours.wait(), code, f"ktls-connect {words}: exit code", ours.stderr)
    for value, code in ((None, 100), ("x", 100), ("77", 97)):
        with Proc(["ktls-connect", "tls://a", "true"], proc.environment(KTLS_FD=value)) as ours:
            tap.equal(ours.wait(), code, f"KTLS_FD={value}: exit code", ours.stderr)


def many(_path):
    """Ten clients of one ktls-accept -c 2, all at once and each with a channel of its own."""
    port = free_port()
    server = 'ktls-accept -v 0 -c 2 "$1" sh -c "read line; echo \\$line" & server=$!; '
    one = 'ktls-connect "$2" sh -c "echo $i >&7; cat <&6" & all="$all $!"'
    clients = f"for i in 0 1 2 3 4 5 6 7 8 9; do {one}; done; wait $all; kill $server; wait"
    with init(f"{server} {TALK.format(':')}; {clients}", listen_url(port), connect_url(port)) as ours:
        got = ours.read().split()
        tap.equal(ours.wait(), 0, "ktls-accept -c 2: exit code", ours.stderr)
    tap.equal(sorted(got), [str(i).encode() for i in range(10)], "ktls-accept -c 2: ten answers", str(got))


LIST = """import os
open_now = [fd for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)]
path = os.environ["KTLS_PATH"].split("/")[-1]
os.write(2, " ".join(["fds", os.environ["KTLS_FD"], path, *open_now, "\\n"]).encode())
"""


def descriptors(_path):
    """The connection, the standard ones, and the two ways to the service."""
    for program, wanted in (("ktls-connect", {"0", "1", "2", "6", "7"}), ("ktls-accept", {"0", "1", "2"})):
        port, lister = free_port(), proc.temp("list")
        with open(lister, "w") as f:
            f.write(LIST)
        ends = [f"exec python3 {lister}", "cat <&6 >/dev/null"]
        script = ONCE.format(*(ends if program == "ktls-accept" else ("read line", ends[0])))
        with init(script.replace(" 2>/dev/null", ""), listen_url(port), connect_url(port)) as ours:
            ours.read()
            channel, path, *numbers = re.search(r"^fds (.*) $", ours.stderr(), re.M).group(1).split()
            tap.equal(set(numbers), wanted | {channel, path}, f"{program}: prog's descriptors", ours.stderr)


def python(_path):
    """The example in the documentation, against itself."""
    port = free_port()
    script = ('python3 "$3" echo "$1" >&2 & server=$!; '
              'until python3 "$3" get "$2" localhost 2>/dev/null; do sleep 0.1; done; kill $server; wait')
    with init(script, listen_url(port), connect_url(port), EXAMPLE) as ours:
        tap.equal(ours.read(), b"GET / HTTP/1.0\r\n", "Python: the first line comes back", ours.stderr)


ALL = (both_ends, server_sees, stale_entries, refusals, many, descriptors, python)


def bound(path):
    return tap.bound(ALL, path)
