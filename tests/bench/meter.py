"""A server's CPU time, and what benchmarks share besides."""

import ctypes
import os
import resource
import shutil
import signal

import answer
import proc

PR_SET_CHILD_SUBREAPER = 36


class Meter:
    """A server below a process that outlives everything the server starts, and
    so can tell the CPU time of all of it. filtered: answer.py's system call
    filter; daemon: the server has processes that only a signal ends."""

    def __init__(self, argv, env, port=None, filtered=False, daemon=False):
        self.filtered, self.daemon = filtered, daemon
        self.errors = proc.temp("server")
        self.report, report = os.pipe()
        control, self.control = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.control)
            try:
                self._below(argv, env, control, report)
            finally:
                os._exit(1)
        os.close(control)
        os.close(report)
        self.port = int(os.read(self.report, 100)) if port is None else port

    def _below(self, argv, env, control, report):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        if self.filtered:
            answer.for_kernel()
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        errors = os.open(self.errors, os.O_WRONLY | os.O_CREAT)
        server = os.posix_spawn(
            shutil.which(argv[0]),
            argv,
            env,
            setsigdef=[signal.SIGTERM],
            file_actions=[(os.POSIX_SPAWN_DUP2, report, 1), (os.POSIX_SPAWN_DUP2, errors, 2)],
        )
        os.read(control, 1)
        if not self.daemon:
            proc.await_true(lambda: idle(server), "the server's last process")
        os.kill(server, signal.SIGTERM)
        try:
            while True:
                os.wait()
        except ChildProcessError:
            pass
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.write(report, b"%d %d" % (used.ru_utime * 1e6, used.ru_stime * 1e6))
        os._exit(0)

    def stop(self):
        """CPU milliseconds, user and system, of all that the server was."""
        os.write(self.control, b"x")
        used = tuple(int(n) / 1000 for n in os.read(self.report, 100).split())
        os.waitpid(self.pid, 0)
        os.close(self.control)
        os.close(self.report)
        return used


def idle(server):
    """Only the server itself is left, and who watches it; zombies have been counted."""
    family = proc.descendants(os.getpid())
    return all(pid == server or name == "strace" for pid, (_, name, _) in family.items())


def wait_for(port):
    def listening():
        needle = f":{port:04X} 00000000:0000 0A"
        with open("/proc/net/tcp") as f:
            return needle in f.read()

    proc.await_true(listening, f"port {port}")


def tcpserver(*argv):
    return ["tcpserver", "-1", "-RHl0", "127.0.0.1", "0", *argv]


def is_uml():
    with open("/proc/cpuinfo") as f:
        return "User Mode Linux" in f.read()
