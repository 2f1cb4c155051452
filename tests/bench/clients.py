"""Clients that are measured: their CPU time for one connection to one and the same server."""

import fcntl
import os
import shutil
import socket
import subprocess

import answer
import peers
import pki
import proc
from meter import wait_for


class Client:
    """Its words, started with the connection on the descriptors 6 and 7, or connecting on its own."""

    def __init__(self, name, argv, port, connected=False, filtered=False, **env):
        self.name, self.argv, self.port = name, argv, port
        self.connected, self.filtered, self.env = connected, filtered, proc.environment(**env)

    def sample(self, count):
        """CPU milliseconds for one connection. A process of its own starts the clients, for the filter's sake."""
        report, theirs = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                if self.filtered:
                    answer.for_kernel()
                os.write(theirs, b"%d" % (1e6 * sum(self._once() for _ in range(count)) / count))
            finally:
                os._exit(0)
        os.close(theirs)
        with open(report) as f:
            answered = f.read()
        os.waitpid(pid, 0)
        if not answered:
            raise RuntimeError(f"{self.argv[0]} failed")
        return int(answered) / 1e6

    def _once(self):
        actions = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
        with socket.socket() as s:
            if self.connected:
                s.connect(("127.0.0.1", self.port))
                high = fcntl.fcntl(s.fileno(), fcntl.F_DUPFD_CLOEXEC, 100)
                actions += [(os.POSIX_SPAWN_DUP2, high, 6), (os.POSIX_SPAWN_DUP2, high, 7)]
            pid = os.posix_spawn(shutil.which(self.argv[0]), self.argv, self.env, file_actions=actions)
            _, status, used = os.wait4(pid, 0)
            if self.connected:
                os.close(high)
        if status:
            raise RuntimeError(f"{self.argv[0]} failed")
        return (used.ru_utime + used.ru_stime) * 1000


class Peer:
    """openssl s_server, which any of these clients can talk to."""

    def __init__(self, version, cert="ec256"):
        self.port = peers.free_port()
        self.process = proc.Proc(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-tls" + version.replace(".", "_")]
            + ["-cert", pki.crt(cert), "-key", pki.key(cert), "-www", "-quiet"]
        )

    def __enter__(self):
        wait_for(self.port)
        return self

    def __exit__(self, *_):
        self.process.end()


def roots(number):
    """A file with so many certificates, that of the peer's authority in the middle."""
    path = proc.temp(f"roots-{number}.pem")
    other = proc.temp("root.key")
    generate = ["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", other]
    subprocess.run(generate, check=True, capture_output=True)
    with open(path, "w") as out:
        for i in range(number):
            if i == number // 2:
                with open(pki.ca("ca-ec")) as f:
                    out.write(f.read())
                continue
            command = ["openssl", "req", "-x509", "-new", "-key", other, "-days", "9000"]
            subject = ["-subj", f"/C=US/O=Another Certification Authority {i}/CN=Another Root Certificate G{i}"]
            made = subprocess.run([*command, *subject], check=True, capture_output=True, text=True)
            out.write(made.stdout)
    return path


def those_here(builds, version, port, roots_by_number, prog):
    """All that are installed, with each file of roots."""
    yield Client("prog, connected", [prog], port, True)
    for number, path in roots_by_number.items():
        label = f", {number} root" + ("s" if number > 1 else "")
        for build in builds:
            tlsc = [build.program("ktls-tlsc"), "-t", version, "-k", "localhost"]
            kernel = [*tlsc, "-m", "kernel", prog]
            yield Client(
                f"{build.label}ktls-tlsc -m kernel{label}", kernel, port, True, not build.has_tls, CAFILE=path
            )
            yield Client(f"{build.label}ktls-tlsc -m user{label}", [*tlsc, "-m", "user", prog], port, True, CAFILE=path)
        yield from _others(version, port, path, label, prog)


def _others(version, port, path, label, prog):
    openssl = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", path, "-verify_return_error"]
    openssl += ["-no-CApath", "-no-CAstore", "-servername", "localhost", "-verify_hostname", "localhost", "-brief"]
    yield Client(f"openssl s_client{label}", openssl, port)
    if shutil.which("curl"):
        curl = ["curl", "-s", "--cacert", path, f"--tlsv{version}", "--tls-max", version, "-o", "/dev/null"]
        yield Client(f"curl{label}", [*curl, f"https://localhost:{port}/"], port)
    if shutil.which("s6-tlsc") and version == "1.2":
        yield Client(f"s6-tlsc{label}", ["s6-tlsc", "-k", "localhost", prog], port, True, CAFILE=path)
