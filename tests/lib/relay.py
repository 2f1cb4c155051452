"""What stands between prog and the connection: what it does, has and costs."""

import os
import re
import shutil
import signal
import subprocess

import outside
import pki
import proc
import strace
import tap
from peers import BOTH, Tls, context, tcp_pair, tlsd
from proc import Proc

HTTPD = os.path.join(proc.LIB, "httpd")
COPY = os.path.join(proc.LIB, "copy-and-wait")
MEGABYTE = os.urandom(1 << 20)
COPIED = 30_000  # both ways without anybody's reading
IDLE = 50
PSS_KIB = {"musl": 32, "glibc": 64}


def engine_of(ours):
    """The relay's engine, a child of prog."""

    def find():
        return [pid for pid, what in proc.descendants(ours.pid).items() if what[1] == "ktls-relay"]

    return proc.await_true(find, "the engine")[0]


def linked_with():
    """The libc of the programs under test."""
    needed = subprocess.run(["readelf", "-p", ".comment", proc.TLSD], capture_output=True, text=True)
    with open(proc.TLSD, "rb") as f:
        return "glibc" if b"glibc" in f.read() else "musl" if needed.returncode == 0 else "unknown"


# ---- programs that know nothing of TLS ----


def s_client(port, version, send):
    argv = outside.s_client(port, version, "-quiet", "-no_ign_eof")
    with Proc(argv, None, {0: "pipe", 1: "pipe"}) as client:
        client.write(send)
        got = client.read(until=re.escape(send))
        client.close()
        return got + client.read()


def check_silent(server, name):
    tap.equal(server.proc.stderr(), "", f"{name}: not a word on stderr")


def cat(mode):
    for version in BOTH:
        with outside.tlsd_server(["-m", mode], ["cat"]) as server:
            got = s_client(server.port, version, b"a line\n")
            tap.equal(got, b"a line\n", f"cat, TLS {version}: s_client")
            check_silent(server, f"cat, TLS {version}")


def shell(mode):
    for version in BOTH:
        with outside.tlsd_server(["-m", mode], ["sh", "-c", "read line; echo $line"]) as server:
            got = s_client(server.port, version, b"a line\n")
            tap.equal(got, b"a line\n", f"sh, TLS {version}: s_client")
            check_silent(server, f"sh, TLS {version}")


def tar(mode):
    directory = proc.temp("files")
    os.mkdir(directory)
    with open(os.path.join(directory, "file"), "wb") as f:
        f.write(MEGABYTE)
    for version in BOTH:
        with outside.tlsd_server(["-m", mode], ["tar", "-cf", "-", "-C", directory, "file"]) as server:
            argv = outside.s_client(server.port, version, "-quiet")
            with Proc(argv, None, {0: "pipe", 1: "pipe"}) as client:
                archive = client.read()
            got = subprocess.run(["tar", "-xOf", "-"], input=archive, capture_output=True)
            tap.ok(got.stdout == MEGABYTE, f"tar, TLS {version}: all of it, and its end", got.stderr)
            check_silent(server, f"tar, TLS {version}")


UNTIL_THE_END = (
    "sh",
    "-c",
    r'while read -r line && test ${#line} -gt 1; do :; done; printf "HTTP/1.0 200 OK\r\n\r\nhello over $SSL_PROTOCOL"',
)


def wget(mode):
    """A reply that only its end ends: a client that does not trust a bare FIN fetches it once."""
    if not shutil.which("wget"):
        return tap.skip("wget", "not installed")
    for version in BOTH:
        with outside.tlsd_server(["-m", mode, "-t", version], UNTIL_THE_END) as server:
            argv = ["wget", "-q", "-O", "-", "--tries=1", f"--ca-certificate={pki.ca()}"]
            with Proc([*argv, f"https://localhost:{server.port}/"], None, {1: "pipe"}) as client:
                got = client.read()
                tap.equal(client.wait(), 0, f"wget, TLS {version}: is content", client.stderr)
            tap.ok(got.startswith(b"hello over TLSv" + version.encode()), f"wget, TLS {version}: the page", got)
            check_silent(server, f"wget, TLS {version}")


def keepalive(mode):
    """The kernel asks whether a silent peer is still there."""
    for version in BOTH:
        ours, tls = _connect(mode, version)
        with ours, tls.sock:
            tls.write(b"a line\n")
            tls.read()
            ports = "%04X" % tls.sock.getpeername()[1], "%04X" % tls.sock.getsockname()[1]
            waits = proc.await_true(lambda: timer_of(ports) == "02", "the keepalive timer")
            tap.ok(waits, f"TLS {version}: the connection has a keepalive timer")


def timer_of(ports):
    """Of a TCP connection, as /proc/net/tcp has it."""
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f]
    return next((row[5][:2] for row in rows if (row[1][-4:], row[2][-4:]) == ports), None)


def http(mode):
    for version in BOTH:
        with outside.tlsd_server(["-m", mode], [HTTPD]) as server:
            where = ["--resolve", f"localhost:{server.port}:127.0.0.1", f"https://localhost:{server.port}/"]
            argv = ["curl", "-sS", "--cacert", pki.ca(), "--tlsv" + version, "--tls-max", version, *where]
            with Proc(argv, None, {1: "pipe"}) as curl:
                got = curl.read()
                tap.equal(curl.wait(), 0, f"HTTP/1.0, TLS {version}: curl is content", curl.stderr)
            tap.ok(got.startswith(b"hello over TLSv" + version.encode()), f"HTTP/1.0, TLS {version}: the page")
            check_silent(server, f"HTTP/1.0, TLS {version}")


# ---- what the engine asks of the kernel ----


def _connect(mode, version, prog=("cat",), wrapper=()):
    a, b = tcp_pair()
    ours = tlsd(b, ["-m", mode], prog, wrapper=wrapper)
    tls = Tls(a, context(version=version))
    tls.handshake()
    return ours, tls


@tap.looks_inside
def idle(mode):
    """strace sees the one call in which the engine waits, and no other."""
    for version in BOTH:
        ours, tls = _connect(mode, version)
        with ours, tls.sock:
            tls.write(b"a line\n")
            tap.equal(tls.read(), b"a line\n", f"TLS {version}: before the pause")
            engine = engine_of(ours)
            await_rest([engine])
            log = proc.temp("strace")
            with Proc(["strace", "-o", log, "-p", str(engine)]) as trace:
                proc.await_true(lambda: "attached" in trace.stderr(), "strace")
                with Proc(["sleep", "2"]) as pause:
                    pause.wait()
                os.kill(trace.pid, signal.SIGINT)
                trace.wait()
            with open(log) as f:
                calls = [line for line in f if "(" in line and "detached" not in line]
            tap.ok(len(calls) <= 1 and all("-1" in c for c in calls), f"TLS {version}: idle", "".join(calls))


def switches(pid):
    """How often it has gone to sleep."""
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M).group(1))


def await_rest(engines):
    """Until they have slept for longer than they do before they give memory back."""
    before = None
    for _ in range(20):
        now = [switches(engine) for engine in engines]
        if now == before:
            return
        before = now
        with Proc(["sleep", "2"]) as pause:
            pause.wait()
    raise proc.Timeout("the engines do not come to rest")


# ---- what the engine has ----


@tap.looks_inside
def memory(mode):
    """Many engines of connections that have carried data and are idle now."""
    limit = PSS_KIB[linked_with()]
    connections = [_connect(mode, BOTH[i % 2]) for i in range(IDLE)]
    try:
        for _, tls in connections:
            tls.write(MEGABYTE[:100_000])
            tls.read_exactly(100_000)
        engines = [engine_of(ours) for ours, _ in connections]
        await_rest(engines)
        sizes = [pss_kib(engine) for engine in engines]
        tap.ok(max(sizes) <= limit, f"{IDLE} idle engines have at most {limit} KiB each", str(sizes))
        tap.diag(f"{linked_with()}: {max(sizes)} KiB")
    finally:
        for ours, tls in connections:
            tls.sock.close()
            ours.end()


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(r"^Pss: +(\d+) kB", f.read(), re.M).group(1))


@tap.looks_inside
def possessions(mode):
    """Of prog's descriptors and environment none is the engine's business, and
    the engine has its four, stderr, and nothing of the handshake."""
    ours, tls = _connect(mode, "1.3")
    with ours, tls.sock:
        tls.write(b"a line\n")
        tls.read()
        engine = engine_of(ours)
        links = {fd: os.readlink(f"/proc/{ours.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{ours.pid}/fd")}
        tap.equal(sorted(links), ["0", "1", "2"], "prog has three descriptors", str(links))
        tap.ok(all(links[n].startswith("pipe:") for n in "01"), "two of them are pipes", str(links))
        own = {fd: os.readlink(f"/proc/{engine}/fd/{fd}") for fd in os.listdir(f"/proc/{engine}/fd")}
        kinds = sorted(where.split(":")[0] for fd, where in own.items() if fd != "2")
        tap.equal(kinds, ["pipe", "pipe", "socket", "socket"], "the engine has prog's pipes and the socket")
        tap.equal(os.readlink(f"/proc/{engine}/cwd"), "/", "the engine's directory is the root")
        with open(f"/proc/{ours.pid}/environ", "rb") as f:
            names = {entry.split(b"=")[0] for entry in f.read().split(b"\0")}
        known = {name.encode() for name in proc.environment()} | {b""}
        more = {name for name in names - known if not name.startswith(b"SSL_")}
        tap.equal(more, set(), "prog's environment has nothing of the relay")


def code(_mode):
    """No handshake, and no private key's arithmetic, is in the engine's image."""
    with open(os.path.join(proc.BIN, "ktls-relay"), "rb") as f:
        image = f.read()
    with open(proc.TLSD, "rb") as f:
        handshake = f.read()
    for words in (b"c hs traffic", b"extended master secret", b"-----BEGIN"):
        tap.ok(words in handshake, f"{words.decode()}: is in ktls-tlsd")
        tap.ok(words not in image, f"{words.decode()}: is not in ktls-relay")


def no_copies(mode):
    """Of a megabyte each way not a byte passes through the engine's memory."""
    for version in BOTH if proc.kernel_can_rekey() else ("1.2",):
        trace = strace.Strace("recvmsg", "sendmsg", "splice")
        ours, tls = _connect(mode, version, (COPY,), trace.wrapper)
        with ours, tls.sock:
            tls.write(MEGABYTE[:COPIED])
            tap.ok(tls.read_exactly(COPIED) == MEGABYTE[:COPIED], f"TLS {version}: {COPIED} bytes each way")
            tls.close_notify(fin=True)
            ours.wait()
        tap.equal(moved(trace, "splice"), 2 * COPIED, f"TLS {version}: by splice")
        other = moved(trace, "recvmsg", "sendmsg")
        tap.ok(other < 1024, f"TLS {version}: records besides are few and small", str(other))


def moved(trace, *names):
    """Bytes, by what the calls gave."""
    given = [re.search(r"= (\d+)$", rest) for call, rest in trace.calls() if call in names]
    return sum(int(m.group(1)) for m in given if m)


USER_SPACE = (cat, shell, tar, http, wget, keepalive, idle, possessions)
KERNEL = (*USER_SPACE, no_copies)
IMAGE = (memory, code)


def bound(functions, mode):
    return tap.bound(functions, mode)
