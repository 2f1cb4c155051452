#!/usr/bin/python3
# ktls-init on a terminal: the program is in the foreground, keys' signals reach
# it, and a shell's job control works through ktls-init.
# runs: host
# runs: oldest kernel; not: sanitizers

import contextlib
import os
import pty
import re
import select
import signal
import sys
import time

import lib
import init
import proc
import tap
from init import BOTH, INIT, NAMESPACE, PROCESS_1, SUBREAPER, WITNESS

INTERRUPT, SUSPEND = b"\x03", b"\x1a"


class Terminal:
    """A new session on a new terminal; leader() runs in it."""

    def __init__(self, leader):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            code = 111
            try:
                code = leader()
            finally:
                os._exit(code)
        self.output = b""

    def key(self, what):
        os.write(self.fd, what)

    def expect(self, pattern):
        """The match, in what has come since the one before."""
        end = time.monotonic() + proc.LIMIT
        while True:
            found = re.search(pattern, self.output)
            if found:
                self.output = self.output[found.end() :]
                return found
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise proc.Timeout(f"waited for {pattern}; got {self.output!r}")
            try:
                self.output += os.read(self.fd, 4096)
            except OSError:  # nobody has the terminal any more
                raise proc.Timeout(f"{pattern} never came; got {self.output!r}") from None

    def wait(self):
        """The leader's exit code."""
        pidfd = os.pidfd_open(self.pid)
        try:
            if not select.select([pidfd], [], [], proc.LIMIT)[0]:
                raise proc.Timeout("the session does not end")
        finally:
            os.close(pidfd)
        status = os.waitpid(self.pid, 0)[1]
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def execute(argv):
    os.execvpe(argv[0], argv, init.environment())


def facts(terminal):
    line = terminal.expect(rb"pid=[^\n]*ready").group(0)
    terminal.expect(rb"watching")
    return dict(word.split("=") for word in line.decode().split() if "=" in word)


def foreground():
    cases = {SUBREAPER: [INIT, "-ns"], PROCESS_1: [*NAMESPACE, "setsid", "--ctty", INIT, "-n"]}
    # only root may take the terminal from the session that has it
    for name, prefix in ((name, cases[name]) for name in (BOTH if os.geteuid() == 0 else (SUBREAPER,))):
        with Terminal(lambda prefix=prefix: execute([*prefix, WITNESS, "report"])) as terminal:
            got = facts(terminal)
            tap.equal(got["foreground"], got["pid"], f"{name}: the program's group is in the foreground")
            tap.equal(got["pgrp"], got["pid"], f"{name}: a group of its own")
            terminal.key(INTERRUPT)
            tap.ok(terminal.expect(rb"signal 2\b"), f"{name}: ^C is SIGINT for it")
            terminal.key(b"hello\n")
            tap.ok(terminal.expect(rb"read hello"), f"{name}: it can read the terminal")
            terminal.key(b"exit 7\n")
            tap.equal(terminal.wait(), 7, f"{name}: exit code")


class Shell:
    """What an interactive shell does with one job."""

    def __init__(self, argv, background=False):
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        self.pid = os.fork()
        if not self.pid:
            os.setpgid(0, 0)
            if not background:
                os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            execute(argv)
        with contextlib.suppress(PermissionError):
            os.setpgid(self.pid, self.pid)

    def wait(self):
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if os.WIFSTOPPED(status):
            print(f"shell: stopped {os.WSTOPSIG(status)}", flush=True)
        else:
            print(f"shell: ended {os.waitstatus_to_exitcode(status)}", flush=True)

    def fg(self):
        os.tcsetpgrp(0, self.pid)
        os.killpg(self.pid, signal.SIGCONT)

    def bg(self):
        os.killpg(self.pid, signal.SIGCONT)


def session_of_jobs(go_on):
    shell = Shell([INIT, "-ns", WITNESS, "report"])
    shell.wait()
    shell.fg()
    shell.wait()
    shell.bg()
    print("shell: in the background", flush=True)
    os.read(go_on, 1)
    shell.fg()
    shell.wait()
    return 0


def job_control():
    """Two stops, the second continued in the background first."""
    go_on, let_go_on = os.pipe()
    with Terminal(lambda: session_of_jobs(go_on)) as terminal:
        program = int(facts(terminal)["pid"])
        for turn in ("first", "second"):
            os.kill(program, signal.SIGSTOP)
            tap.equal(
                terminal.expect(rb"shell: stopped (\d+)").group(1), b"20", f"{turn} stop: the shell is told"
            )
            if turn == "second":
                terminal.expect(rb"shell: in the background")
                os.write(let_go_on, b"x")
            tap.ok(terminal.expect(rb"signal 18\b"), f"{turn} stop: fg continues the program")
            proc.await_true(lambda: in_foreground(program), "the program to have the terminal")
            terminal.key(b"hello\n")
            tap.ok(terminal.expect(rb"read hello"), f"{turn} stop: with the terminal")
        terminal.key(b"exit 3\n")
        tap.ok(terminal.expect(rb"shell: ended 3\b"), "and its exit code is the job's")
        tap.equal(terminal.wait(), 0, "the shell has the terminal back")


def in_foreground(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return fields[2] == fields[5]  # pgrp, tpgid


def suspend_key():
    """^Z, with a program that leaves SIGTSTP as it is."""

    def session():
        shell = Shell([INIT, "-ns", WITNESS, "die"])
        print("shell: started", flush=True)
        shell.wait()
        shell.fg()
        shell.wait()
        return 0

    with Terminal(session) as terminal:
        terminal.expect(rb"shell: started")
        ours = proc.await_true(lambda: init.children(terminal.pid), "ktls-init")[0]
        program = proc.await_true(lambda: init.children(ours), "the program")[0]
        proc.await_true(lambda: in_foreground(program) and "witness" in command(program), "the witness")
        terminal.key(SUSPEND)
        tap.ok(terminal.expect(rb"shell: stopped 20\b"), "^Z stops the job, not the program alone")
        proc.await_true(lambda: init.state(program) != "T", "the program to continue")
        terminal.key(INTERRUPT)
        tap.ok(terminal.expect(rb"shell: ended 130\b"), "after fg ^C ends it: 130")
        terminal.wait()


def command(pid):
    with open(f"/proc/{pid}/cmdline") as f:
        return f.read()


def script():
    """A script's next command can read the terminal again."""
    argv = ["sh", "-c", f"'{INIT}' -ns true; read line; echo got $line"]
    with Terminal(lambda: execute(argv)) as terminal:
        terminal.key(b"something\n")
        tap.ok(terminal.expect(rb"got something"), "after the program the terminal is its starter's again")
        tap.equal(terminal.wait(), 0, "and the script ends")


def background():
    """Started in the background it does not take the terminal."""

    def session():
        Shell([INIT, "-ns", WITNESS, "report"], background=True)
        print("foreground", os.tcgetpgrp(0) == os.getpgrp(), flush=True)
        assert sys.stdin.readline() == "next\n"
        print("foreground", os.tcgetpgrp(0) == os.getpgrp(), flush=True)
        return 0

    with Terminal(session) as terminal:
        terminal.expect(rb"foreground True")
        got = facts(terminal)
        tap.ok(got["foreground"] != got["pid"], "a job in the background leaves the terminal to the shell")
        terminal.key(b"next\n")
        tap.ok(terminal.expect(rb"foreground True"), "which reads from it")
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(got["pid"]), signal.SIGKILL)
        terminal.wait()


tap.main(foreground, job_control, suspend_key, script, background)
