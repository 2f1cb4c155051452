"""Tests of when the socket service starts, what becomes of one that cannot, and of
heirs that take it away from others."""

import errno
import os
import re
import signal
import socket
import subprocess

import init as as_init
import namespaces
import proc
import tap
from confined import refusing
from control import with_resolver
from owners import SOMEBODY, is_root
from proc import BIN, Proc
from service import INIT, Err, Init

USER = 54399  # has no other processes
CONNECT = "ktls-connect tcp://127.0.0.1:1 true"
REFUSED = "ktls-connect: fatal: tcp://127.0.0.1:1: connecting: Connection refused\n"


def limited(processes):
    """So many, ktls-init and its program included."""
    os.chmod(proc.TMP, 0o777)
    account = ["setpriv", "--reuid", f"{USER}", "--regid", f"{USER}", "--clear-groups"]
    return [*account, "prlimit", f"--nproc={processes}"]


def on_first_use():
    with Init() as init:
        proc.await_true(lambda: commands(init.proc.pid) == ["cat"], "cat")
        (prog,) = as_init.children(init.proc.pid)
        tap.equal(command(prog), "cat", "before there is a client, prog is the only process")
        assert init.channel().refused("CLOSE", "tcp:fd:none")
        # until it has a name of its own, its first child has this one, too
        proc.await_true(lambda: len(init.named("ktls-service")) == 1, "one process with this name")
        (service,) = init.named("ktls-service")
        tap.equal(sorted(as_init.children(init.proc.pid)), sorted([prog, service]), "and then it has one beside it")
    script = f"echo $KTLS_FD; {CONNECT}; unset KTLS_PATH; {CONNECT}"
    with Proc([INIT, "-s", "sh", "-c", script], proc.environment()) as init:
        init.wait()
        tap.equal(init.stderr(), REFUSED * 2, "the first client is answered, by KTLS_PATH and KTLS_FD")
    with Proc([INIT, "-s", "sh", "-c", f"unset KTLS_PATH; {CONNECT}"], proc.environment()) as init:
        init.wait()
        tap.equal(init.stderr(), REFUSED, "the first by KTLS_FD, too")
    with Proc([INIT, "-s", "sh", "-c", 'eval "exec $KTLS_FD>&-"; exec cat'], proc.environment(), {0: "pipe"}) as init:
        fd_count = f"/proc/{init.pid}/fd"
        proc.await_true(lambda: commands(init.pid) == ["cat"], "cat")
        proc.await_true(lambda: sockets(fd_count) == 1, "the channel that all have closed to be closed")
        tap.equal(len(as_init.children(init.pid)), 1, "KTLS_FD that all have closed starts no service")
        init.close()
        tap.equal(init.wait(), 0, "nor does it matter")


def command(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return None


def commands(parent):
    return [command(pid) for pid in as_init.children(parent)]


def sockets(path):
    links = [os.readlink(os.path.join(path, fd)) for fd in os.listdir(path)]
    return sum(link.startswith("socket:") for link in links)


def cannot_start():
    """Before prog runs: the reason, and 111."""
    if not is_root():
        return
    again = "Resource temporarily unavailable"
    for processes, what in ((1, "starting the socket service: fork"), (2, "starting the handshake master")):
        with Proc([*limited(processes), INIT, "-s", "echo", "prog"], proc.environment(), {1: "pipe"}) as init:
            got = init.read(), init.wait(), init.stderr()
        tap.equal(got, (b"", 111, f"ktls-init: fatal: {what}: {again}\n"), f"{processes} processes allowed: {what}")


def cannot_start_later():
    """Nothing is left for it: its client sees the end, and prog goes on."""
    if not is_root():
        return
    script = f"sleep 60 & {CONNECT}; kill $!; wait; exec cat"
    with Proc([*limited(4), INIT, "-s", "sh", "-c", script], proc.environment(), {0: "pipe", 1: "pipe"}) as init:
        init.write(b"still here")
        init.close()
        tap.equal(init.read(), b"still here", "prog goes on")
        tap.equal(init.wait(), 0, "to its end")
        said = init.stderr()
        reason = r"starting the handshake master: Resource temporarily unavailable|Resource temporarily unavailable"
        wanted = f"ktls-init: warning: the socket service cannot be started: ({reason})\n"
        tap.ok(re.search(wanted, said), f"the reason is told: {said.splitlines()[0]}", said)
        tap.ok("the service is gone" in said, "its client sees the end", said)


def cannot_fork():
    """For a handshake."""
    if not is_root():
        return
    with Init(wrapper=limited(4)) as init:
        channel = init.channel()
        for _ in range(2):
            reason = channel.refused("CONNECT", "tcp://127.0.0.1:1")
            tap.equal(
                reason, "starting a handshake process: Resource temporarily unavailable", "no process: ERR says so"
            )


ASK_AND_WAIT = """
import os, socket
channel = socket.socket(fileno=int(os.environ["KTLS_FD"]))
channel.send(b"CLOSE tcp:fd:none\\n")
channel.recv(4096)
print("answered", flush=True)
print("next", channel.recv(4096), flush=True)
"""


def end_of_inherited():
    """Nobody but the service has its end of KTLS_FD."""
    with Proc([INIT, "-s", "python3", "-c", ASK_AND_WAIT], proc.environment(), {1: "pipe"}) as init:
        init.read(until=rb"answered\n")
        (service,) = [pid for pid in as_init.children(init.pid) if command(pid) == "ktls-service"]
        os.kill(service, signal.SIGKILL)
        tap.ok(b"next b''\n" in init.read(), "the service is killed: on KTLS_FD, too, its clients see the end", init.stderr())


SHUT_DOWN = 'import os, socket; socket.socket(fileno=int(os.environ["KTLS_FD"])).shutdown(socket.SHUT_RDWR)'


def shut_down():
    """An heir shuts KTLS_FD down: others still have KTLS_PATH."""
    for before in ("", CONNECT + "; "):
        script = f"{before}python3 -c '{SHUT_DOWN}'; {CONNECT}; {CONNECT}"
        with Proc([INIT, "-s", "sh", "-c", script], proc.environment()) as init:
            init.wait()
            wanted = REFUSED * (3 if before else 2)
            tap.equal(init.stderr(), wanted, f"KTLS_FD is shut down{' after its use' * bool(before)}: no harm")


TAKE_AWAY = """
import os, socket
path = os.environ["KTLS_PATH"]
fd = int(path.split("/")[-1])
for attempt in (
    lambda: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=fd).shutdown(socket.SHUT_RDWR),
    lambda: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=fd).listen(),
    lambda: os.ftruncate(fd, 0),
    lambda: os.open(path, os.O_RDWR),
    lambda: os.fchmod(fd, 0),
    lambda: os.unlink(path),
):
    try:
        attempt()
        print("it did")
    except OSError:
        pass
"""


def cannot_be_taken_away():
    script = f"python3 -c '{TAKE_AWAY}'; {CONNECT}"
    with Proc([INIT, "-s", "sh", "-c", script], proc.environment(), {1: "pipe"}) as init:
        tap.equal((init.read(), init.stderr()), (b"", REFUSED), "nothing that an heir does to KTLS_PATH has an effect")


def heirs_of_other_users():
    if not is_root():
        return
    account = f"setpriv --reuid {SOMEBODY} --regid {SOMEBODY} --clear-groups"
    with Proc([INIT, "-s", "sh", "-c", f"exec {account} {CONNECT}"], proc.environment()) as init:
        init.wait()
        tap.equal(init.stderr(), REFUSED, "an heir of another user is welcome")


@namespaces.needed("--mount")
def without_folder():
    """KTLS_FD is all there is, or -l."""
    mounts = "; ".join(f"mount -r -t tmpfs none {path}" for path in ("/dev/shm", "/run", "/tmp", "/var/tmp"))
    programs = 'mount -t tmpfs none /mnt; cp "$1/ktls-init" "$1/ktls-connect" /mnt; mount -r -o remount /mnt'
    test = f"ktls-init -s -v sh -c 'echo \"$KTLS_PATH\" $KTLS_FD; {CONNECT}'"
    script = f"{programs}; {mounts}; cd /proc; PATH=/mnt:$PATH; {test}"
    argv = [*namespaces.unshare("--mount"), "sh", "-c", script, "sh", BIN]
    got = subprocess.run(argv, env=proc.environment(KTLS_PATH="stale"), capture_output=True, text=True)
    tap.ok(re.fullmatch(r" \d+\n", got.stdout), f"no folder for a socket: no KTLS_PATH: {got.stdout!r}", got.stderr)
    tap.ok("KTLS_PATH is not set" in got.stderr and REFUSED in got.stderr, "KTLS_FD does", got.stderr)


def resolver_that_ends_early():
    """Its process id is nobody else's until the worker has done with it: it ends it by SIGKILL."""
    held, told = proc.temp("held"), proc.temp("told")
    os.mkfifo(held)
    os.mkfifo(told)
    for path in (held, told):
        os.chmod(path, 0o666)
    copy = with_resolver(f"{{ read x <{held}; echo 127.0.0.1; }} & echo $$ >{told}")
    with Init(program=copy) as init:
        channel = init.channel()
        channel.send("CONNECT tcp://name.test:1")
        with open(told) as f:
            pid = int(f.read())
        ended = proc.await_true(lambda: state(pid) in ("Z", "gone") and state(pid), "the resolver to end")
        tap.equal(ended, "Z", "a resolver that has ended keeps its process id")
        with open(held, "w") as f:
            f.write("go\n")
        try:
            channel.reply("CONNECT", "tcp://name.test:1")
        except Err as e:
            tap.ok("Connection refused" in e.reason, f"what it has left running is heard: {e.reason}")


def state(pid):
    try:
        return as_init.state(pid)
    except OSError:
        return "gone"


def without_randomness():
    with Init(wrapper=refusing(errno.EPERM, "getrandom")) as init, socket.create_server(("127.0.0.1", 0)) as server:
        reason = init.channel().refused("CONNECT", f"tls://127.0.0.1:{server.getsockname()[1]}?verify=0")
        tap.equal(reason, "getrandom: Operation not permitted", "no randomness: the client is told")


ALL = [
    without_randomness,
    resolver_that_ends_early,
    on_first_use,
    cannot_start,
    cannot_start_later,
    cannot_fork,
    end_of_inherited,
    shut_down,
    cannot_be_taken_away,
    heirs_of_other_users,
    without_folder,
]
