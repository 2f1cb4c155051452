"""10,000 KeyUpdates, each asking for one in return, under 100 MiB each way."""

import hashlib
import os

import pki
import proc
import tap
from peers import tcp_pair, tlsd
from proc import Proc

PEER = os.path.join(proc.BUILD, "tests", "e2e", "keyupdate")
SIZE, UPDATES = 100 << 20, 10_000
LIMIT = 10 * proc.LIMIT
# sends one file and saves what it reads in another, at once
PROG = ("sh", "-c", 'exec 3<&0; cat <&3 >"$1" & exec 3<&-; cat "$0"; exec >&-; wait')


def make_file():
    path, block = proc.temp("stream"), os.urandom(1 << 20)
    with open(path, "wb") as f:
        for i in range(SIZE >> 20):
            f.write(bytes([i]) + block[1:])
    return path


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def path_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as f:
        return dict(e.split(b"=", 1) for e in f.read().split(b"\0") if b"=" in e)[b"SSL_PATH"].decode()


def flood(mode, wanted_path):
    up, down, saved, received = make_file(), make_file(), proc.temp("saved"), proc.temp("received")
    a, b = tcp_pair()
    a.setblocking(True)
    with open(received, "wb") as out, a, tlsd(b, ["-m", mode], (*PROG, down, saved)) as ours:
        env = proc.environment(CAFILE=pki.ca())
        with Proc([PEER, up, str(UPDATES)], env, {0: a, 1: out, 3: "pipe"}) as peer:
            a.close()
            path = proc.await_true(lambda: b"SSL_PATH" in environ(ours.pid) and path_of(ours.pid), "prog")
            answers = int(peer.read(LIMIT, fd=3))
            tap.equal(peer.wait(LIMIT), 0, "the peer has seen nothing wrong", peer.stderr)
        tap.equal(ours.wait(LIMIT), 0, "exit code", ours.stderr)
        tap.equal(ours.stderr(), "", "nothing on stderr")
    tap.equal(path, wanted_path, "the path is the one that can follow KeyUpdate")
    tap.equal(digest(saved), digest(up), f"prog has the {SIZE >> 20} MiB that the peer sent")
    tap.equal(digest(received), digest(down), f"the peer has the {SIZE >> 20} MiB that prog sent")
    tap.ok(0 < answers <= UPDATES, f"{UPDATES} requests for a KeyUpdate were answered", str(answers))
    tap.diag(f"{answers} answers")


def environ(pid):
    """Nothing before it is prog, which is what somebody else than root may look at."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as f:
            return f.read()
    except PermissionError:
        return b""
