"""Tests of the socket service's requests, over the path that ktls-init -l makes."""

import errno
import os
import shutil
import socket
import threading

import namespaces
import peers
import pki
import proc
import service
import tap
from service import Err, Init, clock, dial, good, url

PATH = "kernel" if proc.kernel_has_tls() else "user"


class Server:
    """A TLS server of Python's on a port of its own; it sends back what it gets."""

    def __init__(self, cert="ec256", host="127.0.0.1", count=1, **context):
        self.listener = socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        self.port = self.listener.getsockname()[1]
        self.context = peers.context(server=True, cert=cert, **context)
        self.thread = threading.Thread(target=self._serve, args=[count], daemon=True)
        self.thread.start()

    def _serve(self, count):
        for _ in range(count):
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[sock], daemon=True).start()

    def _answer(self, sock):
        sock.settimeout(proc.LIMIT)
        try:
            with self.context.wrap_socket(sock, server_side=True) as tls:
                tls.sendall(tls.recv(4096))
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(proc.LIMIT)
        self.listener.close()


def works(sock, peer=None):
    """What is written comes back, or comes out at the other end and back."""
    with sock:
        sock.sendall(b"hello")
        if peer:
            got = peer.recv(5)
            peer.sendall(got)
        return sock.recv(5) == b"hello"


def listen(channel, base="tls://127.0.0.1", **parameters):
    """A listener of the service, which is up: its URL and port."""
    port = peers.free_port()
    wanted = url(f"{base}:{port}", **parameters)
    channel.listen(wanted)
    await_listener(channel)
    return wanted, port


def await_listener(channel):
    """What comes behind ACCEPT waits for it."""
    nothing = "tcp://192.0.2.1:1"
    assert channel.refused("CLOSE", nothing)


def tls_client(port, name="localhost", **context):
    sock = dial(port)
    sock.settimeout(proc.LIMIT)
    return peers.context(**context).wrap_socket(sock, server_hostname=name)


# ---- what can be asked for ----


def facts():
    with Init() as init:
        channel = init.channel()
        with Server(alpn=["h2", "x"]) as server:
            wanted = url(f"tls://localhost:{server.port}", alpn="y,h2", id="a.1")
            sock, got = channel.connect(wanted)
            tap.ok(works(sock), "CONNECT: a connection that works")
        peer = pki.fingerprint("ec256")
        wanted_facts = {
            "id": "a.1",
            "remote": f"127.0.0.1:{server.port}",
            "protocol": "TLSv1.3",
            "path": PATH,
            "peer": f"SHA256:{peer}",
            "sni": "localhost",
            "alpn": "h2",
            "subject": "CN=localhost",
        }
        tap.equal({name: got.get(name) for name in wanted_facts}, wanted_facts, "what was negotiated")
        tap.ok(got["cipher"].startswith("TLS_"), got["cipher"])
        wanted, port = listen(channel, **good(tls="1.2", alpn="h2", id="b"))
        with tls_client(port, alpn=["h2"]) as tls:
            near = tls.getsockname()[1]
            sock, got = channel.accept(wanted)
            tap.ok(works(sock, tls), "ACCEPT: a connection that works")
        tap.equal(
            [got.get(name) for name in ("id", "remote", "protocol", "path", "sni", "alpn", "peer")],
            ["b", f"127.0.0.1:{near}", "TLSv1.2", PATH, "localhost", "h2", None],
            "what was negotiated with a client",
        )


def plain():
    with Init() as init:
        channel = init.channel()
        for base in ("tcp://127.0.0.1", "tcp://localhost", *(["tcp://[::1]"] if has_ipv6() else [])):
            wanted, port = listen(channel, base)
            near, _ = init.channel().connect(f"{base}:{port}")
            far, got = channel.accept(wanted)
            tap.ok(got["remote"].endswith(f":{near.getsockname()[1]}"), f"from {got['remote']}")
            tap.ok(
                far.getpeername() == near.getsockname() and works(near, far), f"{base}: ACCEPT and CONNECT"
            )
            tap.equal(channel.ask("CLOSE", wanted), (None, {}), "CLOSE")
            tap.equal(
                channel.refused("CONNECT", f"{base}:{port}"),
                "connecting: Connection refused",
                "nobody is there then",
            )
        for _ in range(20):
            wanted, port = listen(channel, "tcp://127.0.0.1")
            channel.ask("CLOSE", wanted)
            tries = [socket.socket().connect_ex(("127.0.0.1", port)) for _ in range(2)]
            if tries != 2 * [errno.ECONNREFUSED]:
                break
        tap.equal(tries, 2 * [errno.ECONNREFUSED], "nor at once behind a CLOSE")
        path = proc.temp("socket")
        for _ in range(2):
            wanted = url("unix:" + path, id="u")
            channel.listen(wanted)
            await_listener(channel)
            near, _ = init.channel().connect(wanted)
            far, got = channel.accept(wanted)
            tap.ok(works(near, far) and got == {"id": "u"}, "unix: ACCEPT and CONNECT", str(got))
            channel.ask("CLOSE", wanted)
        channel.listen(wanted)
        await_listener(channel)
        why = init.channel().refused("ACCEPT", wanted)
        tap.ok(why.startswith("listening: ") and why.endswith("in use"), "a path that is taken", why)
        path = proc.temp("file")
        open(path, "w").close()
        why = init.channel().refused("ACCEPT", url("unix:" + path))
        tap.ok(why.endswith("in use") and os.path.isfile(path), "a file is not replaced by a socket", why)


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


def names_and_certificates():
    with Init() as init:
        channel = init.channel()

        def outcome(cert="ec256", **parameters):
            with Server(cert) as server:
                try:
                    sock, _ = channel.connect(url(f"tls://127.0.0.1:{server.port}", **parameters))
                    return works(sock)
                except Err as e:
                    return e.reason

        tap.equal(outcome(), True, "an address that is in the certificate")
        tap.equal(outcome(sni="example.test"), True, "sni=: another name of the certificate")
        for cert, parameters in (
            ("ec256", {"sni": "other.test"}),
            ("wrongname", {}),
            ("selfsigned", {}),
            ("expired", {}),
            ("ec256", {"ca": pki.ca("ca-rsa")}),
        ):
            reason = outcome(cert, **parameters)
            tap.ok(str(reason).startswith("TLS handshake: "), f"{cert} {list(parameters)}: {reason}")
        tap.equal(outcome("rsa", ca=pki.ca("ca-rsa")), True, "ca=")
        tap.equal(outcome("wrongname", verify=0), True, "verify=0")
        tap.equal(
            outcome(ca="/nonexistent"), "/nonexistent: No such file or directory", "ca= that is not there"
        )
        reason = outcome(ciphers="NONE")
        tap.ok("ciphers" in str(reason), reason)
        reason = outcome(tls="1.2", ciphers="TLS_AES_128_GCM_SHA256")
        tap.ok("ciphers" in str(reason), reason)


def client_certificates():
    with Init() as init:
        channel = init.channel()
        cert = {"cert": pki.crt("client-ec"), "key": pki.key("client-ec")}
        for need in ("request", "require"):
            wanted, port = listen(channel, **good(clientcert=need, ca=pki.ca()))
            other = init.channel()
            near, _ = other.connect(url(f"tls://127.0.0.1:{port}", **cert))
            far, got = channel.accept(wanted)
            tap.ok(
                works(near, far) and got["peer"] == f"SHA256:{pki.fingerprint('client-ec')}",
                f"clientcert={need}",
            )
            other.send(f"CONNECT tls://127.0.0.1:{port}?tls=1.2")
            try:
                sock, got = channel.accept(wanted)
                sock.close()
                tap.ok(
                    need == "request" and "peer" not in got, "none shown: the connection comes without peer"
                )
            except Err as e:
                tap.ok(need == "require" and "remote" in e.facts, f"none shown: {e.reason}")
            channel.ask("CLOSE", wanted)
        tap.equal(
            init_without_ca(),
            "clientcert needs ca",
            "clientcert= without ca=, and CAFILE is not set",
        )


def init_without_ca():
    with Init(env={"CAFILE": None}) as init:
        return init.channel().refused("ACCEPT", url("tls://127.0.0.1:1", **good(clientcert="require")))


def exporters():
    with Init() as init:
        one, other = init.channel(), init.channel()
        for version in ("1.2", "1.3"):
            wanted, port = listen(one, **good(tls=version, exporter="EXPORTER-of a test:48"))
            near, at_client = other.connect(url(f"tls://127.0.0.1:{port}", exporter="EXPORTER-of a test:48"))
            far, at_server = one.accept(wanted)
            near.close(), far.close()
            tap.ok(
                at_client["exporter"] == at_server["exporter"]
                and len(bytes.fromhex(at_client["exporter"])) == 48,
                f"TLS {version}: both ends have the same keying material",
            )
            one.ask("CLOSE", wanted)
        wanted, port = listen(one, **good())
        reason = other.refused("CONNECT", url(f"tls://127.0.0.1:{port}", exporter="master secret:48"))
        tap.ok("exporter" in reason, reason)


def paths():
    with Init() as init:
        channel = init.channel()
        for version in ("1.2", "1.3"):
            with Server(count=2) as server:
                base = f"tls://127.0.0.1:{server.port}"
                sock, got = channel.connect(url(base, path="relay", tls=version))
                tap.ok(
                    works(sock) and got["path"] == "user", f"TLS {version}, path=relay: path={got['path']}"
                )
                if PATH == "kernel":
                    sock, got = channel.connect(url(base, path="kernel", tls=version))
                    tap.ok(works(sock) and got["path"] == "kernel", f"TLS {version}, path=kernel")
                else:
                    reason = channel.refused("CONNECT", url(base, path="kernel", tls=version))
                    tap.ok("path=kernel" in reason, reason)


# ---- many at a time ----


def in_flight():
    """A slow one holds up nobody; replies say whose they are."""
    count = 20
    with Init() as init, socket.create_server(("127.0.0.1", 0)) as silent, Server(count=count, tickets=0) as server:
        channel = init.channel()
        silent_one = f"tls://127.0.0.1:{silent.getsockname()[1]}"
        channel.send("CONNECT " + url(silent_one, timeout=600000, id="slow"))
        for i in range(count):
            channel.send("CONNECT " + url(f"tls://127.0.0.1:{server.port}", id=f"n{i}"))
        seen = []
        for _ in range(count):
            line, sock = channel.packet()
            seen.append(line.split(" ")[3])
            if sock:
                sock.settimeout(proc.LIMIT)
                works(sock)
        tap.equal(sorted(seen), sorted(f"id=n{i}" for i in range(count)), "each reply has its id")
        begin = clock()
        try:
            channel.connect(url(silent_one, timeout=1000, id="brief"))
            tap.ok(False, "a silent server")
        except Err as e:
            tap.equal((e.facts.get("id"), e.reason), ("brief", "TLS handshake: timed out"), "a silent server")
        took = clock() - begin
        tap.ok(took >= 0.9, f"its time is over after {took:.2f} s")


def with_resolver(script):
    """A copy of ktls-init, which looks names up with this script of sh."""
    folder = proc.temp("bin")
    os.mkdir(folder)
    os.chmod(proc.TMP, 0o711)  # names are not looked up by root
    with open(os.path.join(folder, "ktls-resolve"), "w") as f:
        f.write("#!/bin/sh\n" + script + "\n")
    os.chmod(f.name, 0o755)
    return shutil.copy(service.INIT, folder)


def on_one_port(first, second):
    """Sockets of both addresses on a port that is free at each."""
    while True:
        a, b = socket.socket(), socket.socket()
        a.bind((first, 0))
        try:
            b.bind((second, a.getsockname()[1]))
            return a, b
        except OSError:
            a.close()
            b.close()


def race():
    """Of two addresses the one that does not answer costs a quarter of a second,
    and one that refuses costs nothing."""
    copy = with_resolver(
        'case $1 in slow.test) exec sleep 1000;; none.test) echo "no such luck";; '
        "*) echo 127.0.0.2; echo 127.0.0.1; esac"
    )
    full, good_one = on_one_port("127.0.0.2", "127.0.0.1")
    port = full.getsockname()[1]
    with full, good_one:
        full.listen(0)
        held = [socket.socket() for _ in range(3)]
        for sock in held:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.2", port))
        good_one.listen()
        with Init(program=copy) as init:
            channel = init.channel()
            begin = clock()
            sock, got = channel.connect(f"tcp://two.test:{port}")
            took = clock() - begin
            tap.equal(got["remote"], f"127.0.0.1:{port}", "the address that answers wins")
            tap.ok(0.2 < took, f"after {took:.2f} s")
            tap.equal(
                channel.refused("CONNECT", f"tcp://none.test:{port}"), "none.test: no such luck", "no address"
            )
            reason = channel.refused("CONNECT", f"tcp://slow.test:{port}?timeout=300")
            tap.ok("timed out" in reason, f"a resolver that hangs: {reason}")
            full.close()
            is_faster = lambda: seconds_to_connect(channel, f"tcp://two.test:{port}") < took - 0.15
            tap.ok(any(is_faster() for _ in range(20)), "one that refuses costs nothing")
        for sock in held:
            sock.close()


def no_resolver():
    """Why a name has no address is said by name, also where nothing could look it up."""
    copy = with_resolver("exit 1")
    resolver = os.path.join(os.path.dirname(copy), "ktls-resolve")

    def reason():
        with Init(program=copy, env={"PATH": "/usr/bin:/bin"}) as init:
            return init.channel().refused("CONNECT", "tcp://a.test:1")

    tap.equal(reason(), "a.test: ktls-resolve gave neither an address nor a reason", "a resolver that is silent")
    os.chmod(resolver, 0o644)
    tap.equal(reason(), "a.test: ktls-resolve cannot be executed: Permission denied", "one that is not executable")
    os.remove(resolver)
    tap.equal(reason(), "a.test: ktls-resolve cannot be executed: No such file or directory", "none")


def seconds_to_connect(channel, wanted):
    begin = clock()
    channel.connect(wanted)[0].close()
    return clock() - begin


@namespaces.needed("--net")
def no_self_connections():
    """Where the kernel has few ports to choose from, it chooses the one that is
    asked for."""
    script = 'ip link set lo up && echo 40000 40003 >/proc/sys/net/ipv4/ip_local_port_range && exec "$@"'
    with Init(wrapper=[*namespaces.unshare("--net"), "sh", "-c", script, "sh"]) as init:
        channel = init.channel()
        reasons = {channel.refused("CONNECT", "tcp://127.0.0.1:40002") for _ in range(40)}
        tap.equal(reasons, {"connecting: Connection refused"}, "nobody is connected with himself")


ALL = [
    facts,
    plain,
    names_and_certificates,
    client_certificates,
    exporters,
    paths,
    in_flight,
    race,
    no_resolver,
    no_self_connections,
]
