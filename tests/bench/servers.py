"""The servers that are measured, as far as they are installed."""

import os
import resource
import shutil
import socket
import threading

import peers
import pki
import proc
import visits
from meter import Meter, tcpserver, wait_for

GET = b"GET / HTTP/1.0\r\n\r\n"
UID = "65533"


class Server:
    """visit makes a callable that makes connections, for each start of the server anew."""

    def __init__(self, name, argv, visit, env=None, port=None, filtered=False, daemon=False):
        self.name, self.argv, self.visit, self.port = name, argv, visit, port
        self.env = env or proc.environment()
        self.filtered, self.daemon = filtered, daemon

    def start(self, wrapper=()):
        meter = Meter([*wrapper, *self.argv], self.env, self.port, self.filtered, self.daemon)
        try:
            wait_for(meter.port)
        except proc.Timeout as e:
            raise self.failure(meter, e) from e
        return meter

    @staticmethod
    def failure(meter, e):
        with open(meter.errors) as f:
            return RuntimeError(f"{e} {f.read().strip()[:200]}".strip())

    def run(self, connections, wrapper=()):
        """CPU milliseconds, user and system, of all of the server's processes, from its start to its end."""
        meter, visit = self.start(wrapper), self.visit()
        try:
            for _ in range(connections):
                visit(meter.port)
        except (OSError, RuntimeError) as e:
            meter.stop()
            raise self.failure(meter, e) from e
        return sum(meter.stop())

    def sample(self, count):
        """CPU milliseconds for one connection. The start of the server and its first connection do not count."""
        return (self.run(count + 1) - self.run(1)) / count


class AtOnce(Server):
    """All connections of one visit are open at once."""

    def sample(self, count):
        """CPU milliseconds for one of them."""
        return (self.run(1) - self.run(0)) / self.visit().size


def ours(build, name, mode, visit, options=(), uid=False, prog=None, cert="ec256", **env):
    """ktls-tlsd of a build. In a kernel without TLS answer.py makes -m kernel possible."""
    changes = {"CERTFILE": pki.crt(cert), "KEYFILE": pki.key(cert), **env}
    if uid:
        changes.update(TLS_UID=UID, TLS_GID=UID)
    argv = tcpserver(build.program("ktls-tlsd"), "-m", mode, *options, prog or build.prog)
    filtered = mode == "kernel" and not build.has_tls
    return Server(build.label + name, argv, visit, proc.environment(**changes), None, filtered)


def base(prog):
    return Server("tcpserver prog", tcpserver(prog), lambda: visits.plain)


def combined(cert):
    """A file of key and certificate."""
    path = proc.temp(cert + ".pem")
    with open(path, "w") as out:
        for part in (pki.key(cert), pki.crt(cert)):
            with open(part) as f:
                out.write(f.read())
    return path


class Backend:
    """Where a proxy's connections end: at once, or when the other side ends them."""

    def __init__(self, hold):
        self.listener, self.held, self.hold = socket.create_server(("127.0.0.1", 0), backlog=1024), [], hold
        threading.Thread(target=self._serve, daemon=True).start()

    def port(self):
        return self.listener.getsockname()[1]

    def _serve(self):
        while True:
            connection = self.listener.accept()[0]
            self.held.append(connection) if self.hold else connection.close()


def nginx(cert, version, prog, hold):
    folder, port = proc.temp("nginx"), peers.free_port()
    os.mkdir(folder)
    path = os.path.join(folder, "conf")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    with open(path, "w") as f:
        f.write(
            f"daemon off; master_process off; pid {folder}/pid; error_log stderr crit;\n"
            f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; {temporary}\n"
            f"server {{ listen 127.0.0.1:{port} ssl backlog=4096; return 444; ssl_certificate {pki.crt(cert)};\n"
            f"ssl_certificate_key {pki.key(cert)}; ssl_protocols TLSv{version}; }} }}\n"
        )
    return ["nginx", "-e", "stderr", "-p", folder, "-c", path], port


def haproxy(cert, version, prog, hold):
    port, path = peers.free_port(), proc.temp("haproxy.conf")
    with open(path, "w") as f:
        f.write(
            "global\n nbthread 1\n tune.ssl.default-dh-param 2048\ndefaults\n mode http\n timeout client 60s\n"
            f"frontend bench\n bind 127.0.0.1:{port} ssl crt {combined(cert)} ssl-min-ver TLSv{version}"
            f" ssl-max-ver TLSv{version}\n http-request return status 204\n"
        )
    return ["haproxy", "-db", "-q", "-f", path], port


def hitch(cert, version, prog, hold):
    port, path, backend = peers.free_port(), proc.temp("hitch.conf"), Backend(hold)
    with open(path, "w") as f:
        f.write(
            f'frontend = "[127.0.0.1]:{port}"\nbackend = "[127.0.0.1]:{backend.port()}"\nworkers = 1\n'
            f'pem-file = "{combined(cert)}"\ntls-protos = TLSv{version}\nquiet = on\nocsp-dir = ""\ndaemon = off\n'
            f'user = "nobody"\n'
        )
    return ["hitch", f"--config={path}"], port


def stunnel(cert, version, prog, hold):
    port, path = peers.free_port(), proc.temp("stunnel.conf")
    with open(path, "w") as f:
        f.write(
            f"foreground = yes\npid =\nsyslog = no\ndebug = 0\n[bench]\naccept = 127.0.0.1:{port}\n"
            f"cert = {pki.crt(cert)}\nkey = {pki.key(cert)}\nexec = {prog}\nexecArgs = prog\n"
            f"sslVersionMin = TLSv{version}\nsslVersionMax = TLSv{version}\n"
        )
    return ["stunnel", path], port


def tlswrapper(cert, version, prog, hold):
    return tcpserver("tlswrapper", "-q", "-f", combined(cert), prog), None


def s6_tlsd(cert, version, prog, hold):
    return tcpserver("s6-tlsd", prog), None


# name, command, versions, whether it waits for a request, whether it is a daemon
PEERS = (
    ("nginx", nginx, ("1.2", "1.3"), GET, True),
    ("haproxy", haproxy, ("1.2", "1.3"), GET, True),
    ("hitch", hitch, ("1.2", "1.3"), b"", True),
    ("stunnel", stunnel, ("1.2", "1.3"), b"", False),
    ("tlswrapper", tlswrapper, ("1.2",), b"", False),
    ("s6-tlsd", s6_tlsd, ("1.2",), b"", False),
)


def others(cert, version, prog, resumed=False, hold=False):
    """Those of PEERS that are installed and speak the version."""
    for name, command, versions, request, daemon in PEERS:
        if version not in versions or not shutil.which(name):
            continue
        argv, port = command(cert, version, prog, hold)
        env = proc.environment(CERTFILE=pki.crt(cert), KEYFILE=pki.key(cert))
        label = name + (", resumed" if resumed else "")
        yield Server(label, argv, visitor(version, resumed, request), env, port, daemon=daemon)


def is_daemon(name):
    """Whether the server of this name starts nothing for a connection."""
    return any(name.startswith(peer) and daemon for peer, _, _, _, daemon in PEERS)


def visitor(version, resumed=False, request=b""):
    return lambda: visits.Tls(version, resumed, request)


def missing():
    return [name for name, *_ in PEERS if not shutil.which(name)]


def many_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
