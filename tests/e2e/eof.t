#!/usr/bin/python3
# ktls-eof: programs that hold the kTLS socket itself see its end, and end it.
# runs: every kernel; takes: long; not: sanitizers

import os
import socket
import subprocess
import sys

import lib
import pki
import proc
import tap
from peers import BOTH, Tls, context, tcp_pair, tlsc, tlsd

# the dynamic linker preloads nothing from a path with a space: the library is beside these
EOF, TLSD, TLSC = (os.path.join(proc.installed(), name) for name in ("ktls-eof", "ktls-tlsd", "ktls-tlsc"))
BIG = os.urandom(300_000)
ENGINE, NOT_FOUND = 97, 127

# takes five bytes by each call, then the end by each
CALLS = """
import fcntl, os, socket
s, fd = socket.socket(fileno=0), fcntl.fcntl(0, fcntl.F_DUPFD, 50)
os.dup2(fd, 60)
def readv():
    b = bytearray(5)
    return bytes(b[:os.readv(0, [b])])
calls = (
    lambda: os.read(0, 5), lambda: os.read(fd, 5), lambda: os.read(60, 5), readv, lambda: s.recv(5),
    lambda: s.recvfrom(5)[0], lambda: s.recvmsg(5, 100)[0], lambda: s.recv(5, socket.MSG_WAITALL),
)
for call in calls:
    s.sendall(call())
s.sendall(b",".join(repr(call()).encode() for call in calls))
"""
CALL_COUNT = 8

# read everything, then answer and end
READERS = {
    "cat": ("cat",),
    "sh, cat": ("sh", "-c", "cat; echo end"),
    "python3 stdio": ("python3", "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"),
    "perl": ("perl", "-e", "syswrite STDOUT, $b while sysread STDIN, $b, 65536"),
}


def readers():
    """The peer's close_notify is the end of the stream, and prog's end is one."""
    for name, prog in READERS.items():
        a, b = tcp_pair()
        with tlsd(b, ["-m", "kernel"], (EOF, *prog)) as ours, a:
            tls = Tls(a, context(version="1.3"))
            tls.handshake()
            tls.write(b"hello\n")
            tls.close_notify()  # a half-close in TLS 1.3 (RFC 8446, 6.1)
            wanted = b"hello\nend\n" if "end" in prog[-1] else b"hello\n"
            tap.equal(tls.read_exactly(len(wanted)), wanted, f"{name}: read and answered", ours.stderr)
            tap.equal(tls.end_of_stream(), "close_notify", f"{name}: close_notify at the end", ours.stderr)
            tap.equal((ours.wait(), ours.stderr()), (0, ""), f"{name}: a clean end")


def calls():
    for version in BOTH:
        a, b = tcp_pair()
        with tlsd(b, ["-m", "kernel"], (EOF, "python3", "-c", CALLS)) as ours, a:
            tls = Tls(a, context(version=version))
            tls.handshake()
            data = os.urandom(5 * CALL_COUNT)
            tls.write(data)
            tap.equal(tls.read_exactly(len(data)), data, f"each call, TLS {version}: data", ours.stderr)
            tls.close_notify()
            if version == "1.3":
                ends = tls.read_exactly(4 * CALL_COUNT - 1)
                tap.equal(ends, b",".join([b"b''"] * CALL_COUNT), "each call: the end", ours.stderr)
            tap.equal((ours.wait(), ours.stderr()), (0, ""), f"each call, TLS {version}: a clean end")


def endings():
    """Each way in which a program ends its stream."""
    finish = "import os, socket\ns = socket.socket(fileno=0)\ns.sendall(b'reply')\n"
    for name, prog in {
        "exit": ("python3", "-c", finish),
        "shutdown": ("python3", "-c", finish + "s.shutdown(socket.SHUT_WR); s.recv(1)"),
        "close": ("python3", "-c", finish + "os.close(1); s.close(); import time; time.sleep(1000)"),
        "stdio at exit": ("perl", "-e", "print 'reply'"),
        "exec": ("sh", "-c", "exec perl -e 'print q(reply)'"),
        "child": ("sh", "-c", "perl -e 'print q(rep)'; perl -e 'print q(ly)'"),
    }.items():
        for version in BOTH if name == "exit" else ["1.3"]:
            a, b = tcp_pair()
            with tlsd(b, ["-m", "kernel"], (EOF, *prog)) as ours, a:
                tls = Tls(a, context(version=version))
                tls.handshake()
                what = f"{name}, TLS {version}"
                tap.equal(tls.read_exactly(5), b"reply", f"{what}: all of the reply", ours.stderr)
                tap.equal(tls.end_of_stream(), "close_notify", f"{what}: then close_notify", ours.stderr)
                a.close()
                if name != "close":
                    tap.equal(ours.wait(), 0, f"{what}: exit code", ours.stderr)


def children_do_not_end():
    """What a child of prog leaves behind is still open."""
    prog = ("sh", "-c", "perl -e 'print q(one)'; read line; echo $line")
    a, b = tcp_pair()
    with tlsd(b, ["-m", "kernel"], (EOF, *prog)) as ours, a:
        tls = Tls(a, context())
        tls.handshake()
        tap.equal(tls.read_exactly(3), b"one", "a child writes", ours.stderr)
        tls.write(b"two\n")
        tap.equal(tls.read_exactly(4), b"two\n", "and its end is not the stream's", ours.stderr)
        tap.equal(tls.end_of_stream(), "close_notify", "which prog's own is", ours.stderr)


# a child of vfork(2), as Python makes them, has the memory of its parent
BY_VFORK = """
import os, subprocess
subprocess.run(["cat"], input=b"", stdout=subprocess.PIPE, check=True)
try:
    subprocess.run(["/nonexistent/x"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
except FileNotFoundError:
    while data := os.read(0, 100):
        os.write(1, data)
"""


def children_by_vfork():
    """What they close, and their end where there is nothing to execute, change nothing."""
    a, b = tcp_pair()
    with tlsd(b, ["-m", "kernel"], (EOF, "/usr/bin/python3", "-c", BY_VFORK)) as ours, a:
        tls = Tls(a, context(version="1.3"))
        tls.handshake()
        tls.write(b"hello")
        tls.close_notify()
        tap.equal(tls.read_exactly(5), b"hello", "children by vfork: read and answered", ours.stderr)
        tap.equal(tls.end_of_stream(), "close_notify", "children by vfork: close_notify at the end", ours.stderr)
        tap.equal((ours.wait(), ours.stderr()), (0, ""), "children by vfork: a clean end")


# fclose closes descriptor 0 by no call that goes through the dynamic linker
NUMBER_OF_A_PIPE = """
import ctypes, os
assert os.read(0, 2) == b"x\\n"
libc = ctypes.CDLL(None)
libc.fclose(ctypes.c_void_p.in_dll(libc, "stdin"))
r, w = os.pipe()
os.write(w, b"one")
os.close(w)
os.write(1, b"%d%s" % (r, os.read(r, 100)))
"""


def number_used_again():
    a, b = tcp_pair()
    with tlsd(b, ["-m", "kernel"], (EOF, "/usr/bin/python3", "-c", NUMBER_OF_A_PIPE)) as ours, a:
        tls = Tls(a, context(version="1.3"))
        tls.handshake()
        tls.write(b"x\n")
        tap.equal(tls.read_exactly(4), b"0one", "a pipe with the socket's number is read", ours.stderr)
        a.close()
        tap.equal((ours.wait(), ours.stderr()), (0, ""), "a pipe with the socket's number: a clean end")


def client():
    """Tickets behind the handshake, and the server's end."""
    for version in BOTH:
        a, b = tcp_pair()
        with tlsc(a, ["-m", "kernel", "-k", "localhost"], (EOF, "sh", "-c", "cat <&6 >&7")) as ours, b:
            tls = Tls(b, context(server=True, version=version, cert="ec256"), server=True)
            tls.handshake()
            tls.write(BIG[:1000])
            tap.equal(tls.read_exactly(1000), BIG[:1000], f"client, TLS {version}: there and back", ours.stderr)
            tls.close_notify()
            tap.equal((ours.wait(), ours.stderr()), (0, ""), f"client, TLS {version}: a clean end")


def bulk():
    for version in BOTH:
        a, b = tcp_pair()
        with tlsd(b, ["-m", "kernel"], (EOF, "head", "-c", str(len(BIG)))) as ours, a:
            tls = Tls(a, context(version=version))
            tls.handshake()
            tls.write(BIG)
            tap.ok(tls.read_exactly(len(BIG)) == BIG, f"{len(BIG)} bytes there and back, TLS {version}", ours.stderr)
            tap.equal(tls.end_of_stream(), "close_notify", f"TLS {version}: and the end", ours.stderr)


def other_descriptors():
    """Nothing changes for a program without such a socket, or for its other ones."""
    script = (
        "import os, socket\n"
        "a, b = socket.socketpair()\na.sendall(b'x')\na.shutdown(socket.SHUT_WR)\n"
        "r, w = os.pipe()\nos.write(w, b'y')\nos.close(w)\n"
        "print(b.recv(5), b.recv(5), os.read(r, 5), os.read(r, 5))\n"
    )
    out = subprocess.run([EOF, "python3", "-c", script], capture_output=True, stdin=subprocess.DEVNULL)
    tap.equal(out.stdout, b"b'x' b'' b'y' b''\n", "sockets and pipes", out.stderr.decode())


def refusals():
    static = proc.temp("static")
    script = proc.temp("script")
    setuid = proc.temp("setuid")
    subprocess.run(["cp", os.path.join(proc.BIN, "ktls-tlsd"), static], check=True)
    with open(script, "w") as f:
        f.write(f"#! {static} -x\n")
    subprocess.run(["cp", "/bin/cat", setuid], check=True)
    os.chown(setuid, 12345, 12345)
    os.chmod(setuid, 0o4755)
    os.chmod(script, 0o755)
    with open(os.path.join(proc.BUILD, "config.mak")) as f:
        is_static = "LINK_MODE := -static" in f.read()
    cases = [(setuid, "set-user-ID", ENGINE), ("/nonexistent/x", "executing", NOT_FOUND), ("nonexistent", "executing", NOT_FOUND)]
    if is_static:
        cases += [(static, "statically linked", ENGINE), (script, "statically linked", ENGINE)]
    for prog, words, wanted in cases:
        done = subprocess.run([EOF, prog], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        tap.ok(
            done.returncode == wanted and words in done.stderr and done.stderr.count("\n") == 1,
            f"{os.path.basename(prog)}: exit {done.returncode}, {done.stderr.strip()}",
        )


def modes():
    """-m eof, and ktls-eof as the next step: what each gives."""
    socket_or_pipe = ("python3", "-c", "import os, stat; print('socket' if stat.S_ISSOCK(os.fstat(0).st_mode) else 'pipe', flush=True)")
    for options, prog, wanted in (
        (["-m", "eof"], socket_or_pipe, b"socket\n"),
        ([], (EOF, *socket_or_pipe), b"socket\n"),
        (["-m", "relay"], (EOF, *socket_or_pipe), b"pipe\n"),
        (["-m", "eof"], ("busybox", "sh", "-c", "readlink /proc/self/fd/0 | cut -d: -f1"), b"pipe\n"),
    ):
        a, b = tcp_pair()
        with tlsd(b, options, prog, program=TLSD) as ours, a:
            tls = Tls(a, context())
            tls.handshake()
            what = f"{' '.join(options)} {os.path.basename(prog[0])}"
            tap.equal(tls.read_exactly(len(wanted)), wanted, f"{what}: {wanted.decode().strip()}", ours.stderr)
            tap.equal(tls.end_of_stream(), "close_notify", f"{what}: close_notify at the end", ours.stderr)
            a.close()
            tap.equal((ours.wait(), ours.stderr()), (0, ""), f"{what}: a clean end")


def client_without_waiting():
    """Tickets are passed over by the library: -m eof gives a TLS 1.3 client the socket."""
    a, b = tcp_pair()
    prog = ("sh", "-c", "cat <&6 >&7")
    with tlsc(a, ["-m", "eof", "-k", "localhost"], prog, program=TLSC) as ours, b:
        tls = Tls(b, context(server=True, version="1.3", cert="ec256"), server=True)
        tls.handshake()
        tls.write(b"first")
        tap.equal(tls.read_exactly(5), b"first", "a client with -m eof", ours.stderr)
        tls.close_notify()
        tap.equal((ours.wait(), ours.stderr()), (0, ""), "a client with -m eof: a clean end")


# one process that reads and writes by turns, and whose child goes on in the middle
FOLLOW = """
import os, sys
def copy(most):
    while most > 0 and (b := os.read(0, 65536)):
        most -= len(b)
        while b: b = b[os.write(1, b):]
copy(int(sys.argv[1]))
if os.fork() == 0:
    copy(1 << 60)
    os._exit(0)
os.wait()
"""


def key_update():
    """KeyUpdates, each asking for one in return, in one process and then another."""
    if not proc.kernel_can_rekey():
        return tap.skip("KeyUpdate with ktls-eof", "this kernel cannot replace keys")
    peer = os.path.join(proc.BUILD, "tests", "e2e", "keyupdate")
    data = os.urandom(1 << 20)
    path, received = proc.temp("stream"), proc.temp("received")
    with open(path, "wb") as f:
        f.write(data)
    a, b = tcp_pair()
    a.setblocking(True)
    with open(received, "wb") as out, a, tlsd(b, [], (EOF, "python3", "-c", FOLLOW, "300000")) as ours:
        env = proc.environment(CAFILE=pki.ca())
        with proc.Proc([peer, path, "30"], env, {0: a, 1: out, 3: "pipe"}) as other:
            a.close()
            answers = int(other.read(fd=3))
            tap.equal(other.wait(), 0, "KeyUpdates: the peer has seen nothing wrong", other.stderr)
        tap.equal((ours.wait(), ours.stderr()), (0, ""), "KeyUpdates: a clean end")
    with open(received, "rb") as f:
        tap.ok(f.read() == data, f"all data came back under {answers} answers", str(answers))


def what_it_cannot_reach():
    """stdio's own reads are no calls that a library can take over: an error, and
    no silent loss."""
    a, b = tcp_pair()
    with tlsd(b, ["-m", "kernel"], (EOF, "sed", "s/^/> /")) as ours, a:
        tls = Tls(a, context())
        tls.handshake()
        tls.write(b"line\n")
        tls.close_notify()
        tap.ok(ours.wait() != 0 and "error" in ours.stderr(), f"stdio: {ours.stderr().strip()}")


tap.main(readers, calls, endings, children_do_not_end, children_by_vfork, number_used_again, client, bulk, other_descriptors, refusals, modes, client_without_waiting, key_update, what_it_cannot_reach)
