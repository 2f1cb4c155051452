"""Processes: started with exact descriptors, awaited with a limit, and ended
by what started them."""

import atexit
import errno
import fcntl
import itertools
import os
import platform
import re
import select
import shutil
import signal
import socket
import stat
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIB = os.path.join(ROOT, "tests", "lib")
BUILD = os.environ.get("KTLS_BUILD") or os.path.join(ROOT, "build")
TMP = tempfile.mkdtemp(prefix="ktls-test.")


def _everybody_may_enter(path):
    while path != "/":
        if not os.stat(path).st_mode & stat.S_IXOTH:
            return False
        path = os.path.dirname(path)
    return True


def _link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def installed():
    """A folder of the programs that everybody may enter and that has no space in its
    path, with the libraries beside it."""
    folder = os.path.join(TMP, "bin")
    if not os.path.exists(folder):
        os.chmod(TMP, 0o711)
        for source, target in ((_BUILT, folder), (os.path.join(BUILD, "lib"), os.path.join(TMP, "lib"))):
            os.mkdir(target)
            for name in os.listdir(source):
                _link_or_copy(os.path.join(source, name), os.path.join(target, name))
    return folder


_BUILT = os.path.abspath(os.environ.get("KTLS_BIN") or os.path.join(BUILD, "bin"))
# A program executes others after it has dropped its rights, which it cannot below a
# folder that is root's alone, such as /root.
BIN = _BUILT if os.geteuid() != 0 or _everybody_may_enter(_BUILT) else installed()
TLSD = os.path.join(BIN, "ktls-tlsd")
TLSC = os.path.join(BIN, "ktls-tlsc")
MODE = os.environ.get("KTLS_TEST_MODE", "user")  # the data path of tests that go through any
LIMIT = 300.0  # seconds: only what hangs takes so long, with sanitizers and under load too

_running = {}
_numbers = itertools.count(1)  # each next() is one step, for threads too
_owner = os.getpid()

# what we inherited beyond 0, 1, 2 is not for those we start
for _fd in map(int, os.listdir("/proc/self/fd")):
    if _fd > 2 and os.path.exists(f"/proc/self/fd/{_fd}"):
        os.set_inheritable(_fd, False)


class Timeout(Exception):
    pass


def temp(name):
    """A path in this test's own directory, new at every call."""
    return os.path.join(TMP, f"{next(_numbers)}-{name}")


def environment(**changes):
    """Ours, with the programs first in PATH; None removes a variable."""
    env = {name: value for name, value in os.environ.items() if name not in OUR_VARIABLES}
    env["PATH"] = BIN + ":" + env.get("PATH", "/usr/bin:/bin")
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


OUR_VARIABLES = {
    "KTLS_MODE",
    "CADIR",
    "CRLDIR",
    "CRLFILE",
    "PEERPIN",
    "CAFILE",
    "CERTFILE",
    "KEYFILE",
    "TLS_UID",
    "TLS_GID",
    "SSL_PROTOCOL",
    "SSL_CIPHER",
    "SSL_TLS_SNI_SERVERNAME",
    "SSL_PEER_CERT_HASH",
    "SSL_PEER_CERT_SUBJECT",
}


class Proc:
    """A child in a process group of its own. fds maps a number in the child to
    a descriptor here; "pipe" makes one and keeps our end in .pipe[number].
    0 and 1 default to /dev/null, 2 goes to a file that .stderr() reads."""

    def __init__(self, argv, env=None, fds=None):
        self.argv = argv
        self.errors = temp("stderr")
        self.pipe = {}
        self.status = None
        theirs, actions = [], [
            (os.POSIX_SPAWN_OPEN, 2, self.errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        ]
        wanted = {0: None, 1: None}
        wanted.update(fds or {})
        sources = {number: self._source(number, fd, theirs) for number, fd in wanted.items()}
        # sources are moved out of the way of the numbers that are wanted
        sources = {number: self._above(fd, theirs) for number, fd in sources.items()}
        actions += [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in sources.items()]
        path = (
            argv[0] if "/" in argv[0] else shutil.which(argv[0], path=(env or os.environ)["PATH"]) or argv[0]
        )
        try:
            self.pid = os.posix_spawn(
                path,
                argv,
                env if env is not None else environment(),
                file_actions=actions,
                setpgroup=0,
                setsigdef=[signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ],
            )
        finally:
            for fd in theirs:
                os.close(fd)
        _running[self.pid] = self

    def _source(self, number, fd, theirs):
        if fd is None:
            theirs.append(os.open("/dev/null", os.O_RDWR))
            return theirs[-1]
        if fd == "pipe":
            r, w = os.pipe()
            ours, their = (w, r) if number == 0 else (r, w)
            self.pipe[number] = ours
            theirs.append(their)
            return their
        return fd if isinstance(fd, int) else fd.fileno()

    @staticmethod
    def _above(fd, theirs):
        theirs.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100))
        return theirs[-1]

    def stderr(self):
        with open(self.errors, errors="replace") as f:
            return f.read()

    def write(self, data):
        os.write(self.pipe[0], data)

    def close(self, number=0):
        if number in self.pipe:
            os.close(self.pipe.pop(number))

    def read(self, limit=None, until=None, size=1 << 20, fd=1):
        """Standard output: to its end, or until a regular expression matches."""
        end, data = time.monotonic() + (limit or LIMIT), b""
        pattern = re.compile(until) if until else None
        while not (pattern and pattern.search(data)):
            ready, _, _ = select.select([self.pipe[fd]], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise Timeout(
                    f"{self.argv}: waited for {until or 'end of output'}; got {data[-2000:]!r};"
                    f" stderr {self.stderr()[-2000:]!r}"
                )
            chunk = os.read(self.pipe[fd], size)
            if not chunk:
                break
            data += chunk
        return data

    def wait(self, limit=None):
        """The exit code, 128+signal as a shell has it."""
        if self.status is None:
            pidfd = os.pidfd_open(self.pid)
            try:
                if not select.select([pidfd], [], [], limit or LIMIT)[0]:
                    raise Timeout(f"{self.argv} did not end; stderr {self.stderr()[-2000:]!r}")
            finally:
                os.close(pidfd)
            self._reap()
        return self.status

    def has_ended(self):
        return self.status is not None or os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _reap(self):
        status = os.waitpid(self.pid, 0)[1]
        self.status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def end(self):
        """Ends it and all of its group; harmless when it is over."""
        try:
            os.killpg(self.pid, signal.SIGTERM if self.status is None else signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        try:
            self.wait(3)
        except Timeout:
            os.killpg(self.pid, signal.SIGKILL)
            self.wait()
        for number in list(self.pipe):
            self.close(number)
        _running.pop(self.pid, None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def await_true(condition, what, limit=None):
    """For states that no descriptor announces (/proc)."""
    end = time.monotonic() + (limit or LIMIT)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout("waited for " + what)
        time.sleep(0.01)


def kernel_has_tls():
    """The ULP on a socket that is not connected: ENOTCONN where there is TLS,
    ENOENT where there is none."""
    with socket.socket() as s:
        try:
            s.setsockopt(socket.IPPROTO_TCP, 31, b"tls")
        except OSError as e:
            return e.errno == errno.ENOTCONN
    return True


def kernel_can_rekey():
    """TLS 1.3 keys can be replaced since Linux 6.14."""
    return tuple(map(int, platform.release().split("-")[0].split(".")[:2])) >= (6, 14)


def processes():
    """{pid: (parent, command, argv)} of all that run."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                before, after = f.read().rsplit(")", 1)
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if after.split()[0] != "Z":
            found[int(pid)] = (int(after.split()[1]), before.split("(", 1)[1], argv)
    return found


def descendants(pid):
    everyone = processes()
    found, more = {}, {pid}
    while more:
        more = {p for p, (parent, _, _) in everyone.items() if parent in more and p not in found}
        found.update({p: everyone[p] for p in more})
    return found


def descriptors(pid):
    """{number: what it is}"""
    folder = f"/proc/{pid}/fd"
    return {int(fd): os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)}


def access_modes(pid):
    """{number: O_RDONLY, O_WRONLY or O_RDWR}"""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        with open(f"/proc/{pid}/fdinfo/{fd}") as f:
            flags = next(line.split()[1] for line in f if line.startswith("flags:"))
        found[int(fd)] = int(flags, 8) & os.O_ACCMODE
    return found


@atexit.register
def _end_everything():
    if os.getpid() != _owner:
        return
    for proc in list(_running.values()):
        try:
            proc.end()
        except Exception:
            pass
    shutil.rmtree(TMP, ignore_errors=True)
