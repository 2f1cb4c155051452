"""Tests of clients without root's rights on channels that root has made: who sends
a request counts, not who made what it came by."""

import os
import socket
import subprocess
import sys

import peers
import pki
import proc
import service
import tap
from owners import SOMEBODY, as_user, folder, is_root, put
from service import Channel, Init, url

PASSCRED = socket.SO_PASSCRED


class Loot:
    """What only root may have: a key, a socket, a port below 1024."""

    def __init__(self):
        self.path = folder()
        self.cert = put(self.path, "c", pki.crt("ec256"), mode=0o644)
        self.key = put(self.path, "k", pki.key("ec256"))
        self.private = socket.socket(socket.AF_UNIX)
        self.private.bind(os.path.join(self.path, "private"))
        os.chmod(os.path.join(self.path, "private"), 0o600)
        self.private.listen()

    def requests(self):
        base = f"tls://127.0.0.1:{peers.free_port()}"
        return (
            ("ACCEPT", url(base, cert=self.cert, key=self.key)),
            ("ACCEPT", "tcp://127.0.0.1:81"),
            ("CONNECT", f"unix:{self.path}/private"),
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.private.close()


def pair():
    """Ends of a pair: ours, and the one that the service gets."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def listener(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.bind(path)
    os.chmod(path, 0o666)
    sock.listen()
    return sock


def connected(listening, path):
    """The same from a listener: its client's end has the listener's maker for a peer."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(path)
    return listening.accept()[0], client


def attach(init, ours, theirs):
    """Once the service has asked for the senders of packets."""
    init.channel().send("ATTACH", [theirs])
    proc.await_true(lambda: theirs.getsockopt(socket.SOL_SOCKET, PASSCRED), "the service to attach")
    return Channel(ours)


def switch(sock, on):
    sock.setsockopt(socket.SOL_SOCKET, PASSCRED, on)


def answer(channel, command, wanted):
    """A listener says nothing when it is there: then CLOSE, which waits for it, is OK."""
    channel.send(f"{command} {wanted}")
    if command == "ACCEPT":
        channel.send(f"CLOSE {wanted}")
    line, sock = channel.packet()
    if sock:
        sock.close()
    if line.startswith("ERR ACCEPT"):
        channel.packet()
    return "got it" if line.startswith("OK") else "refused"


def answers(channel, requests):
    return " ".join(answer(channel, *request) for request in requests)


ALL_REFUSED = "refused refused refused"


def unknown(init, ours, theirs, requests):
    """Nobody says who sends."""
    channel = attach(init, ours, theirs)
    switch(theirs, 0)
    switch(ours, 0)
    return answers(channel, requests)


def known(init, ours, theirs, requests):
    return answers(attach(init, ours, theirs), requests)


def asked_by_client(init, ours, theirs, requests):
    """SO_PASSCRED at the end that the client has is its own affair."""
    channel = attach(init, ours, theirs)
    switch(theirs, 0)
    switch(ours, 1)
    return answers(channel, requests)


def early(init, ours, theirs, requests):
    """Sent before the service could ask who sends."""
    ours.send(f"{requests[0][0]} {requests[0][1]}\n".encode())
    ours.send(f"{requests[2][0]} {requests[2][1]}\n".encode())
    channel = attach(init, ours, theirs)
    channel.send("CLOSE tcp:fd:none")
    lines = [channel.packet()[0].split()[0:2] for _ in range(3)]
    oks = [line for line in lines if line[0] == "OK"]
    return f"{oks}" if oks or len(lines) != 3 else ALL_REFUSED


def twice(init, ours, theirs, requests):
    """The service has two channels of one end, and switches SO_PASSCRED on with each."""
    channel = attach(init, ours, theirs)
    switch(theirs, 0)
    attach(init, ours, theirs)
    switch(theirs, 0)
    return answers(channel, requests)


def attacks():
    if not is_root():
        return
    with Init(["-U", f"{SOMEBODY}"]) as init, Loot() as loot:
        path = os.path.join(loot.path, "listener")
        with listener(path) as listening:
            for kind, make in (("pair", pair), ("listener", lambda: connected(listening, path))):
                for attack in (unknown, known, asked_by_client, early, twice):
                    ours, theirs = pair() if kind == "pair" else (None, None)

                    def run():
                        ends = (ours, theirs) if ours else make()
                        return attack(init, *ends, loot.requests())

                    got = as_user(SOMEBODY, run)
                    tap.equal(got, ALL_REFUSED, f"a {kind} that root made, sender {attack.__name__}")
        got = answers(init.channel(), loot.requests())
        tap.equal(got, "got it got it got it", "root itself has all of that")
        got = known(init, *pair(), loot.requests())
        tap.equal(got, "got it got it got it", "and has it on a pair, too")


REUSE = """
import os, socket, sys
sys.path.insert(0, sys.argv[1])
import impostors, proc, service
loot, path = impostors.Loot(), sys.argv[2]

class Service:
    def channel(self):
        return service.Channel(path)

def child_of_pid(pid, function):
    with open("/proc/sys/kernel/ns_last_pid", "w") as f:
        f.write(str(pid - 1))
    child = os.fork()
    if not child:
        try:
            assert os.getpid() == pid
            function()
        except BaseException as e:
            print(type(e).__name__, e, flush=True)
        os._exit(0)
    os.waitpid(child, 0)

def make():
    ends = impostors.pair()
    socket.send_fds(give, [b"x"], [end.fileno() for end in ends])

def attack():
    _, fds, _, _ = socket.recv_fds(take, 1, 2)
    ours, theirs = (socket.socket(fileno=fd) for fd in fds)
    os.setgroups([])
    os.setresuid(impostors.SOMEBODY, impostors.SOMEBODY, impostors.SOMEBODY)
    print(impostors.unknown(Service(), ours, theirs, loot.requests()), flush=True)

take, give = socket.socketpair()
child_of_pid(300, make)
child_of_pid(300, attack)
"""


def reused_pid():
    """Of the process that made the channel, which was root's."""
    if not is_root():
        return
    if not os.path.exists("/proc/sys/kernel/ns_last_pid"):
        tap.skip("a process with the id of the maker's", "this kernel does not let it be chosen")
        return
    with Init(["-U", f"{SOMEBODY}"]) as init:
        os.chmod(os.path.dirname(init.path), 0o711)
        argv = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", REUSE, proc.LIB, init.path]
        got = subprocess.run(argv, capture_output=True, text=True, timeout=proc.LIMIT)
        tap.equal((got.stdout, got.stderr), (ALL_REFUSED + "\n", ""), "a process with the id of the maker's")


def kept_capabilities():
    """SECBIT_NO_SETUID_FIXUP, inherited: with a client's uid root's capabilities stay."""
    if not is_root():
        return
    wrapper = ["setpriv", "--securebits", "+no_setuid_fixup"]
    with Init(["-U", f"{SOMEBODY}"], wrapper=wrapper) as init, Loot() as loot:
        os.chmod(os.path.dirname(init.path), 0o711)
        got = as_user(SOMEBODY, lambda: answers(init.channel(), loot.requests()))
        tap.equal(got, ALL_REFUSED, "SECBIT_NO_SETUID_FIXUP: a client has its own rights only")
        got = answers(init.channel(), loot.requests())
        tap.equal(got, "got it got it got it", "and root has its own")
    wrapper += ["--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service"]
    with Init(["-U", f"{SOMEBODY}"], wrapper=wrapper) as init, Loot() as loot:
        got = as_user(SOMEBODY, lambda: answers(init.channel(), loot.requests()))
        tap.equal(got, ALL_REFUSED, "nor ambient ones")


GROUPS = """
import os, sys
sys.path.insert(0, sys.argv[1])
import impostors, service
channel = service.Channel(sys.argv[2])
if not os.fork():
    os.setgroups([])
    os.setresuid(*[impostors.SOMEBODY] * 3)
    print(impostors.answers(channel, [("ACCEPT", sys.argv[3])]), flush=True)
    os._exit(0)
os.wait()
os.setgroups([777])
os.setresgid(*[impostors.SOMEBODY] * 3)
os.setresuid(*[impostors.SOMEBODY] * 3)
print(impostors.answers(service.Channel(sys.argv[2]), [("ACCEPT", sys.argv[3])]), flush=True)
"""


def groups_of_makers():
    """A maker's further groups are not the sender's; whoever has connected has its own."""
    if not is_root():
        return
    path = folder()
    cert = put(path, "c", pki.crt("ec256"), mode=0o644)
    key = put(path, "k", pki.key("ec256"), gid=777, mode=0o640)
    with Init(["-U", f"{SOMEBODY}"]) as init:
        wanted = url(f"tls://127.0.0.1:{peers.free_port()}", cert=cert, key=key)

        def with_group():
            sockets = listener(os.path.join(path, "l")), *pair()
            socket.send_fds(give, [b"x"], [sock.fileno() for sock in sockets])

        def without_group():
            _, fds, _, _ = socket.recv_fds(take, 1, 3)
            listening, ours, theirs = (socket.socket(fileno=fd) for fd in fds)
            ends = connected(listening, os.path.join(path, "l"))
            return [known(init, *ends, [("ACCEPT", wanted)]) for ends in ((ours, theirs), ends)]

        os.chmod(path, 0o777)
        take, give = socket.socketpair()
        tap.equal(as_user(SOMEBODY, with_group, [777]), "None", "a process of a group makes a pair and a listener")
        got = as_user(SOMEBODY, without_group)
        tap.equal(got, "['refused', 'refused']", "one of its user without the group may not use that")
        argv = [sys.executable, "-c", GROUPS, proc.LIB, init.path, wanted]
        got = subprocess.run(argv, capture_output=True, text=True, timeout=proc.LIMIT)
        tap.equal((got.stdout, got.stderr), ("refused\ngot it\n", ""), "whoever connects has its groups")


ALL = [attacks, reused_pid, kept_capabilities, groups_of_makers]
