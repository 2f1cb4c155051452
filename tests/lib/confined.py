"""ktls-init and ktls-tlsd where the system allows less than it usually does: as
in containers, made of single tricks."""

import errno
import os
import socket

import pki
import proc
import programs
import separation
import tap
from control import Server, listen, works
from service import Init, good

REFUSE = os.path.join(proc.BUILD, "tests", "e2e", "refuse-calls")
LESS = "handshakes are protected by less: "

# No /proc, and no folder that can be written to but those of the test.
FOLDERS = "/tmp /dev/shm /run /var/tmp"
BARREN = f"""
set -e
mount --make-rprivate /
exec 8<'{proc.TMP}' 9<'{os.path.abspath(proc.BUILD)}'
for each in {FOLDERS}; do mount -t tmpfs -o nr_inodes=20 none $each; done
mkdir -p '{proc.TMP}' '{os.path.abspath(proc.BUILD)}'
mount --no-canonicalize --bind /proc/self/fd/8 '{proc.TMP}'
mount --no-canonicalize --bind /proc/self/fd/9 '{os.path.abspath(proc.BUILD)}'
exec 8<&- 9<&-
for each in {FOLDERS}; do @SPOIL@; done
cd /tmp
mount -t tmpfs -o ro none /proc
exec "$@"
"""
READ_ONLY = "mount -o remount,ro $each"
FULL = "i=0; while mkdir $each/$i 2>&-; do i=$((i + 1)); done"


def barren(spoil):
    return ("unshare", "--mount", "sh", "-c", BARREN.replace("@SPOIL@", spoil), "sh")


def refusing(error, *calls):
    return (REFUSE, str(error), ",".join(calls))


def without(*capabilities):
    return ("setpriv", "--bounding-set", ",".join("-" + capability for capability in capabilities))


def serves(init):
    """A connection in each direction; the descriptors of a worker in the middle of a handshake."""
    channel = init.channel()
    with Server() as server:
        sock, _ = init.channel().connect(f"tls://127.0.0.1:{server.port}")
        if not works(sock):
            return None
    wanted, port = listen(channel, **good())
    near, _ = init.channel().connect(f"tls://127.0.0.1:{port}")
    if not works(near, channel.accept(wanted)[0]):
        return None
    return descriptors_of_worker(init)


def descriptors_of_worker(init):
    proc.await_true(lambda: not init.workers(), "no worker")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        channel = init.channel()
        channel.send(f"CONNECT tls://127.0.0.1:{silent.getsockname()[1]}")
        sock, _ = silent.accept()
        sock.recv(1)
        (worker,) = init.workers()
        kinds = sorted({link.split(":")[0] for link in proc.descriptors(worker).values()})
        sock.close()
    return kinds


def check_service(wrapper, name, missing):
    if wrapper and not separation.is_allowed(*wrapper):
        return tap.skip(name, "not possible here")
    with Init(["-v"], wrapper=wrapper) as init:
        kinds = serves(init)
        tap.ok(kinds is not None, f"{name}: the service works", init.proc.stderr)
        tap.ok(
            kinds in (["/dev/null", "socket"], ["socket"]),
            f"{name}: its handshakes have no descriptors but their own",
            str(kinds),
        )
        lines = [line for line in init.proc.stderr().splitlines() if LESS in line]
        told = sorted(part.split(": ")[0] for part in lines[0].split(LESS)[1].split("; ")) if lines else []
        tap.equal((len(lines), told), (int(bool(missing)), sorted(missing)), f"{name}: what -v tells", str(lines))
    with Init(wrapper=wrapper) as init:
        tap.equal(init.proc.stderr(), "", f"{name}: without -v nothing is told")


ROOT, ACCOUNT, FILTER = "empty root directory", "change of uid and gid", "system call filter"
CAPABILITIES, LIMITS = "giving up capabilities", "resource limits"


def service():
    check_service((), "without any restriction", [])
    for wrapper, name, missing in (
        (without("sys_chroot"), "without SYS_CHROOT", [ROOT]),
        (without("setuid"), "without SETUID", [ACCOUNT]),
        (without("setgid"), "without SETGID", [ACCOUNT]),
        (without("all"), "without any capability", [ROOT, ACCOUNT]),
        (barren(READ_ONLY), "without /proc, all folders read-only", [ROOT]),
        (barren(FULL), "without /proc, all folders full", [ROOT]),
        (refusing(errno.EPERM, "close_range"), "close_range refused", []),
        (refusing(errno.ENOSYS, "close_range"), "without close_range", []),
        (
            (*barren(READ_ONLY), *refusing(errno.EPERM, "close_range")),
            "without /proc and close_range",
            [ROOT],
        ),
        (refusing(errno.EINVAL, "filter"), "without system call filters", [FILTER]),
        (refusing(errno.EPERM, "capset", "prlimit64"), "capset and prlimit refused", [CAPABILITIES, LIMITS]),
        (
            refusing(errno.EPERM, "capset", "prlimit64", "chroot", "setgroups", "filter", "close_range"),
            "all of them",
            [ROOT, LIMITS, ACCOUNT, CAPABILITIES, FILTER],
        ),
    ):
        check_service(wrapper, name, missing)


def separate_handshakes():
    """With TLS_UID all of the jail, or a reason and no prog."""
    for wrapper, why in (
        (without("sys_chroot"), "empty root directory: Operation not permitted"),
        (barren(READ_ONLY), "empty root directory: Read-only file system"),
        (barren(FULL), "empty root directory: No space left on device"),
        (refusing(errno.EPERM, "chroot"), "empty root directory: Operation not permitted"),
        (refusing(errno.EINVAL, "filter"), "system call filter: Invalid argument"),
    ):
        if not separation.is_allowed(*wrapper):
            tap.skip(why, "not possible here")
            continue
        outcome = programs.meet(programs.TLSD, env=separation.ENV, wrapper=wrapper)
        wanted = f"ktls-tlsd: fatal: jail for the handshake: {why}"
        tap.equal((outcome.code, outcome.env, outcome.errors[:1]), (97, None, [wanted]), f"TLS_UID: {why}")
    for error in (errno.EPERM, errno.ENOSYS):
        outcome = programs.meet(
            programs.TLSD, env=separation.ENV, wrapper=refusing(error, "close_range")
        )
        tap.equal(outcome.code, 0, f"TLS_UID, close_range fails with {errno.errorcode[error]}", outcome.errors)


ALL = [service, separate_handshakes]
