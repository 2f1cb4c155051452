"""Whole command lines of other people's steps around ours: execline, s6,
ucspi-tcp. Each prog is the inspecting one, which tells what it was given."""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket

import pki
import proc
import prog
import tap
from peers import Tls, context
from proc import Proc

SERVER = "tcpserver -1RHl0 127.0.0.1 0"
IDS = [1001, 1002, [1002, 1003]]
APPLY = "s6-applyuidgid -u 1001 -g 1002 -G 1002,1003"


class Place:
    """What another uid can reach: programs, prog, a key of its own, reports."""

    def __init__(self):
        os.chmod(proc.TMP, 0o711)
        self.path = proc.temp("place")
        os.mkdir(self.path)
        os.chmod(self.path, 0o777)
        for name in ("ktls-tlsd", "ktls-tlsc", "ktls-relay", "ktls-tlsserver"):
            shutil.copy(os.path.join(proc.BIN, name), self.path)
        self.inspect = shutil.copy(prog.INSPECT, self.path)
        self.cert = shutil.copy(pki.crt("ec256"), self.path)
        self.key = shutil.copy(pki.key("ec256"), self.path)
        os.chmod(self.cert, 0o644)
        os.chmod(self.key, 0o600)
        self.report = os.path.join(self.path, "report")

    def environment(self, **more):
        path = f"{self.path}:{os.environ['PATH']}"
        names = {"CERTFILE": self.cert, "KEYFILE": self.key, "CAFILE": pki.ca(), "INSPECT": self.report}
        return proc.environment(**{"PATH": path, **names, **more})

    def seen(self):
        with open(self.report) as f:
            return json.load(f)


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), proc.LIMIT)
    tls = Tls(s, context())
    tls.handshake()
    return tls


@contextlib.contextmanager
def serve(place, line, **more):
    """A command line that prints its port first."""
    with Proc(shlex.split(line), place.environment(**more), {1: "pipe"}) as ours:
        yield ours, int(re.match(rb"(\d+)\n", ours.read(until=rb"\d+\n"))[1])


def check(place, name, mode, descriptors, ids=None):
    seen = place.seen()
    prog.check_descriptors(seen, descriptors, name)
    prog.check_removed(seen, (), name)
    path = seen["environment"].get("SSL_PATH")
    tap.equal(path, "kernel" if mode == "kernel" else "user", f"{name}: SSL_PATH")
    if mode == "kernel":
        protected = [seen["tx"][0], seen["rx"][0]]
        tap.equal(protected, [prog.TLS["1.3"]] * 2, f"{name}: prog's socket has the keys", str(seen))
    if ids:
        tap.equal(seen["ids"], ids, f"{name}: uid, gid and groups")


def check_server(place, name, mode, line, ids=None, **more):
    with serve(place, line, **more) as (ours, port):
        tls = connect(port)
        tap.equal(prog.echo(tls), prog.LINE, f"{name}: echo", ours.stderr)
        check(place, name, mode, [0, 1, 2], ids)
        tap.equal(ours.stderr(), "", f"{name}: nothing on stderr")


def servers(mode):
    place = Place()
    tlsd, inspect = f"ktls-tlsd -m {mode}", place.inspect
    check_server(place, "tcpserver", mode, f"{SERVER} {tlsd} {inspect}")
    script = f"{SERVER} {tlsd} importas -i v SSL_PROTOCOL if {{ eltest $v = TLSv1.3 }} {inspect}"
    check_server(place, "execline script", mode, shlex.join(["execlineb", "-Pc", script]))
    script = f"{tlsd} fdmove -c 7 1 fdmove -c 6 0 fdclose 6 fdclose 7 {inspect}"
    check_server(place, "execline within", mode, f"{SERVER} execlineb -Pc {shlex.quote(script)}")
    if os.geteuid():
        return tap.skip("chains that change the uid", "not root")
    check_server(
        place, "s6-applyuidgid behind ktls-tlsd", mode, f"{SERVER} {tlsd} {APPLY} {inspect}", IDS
    )
    ids = [0, 0, sorted(os.getgroups())]
    check_server(place, "ktls-tlsd as root", mode, f"{SERVER} {tlsd} {inspect}", ids)
    os.chown(place.key, *IDS[:2])
    check_server(
        place, "s6-applyuidgid in front of ktls-tlsd", mode, f"{SERVER} {APPLY} {tlsd} {inspect}", IDS
    )
    os.chown(place.key, 0, 0)
    line = f"s6-envuidgid nobody ktls-tlsserver --tcpserver=ucspi -1U -m {mode} 127.0.0.1 0 {inspect}"
    check_server(place, "s6-envuidgid ktls-tlsserver -U", mode, line, [65534, 65534, [65534]])


def check_client(place, name, mode, line, descriptors):
    argv = shlex.split(line)
    with Proc(argv, place.environment(), {1: "pipe"}) as ours:
        out, code = ours.read(), ours.wait()
        tap.equal((out, code, ours.stderr()), (b"", 0, ""), f"{name}: exit code and messages")
    check(place, name, mode, descriptors)


def clients(mode):
    """Against ktls-tlsd under the same super-server."""
    place = Place()
    answer = "sh -c 'echo hello; read back'"
    with serve(place, f"{SERVER} ktls-tlsd -m {mode} {answer}") as (_, port):
        tlsc = f"ktls-tlsc -m {mode} -k localhost"
        client = f"tcpclient -RHl0 127.0.0.1 {port}"
        check_client(place, "tcpclient", mode, f"{client} {tlsc} {place.inspect} 6 7", [0, 1, 2, 6, 7])
        script = f"{client} {tlsc} fdmove 0 6 fdmove 1 7 {place.inspect} 0 1"
        check_client(
            place, "tcpclient, moved to 0 and 1", mode, shlex.join(["execlineb", "-Pc", script]), [0, 1, 2]
        )


class Supervised:
    """s6-svscan over one service directory with readiness notification."""

    def __init__(self, place, run):
        self.scan = proc.temp("scan")
        self.service = os.path.join(self.scan, "tls")
        os.makedirs(self.service)
        self._write("run", f"#!{shutil.which('execlineb')} -P\n{run}\n", 0o755)
        self._write("notification-fd", "3\n", 0o644)
        self.svscan = Proc(["s6-svscan", self.scan], place.environment())

    def _write(self, name, text, mode):
        path = os.path.join(self.service, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def __enter__(self):
        proc.await_true(lambda: self.tell("s6-svok") == 0, "s6-supervise")
        return self

    def tell(self, program, *options):
        with Proc([program, *options, self.service]) as ours:
            return ours.wait()

    def pid(self):
        with Proc(["s6-svstat", "-p", self.service], fds={1: "pipe"}) as ours:
            return int(ours.read())

    def end(self):
        with Proc(["s6-svscanctl", "-t", self.scan]) as ours:
            ours.wait()
        return self.svscan.wait()

    def __exit__(self, *_):
        if self.svscan.status is None:
            self.end()
        self.svscan.end()


def supervision(mode):
    place = Place()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    run = f"fdmove 1 3 ktls-tlsserver --tcpserver=ucspi -1 -m {mode} 127.0.0.1 {port} {place.inspect}"
    with Supervised(place, run) as service:
        ready = service.tell("s6-svwait", "-U", "-t", str(int(1000 * proc.LIMIT)))
        tap.equal(ready, 0, "s6-svscan: the service says that it is ready", service.svscan.stderr)
        first, pid = connect(port), service.pid()
        tap.equal(prog.echo(first), prog.LINE, "s6-svscan: and it is", service.svscan.stderr)
        check(place, "s6-svscan", mode, [0, 1, 2])
        open_one = connect(port)
        tap.equal(service.tell("s6-svc", "-wD", "-d"), 0, "s6-svc -d: the service goes down")
        tap.ok(pid not in proc.processes(), "s6-svc -d: nothing of the super-server is left")
        tap.ok(refuses(port), "s6-svc -d: nobody listens")
        tap.equal(prog.echo(open_one), prog.LINE, "s6-svc -d: a connection that was open is served")
        tap.equal(service.tell("s6-svc", "-wU", "-u"), 0, "s6-svc -u: ready again")
        tap.equal(prog.echo(connect(port)), prog.LINE, "s6-svc -u: served again")
        tap.equal(service.end(), 0, "s6-svscanctl -t: the tree ends", service.svscan.stderr)
        tap.ok(refuses(port), "s6-svscanctl -t: nobody listens")
        tap.equal(service.svscan.stderr(), "", "s6-svscan: nothing on stderr")


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), proc.LIMIT).close()
    except ConnectionRefusedError:
        return True
    return False


def all_with(mode):
    def bound(function):
        def run():
            function(mode)

        run.__name__ = function.__name__
        return run

    return [bound(function) for function in (servers, clients, supervision)]
