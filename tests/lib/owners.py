"""Tests of whose files, ports and channels a client of the socket service may
have; most of them need root, who can be others."""

import os
import re
import socket
import subprocess
import sys

import peers
import pki
import proc
import service
import tap
from control import listen, tls_client, works
from service import Channel, Init, dial, good, url

NOBODY, SOMEBODY = 65534, 12345


def as_user(uid, function, groups=()):
    """What function, run by that user in a process of its own, returns as text."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.setgroups(groups)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.write(w, str(function()).encode())
        except BaseException as e:
            os.write(w, f"{type(e).__name__}: {e}".encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        text = f.read().decode()
    os.waitpid(pid, 0)
    return text


def folder():
    """One that others may enter."""
    os.chmod(proc.TMP, 0o711)
    path = proc.temp("files")
    os.mkdir(path, 0o755)
    return path


def put(path, name, source, uid=0, gid=0, mode=0o600):
    target = os.path.join(path, name)
    with open(source, "rb") as f, open(target, "wb") as t:
        t.write(f.read())
    os.chown(target, uid, gid)
    os.chmod(target, mode)
    return target


def is_root():
    if os.geteuid() == 0:
        return True
    tap.skip("the rights of others", "needs root")
    return False


def refusal(init, base, **parameters):
    return init.channel().refused("ACCEPT", url(base, **parameters))


def files_of_clients():
    if not is_root():
        return
    path = folder()
    with Init(["-U", f"{SOMEBODY}"]) as init:
        cert = put(path, "c", pki.crt("ec256"), mode=0o644)
        for about, key, groups, works_out in (
            ("root's", put(path, "k1", pki.key("ec256")), (), False),
            ("its own", put(path, "k2", pki.key("ec256"), uid=SOMEBODY), (), True),
            ("its group's", put(path, "k3", pki.key("ec256"), gid=SOMEBODY, mode=0o640), (), True),
            ("another group's", put(path, "k4", pki.key("ec256"), gid=777, mode=0o640), (), False),
            ("a further group's", put(path, "k5", pki.key("ec256"), gid=777, mode=0o640), (777,), True),
        ):

            def listens():
                channel = init.channel()
                listen(channel, cert=cert, key=key)
                return "listens"

            got = as_user(SOMEBODY, listens, groups)
            wanted = "listens" if works_out else f"{key} Permission denied"
            tap.ok(wanted.split()[-1] in got, f"a client names {about} key: {got[-60:]}", got)
        tap.ok(
            "Permission denied" in as_user(SOMEBODY, lambda: refusal(init, "tcp://127.0.0.1:81")),
            "a client listens on port 81: not allowed",
        )
        place = os.path.join(path, "not-yours")
        tap.ok(
            "Permission denied" in as_user(SOMEBODY, lambda: refusal(init, "unix:" + place)),
            "nor in root's folder",
        )
        with socket.socket(socket.AF_UNIX) as private:
            private.bind(os.path.join(path, "private"))
            os.chmod(os.path.join(path, "private"), 0o600)
            private.listen()
            got = as_user(SOMEBODY, lambda: init.channel().refused("CONNECT", f"unix:{path}/private"))
            tap.ok("Permission denied" in got, f"nor connects to root's socket: {got}")
        listen(init.channel(), **good())
        tap.ok(True, "and root still may")


def key_folder():
    """-C: by anybody, and nothing else."""
    path = folder()
    outside = folder()
    put(path, "c", pki.crt("ec256"), os.geteuid(), os.getegid())
    put(path, "k", pki.key("ec256"), os.geteuid(), os.getegid())
    os.mkdir(os.path.join(path, "sub"))
    secret = put(outside, "k", pki.key("ec256"), os.geteuid(), os.getegid(), mode=0o644)
    os.symlink("../k", os.path.join(path, "sub", "inside"))
    os.symlink(secret, os.path.join(path, "link"))
    os.symlink("../" + os.path.basename(outside), os.path.join(path, "dir"))
    os.mkfifo(os.path.join(path, "fifo"))
    with Init(["-C", path, "-U", f"{SOMEBODY}"]) as init:
        channel = init.channel()
        for key in ("k", "./k", "sub/inside", "sub/../k", os.path.join(path, "k")):
            wanted, _ = listen(channel, cert="c", key=key)
            tap.equal(channel.ask("CLOSE", wanted), (None, {}), f"-C: key={key.replace(path, 'DIR')}")
        for key in ("link", "dir/k", secret, "../" + os.path.basename(outside) + "/k", "/etc/passwd"):
            reason = refusal(init, "tls://127.0.0.1:0", cert="c", key=key)
            tap.ok("not below the folder" in reason, f"-C: refused: {reason.replace(path, 'DIR')[:70]}")
        for key, about in (
            ("none", "No such file"),
            ("fifo", "not a regular file"),
            ("sub", "not a regular file"),
        ):
            reason = refusal(init, "tls://127.0.0.1:0", cert="c", key=key)
            tap.ok(about in reason, f"-C: {reason}")
        reason = channel.refused("CONNECT", "tls://127.0.0.1:1?ca=/etc/ssl/certs/ca-certificates.crt")
        tap.ok("not below" in reason, "-C: neither are other trust anchors")
        if is_root():
            got = as_user(SOMEBODY, lambda: listen(init.channel(), cert="c", key="k"))
            tap.ok(got.startswith("("), "-C: a client uses a key that it cannot read", got)
    code, said = service.run(["-C", "/nonexistent"])
    tap.ok(code == 96 and "/nonexistent" in said, f"-C a folder that is not there: {said}")


def who_may_connect():
    with Init() as init:
        tap.equal(os.stat(init.path).st_mode & 0o777, 0o600, "-l: mode 600")
        if is_root():
            got = as_user(SOMEBODY, lambda: init.channel())
            tap.ok("PermissionError" in got or "FileNotFound" in got, f"without -U nobody else: {got}")
    if not is_root():
        return
    os.chmod(proc.TMP, 0o711)
    with Init(["-U", f"{NOBODY},{SOMEBODY}"]) as init:

        def attempt():
            return init.channel().refused("CLOSE", "tcp://127.0.0.1:1")

        for uid, is_welcome in ((NOBODY, True), (SOMEBODY, True), (4711, False)):
            got = as_user(uid, attempt)
            tap.equal("nothing listens" in got, is_welcome, f"-U: uid {uid}: {got}")
    for uids in ("", "x", "1,", "1,,2", "1 2", "-1", ",".join(map(str, range(40)))):
        code, said = service.run(["-l", proc.temp("c"), "-U", uids])
        tap.equal(
            (code, said.count("\n")), (0, 0) if not uids else (100, 1), f"-U '{uids[:10]}': {said.strip()}"
        )
    code, said = service.run(["-l", "/nonexistent/control"])
    tap.ok(code == 111 and "/nonexistent/control" in said, f"-l: {said}")
    code, said = service.run(["-c", "0"])
    tap.equal(code, 100, f"-c 0: {said}")


def is_served(channel):
    try:
        return "nothing listens" in channel.refused("CLOSE", "tcp://127.0.0.1:1")
    except (EOFError, OSError):
        return False


def shares_of_channels():
    """A user who takes all that there are leaves some to others."""
    if not is_root():
        return
    os.chmod(proc.TMP, 0o711)
    with Init(["-U", f"{NOBODY},{SOMEBODY}"]) as init:
        kept = []
        for uid in (SOMEBODY, NOBODY, 0):
            os.seteuid(uid)
            channels = [init.channel() for _ in range(260)]
            os.seteuid(0)
            served = sum(map(is_served, channels))
            tap.ok(4 <= served < 250, f"uid {uid} has {served} channels and no more")
            kept += channels


def leftover_path():
    """A socket that an earlier ktls-init has left is replaced."""
    path = proc.temp("control")
    for _ in range(2):
        code, said = service.run(["-l", path])
        tap.equal((code, said), (0, ""), "the same path again")


# ---- socket activation ----


class Activated:
    """ktls-init started with listening sockets from 3 on."""

    def __init__(self, sockets, **environment):
        self.path = proc.temp("control")
        variables = " ".join(f"{name}='{value}'" for name, value in environment.items())
        shown = "sh -c 'env; ls -l /proc/$$/fd; cat'"
        script = f"LISTEN_PID=$$ {variables} exec '{service.INIT}' -s -l '{self.path}' {shown}"
        script = f"export LISTEN_PID {' '.join(environment)}; {script}"
        fds = {0: "pipe", 1: "pipe", **{3 + i: sock for i, sock in enumerate(sockets)}}
        self.proc = proc.Proc(["sh", "-c", script], proc.environment(CAFILE=pki.ca()), fds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.end()


def activation():
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [sock.getsockname()[1] for sock in listeners]
    with Activated(listeners, LISTEN_FDS=3, LISTEN_FDNAMES="web:plain:") as init:
        proc.await_true(lambda: os.path.exists(init.path), "the control socket")
        for sock in listeners:
            sock.close()
        channel = Channel(init.path)
        wanted = url("tls:fd:web", **good())
        for _ in range(2):
            channel.listen(wanted)
            with tls_client(ports[0]) as tls:
                sock, facts = channel.accept(wanted)
                tap.ok(works(sock, tls) and facts["protocol"] == "TLSv1.3", "ACCEPT tls:fd:web")
            channel.ask("CLOSE", wanted)
        for name, port in (("plain", ports[1]), ("5", ports[2])):
            channel.listen(f"tcp:fd:{name}")
            near = dial(port)
            tap.ok(works(near, channel.accept(f"tcp:fd:{name}")[0]), f"ACCEPT tcp:fd:{name}")
        tap.ok(
            "not started with" in channel.refused("ACCEPT", "tcp:fd:3"), "one that has a name has no number"
        )
        init.proc.close()
        shown = init.proc.read().decode()
        tap.ok("LISTEN_" not in shown, "the variables are gone", shown)
        numbers = re.findall(r"(\d+) -> socket", shown)
        tap.ok(
            len(numbers) == 1 and f"KTLS_FD={numbers[0]}\n" in shown,
            "so are the sockets, but for KTLS_FD",
            shown,
        )
    with socket.socket() as idle, socket.create_server(("127.0.0.1", 0)) as one:
        for sockets, environment in (
            ([idle], {"LISTEN_FDS": 1}),
            ([one], {"LISTEN_FDS": 2}),
            ([one], {"LISTEN_FDS": "x"}),
            ([one], {"LISTEN_FDS": 1000}),
        ):
            with Activated(sockets, **environment) as init:
                tap.equal(init.proc.wait(), 100, f"{environment}: {init.proc.stderr().strip()}")
        with Activated([one], LISTEN_FDS=1, LISTEN_PID=1) as init:
            init.proc.close()
            shown = init.proc.read().decode()
            tap.ok(
                "LISTEN_PID=1\n" in shown and "LISTEN_FDS=1\n" in shown,
                "those of another process stay as they are",
            )


# ---- what prog inherits ----


def inherited():
    script = """
import os, socket, sys
sys.path.insert(0, sys.argv[1])
import service
assert os.environ["KTLS_FD"] == os.environ["TINIKTLS_FD"]
shared = socket.socket(fileno=int(os.environ["KTLS_FD"]))
fds = [fd for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)]
print(sorted(map(int, fds)) == [0, 1, 2, shared.fileno(), int(os.environ["KTLS_PATH"].split("/")[-1])])
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
socket.send_fds(shared, [b"ATTACH\\n"], [theirs.fileno()])
theirs.close()
attached, common = service.Channel(ours), service.Channel(shared)
attached.send("CONNECT tcp://127.0.0.1:1?id=a")
common.send("CONNECT tcp://127.0.0.1:1?id=b")
print(common.packet()[0].split()[3], attached.packet()[0].split()[3])
"""
    got = subprocess.run(
        [service.INIT, "-s", sys.executable, "-c", script, proc.LIB], capture_output=True, text=True
    )
    tap.equal(
        (got.stdout, got.stderr),
        ("True\nid=b id=a\n", ""),
        "KTLS_FD and KTLS_PATH are all that is inherited; ATTACH makes a channel of one's own",
    )
    code, said = service.run(["-n"], ["sh", "-c", "test -z $KTLS_FD$TINIKTLS_FD"])
    tap.equal((code, said), (0, ""), "-n: no service")


def closed_descriptors():
    """Without some of 0, 1 and 2 there is a service, and prog is without them, too."""
    report = proc.temp("report")
    show = "for fd in 0 1 2; do test -e /proc/self/fd/$fd && echo has $fd >&9; done"
    ask = "ktls-connect tcp://127.0.0.1:1 true"
    for closed in ("0<&-", "0<&- 1>&-", "0<&- 2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"):
        prog = f"exec 9>{report}; {show}; {ask} 2>&9"
        path = proc.temp("control")
        script = f"exec {closed}; exec ktls-init -s -l {path} sh -c '{prog}'"
        subprocess.run(["sh", "-c", script], env=proc.environment(), timeout=proc.LIMIT)
        with open(report) as f:
            said = f.read()
        tap.ok("Connection refused" in said, f"{closed}: there is a service", said)
        has = [fd for fd in "012" if f"has {fd}" in said]
        tap.equal(has, [fd for fd in "012" if fd not in closed], "prog has the others")


def senders_of_packets():
    """On what all inherit, each packet is its sender's."""
    if not is_root():
        return
    path = folder()
    key = put(path, "k", pki.key("ec256"))
    cert = put(path, "c", pki.crt("ec256"), mode=0o644)
    script = f"""
import os, socket
channel = socket.socket(fileno=int(os.environ["KTLS_FD"]))
for uid in (0, {SOMEBODY}):
    os.setresuid(uid, uid, 0)
    channel.send(b"ACCEPT tls://127.0.0.1:{peers.free_port()}?cert={cert}&key={key}\\n")
    channel.send(b"CLOSE tcp:fd:0\\n")
    print(channel.recv(4096).decode().split()[1:2], flush=True)
    if uid: print(channel.recv(4096).decode().split()[1:2])
"""
    got = subprocess.run([service.INIT, "-s", sys.executable, "-c", script], capture_output=True, text=True)
    tap.equal(
        (got.stdout, got.stderr), ("['CLOSE']\n['ACCEPT']\n['CLOSE']\n", ""), "root may, and then it may not"
    )


def root_of(pid):
    try:
        return os.listdir(f"/proc/{pid}/root/")
    except ProcessLookupError:
        return []  # that of a process that is gone


def workers_are_jailed():
    """While a handshake waits for its peer."""
    with Init() as init, socket.create_server(("127.0.0.1", 0)) as silent:
        channel = init.channel()
        channel.send(f"CONNECT tls://127.0.0.1:{silent.getsockname()[1]}")
        sock, _ = silent.accept()
        sock.recv(1)
        (worker,) = init.workers()
        with open(f"/proc/{worker}/status") as f:
            status = dict(re.findall(r"^(\w+):[ \t]*(.*)$", f.read(), re.M))
        tap.equal((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"), "a filter for system calls")
        if is_root():
            tap.equal(
                (status["Uid"].split(), status["Groups"].strip()), ([str(NOBODY)] * 4, ""), "nobody's rights"
            )
            tap.equal(root_of(worker), [], "an empty root directory")
        sock.close()


def wrong_accounts():
    """-1 would change nothing: the handshakes would run as root."""
    if not is_root():
        return
    for variable, value in (("TLS_UID", "4294967295"), ("TLS_GID", "4294967295"), ("TLS_UID", "x"), ("TLS_GID", "")):
        code, said = service.run([], env={variable: value})
        tap.ok(code == 100 and variable in said, f"{variable}={value}", f"exit {code}: {said}")


ALL = [
    files_of_clients,
    wrong_accounts,
    key_folder,
    who_may_connect,
    shares_of_channels,
    leftover_path,
    activation,
    inherited,
    closed_descriptors,
    senders_of_packets,
    workers_are_jailed,
]
