#!/usr/bin/python3
# ktls-init: exit codes, options, variables, messages, what the program is given.
# runs: host
# runs: oldest kernel; not: sanitizers

import os
import signal
import subprocess
import sys

import lib
import init
import proc
import tap
from init import BOTH, INIT, PROCESS_1, WITNESS, Init, run

USAGE = 100
SANITIZED = os.environ.get("KTLS_TEST_SLOW", "1") != "1"


def exit_codes():
    for how in BOTH:
        for code in (0, 1, 7, 42, 255):
            tap.equal(run(prog=["sh", "-c", f"exit {code}"], how=how), (code, ""), f"{how}: exit code {code}")
        for name in ("KILL", "TERM", "USR1", "SEGV"):
            wanted = 128 + getattr(signal, "SIG" + name)
            got = run(prog=["sh", "-c", f"ulimit -c 0; kill -{name} $$"], how=how)
            tap.equal(got, (wanted, ""), f"{how}: the program ends by SIG{name}: {wanted}")


def cannot_execute():
    plain = proc.temp("not-executable")
    with open(plain, "w"):
        pass
    for how in BOTH:
        for prog, code, why in (
            ("/nonexistent/program", 127, "No such file or directory"),
            ("nonexistent-program", 127, "No such file or directory"),
            (plain, 126, "Permission denied"),
            ("/", 126, "Permission denied"),
        ):
            got, said = run(prog=[prog], how=how)
            shown = prog.replace(plain, "a file that is not executable")
            tap.equal(got, code, f"{how}: {shown}: {code}")
            tap.equal(said, f"ktls-init: fatal: executing {prog}: {why}\n", f"{how}: {shown}: one line")


def scripts():
    """As with execvp: what begins with no #! is for the shell; empty folders in PATH are the current one."""
    folder = proc.temp("scripts")
    os.mkdir(folder)
    script, odd = os.path.join(folder, "script"), os.path.join(folder, "odd")
    for path, text in ((script, 'test "$1" = a && test $# = 2 && exit 7'), (odd, "#!/nonexistent/shell")):
        with open(path, "w") as f:
            f.write(text + "\n")
        os.chmod(path, 0o755)
    for name, path in ((script, None), ("script", folder), ("script", f"/nonexistent:/etc/passwd:{folder}")):
        env = init.environment(**({"PATH": path} if path else {}))
        got = subprocess.run([INIT, "-ns", name, "a", "b c"], env=env, capture_output=True, text=True)
        tap.equal((got.returncode, got.stderr), (7, ""), "a script without #!" + " in PATH" * bool(path))
    for path in ("", ":/nonexistent", "/nonexistent:", "/nonexistent::/nonexistent"):
        env = init.environment(PATH=path)
        got = subprocess.run([INIT, "-ns", "script", "a", "b"], env=env, cwd=folder, capture_output=True, text=True)
        tap.equal((got.returncode, got.stderr), (7, ""), f"PATH={path} has the current folder")
    env = init.environment(PATH=None)
    tap.equal(subprocess.run([INIT, "-ns", "true"], env=env).returncode, 0, "without PATH: the default one")
    for name in ("", odd):
        got = subprocess.run([INIT, "-ns", name], env=init.environment(), capture_output=True, text=True)
        said = f"ktls-init: fatal: executing {name}: No such file or directory\n"
        tap.equal((got.returncode, got.stderr), (127, said), f"{name or 'an empty name'}: not found")


def file_limit():
    """A file that may not grow takes no message, and nothing is killed for that."""
    for words, code in (
        (["-n", "/nonexistent"], 127),
        (["-nvv", "true"], 0),
        (["-vv", "ktls-connect", "tcp://127.0.0.1:1", "true"], 98),
        (["-vv", "ktls-connect"], 100),
        (["-vv", "ktls-accept", "tcp://192.0.2.1:1", "true"], 98),
        (["-n", "sh", "-c", "trap - XFSZ; exec grep ^SigCgt:.*0$ /proc/self/status"], 0),
    ):
        with proc.Proc(["prlimit", "--fsize=0", INIT, *words], proc.environment(), {1: "pipe"}) as one:
            one.read()
            tap.equal((one.wait(), one.stderr()), (code, ""), f"RLIMIT_FSIZE=0: {' '.join(words)}: exit {code}")


def expected_codes():
    for options, code, wanted in (
        (["-e", "143"], 143, 0),
        (["-e", "143"], 1, 1),
        (["-e", "3", "-e", "7"], 3, 0),
        (["-e", "3", "-e", "7"], 7, 0),
        (["-e", "3", "-e", "7"], 0, 0),
        (["-e3", "--expect-code", "255"], 255, 0),
        (["--expect-code=0"], 0, 0),
        (["-e", "3"], 4, 4),
    ):
        got = run(options, ["sh", "-c", f"exit {code}"])
        tap.equal(got, (wanted, ""), f"{' '.join(options)}: {code} becomes {wanted}")
    got = run(["-e", "143"], ["sh", "-c", "kill -TERM $$"])
    tap.equal(got, (0, ""), "-e 143: SIGTERM becomes 0")


def usage():
    for options in (
        ["-%"],
        ["-e", "256"],
        ["-e", "-1"],
        ["-e", "x"],
        ["-e", ""],
        ["-p", "SIGNOTHING"],
        ["-p", ""],
        ["-p", "0"],
        ["-p", "999"],
        ["--no-such-option"],
    ):
        code, said = run(options)
        tap.ok(
            code == USAGE and said.count("\n") == 1 and said.startswith("ktls-init: "),
            f"{' '.join(options)}: exit {code}",
            said,
        )
    code, said = run(prog=[])
    tap.ok(code == USAGE and "usage" in said, "no program: exit 100", said)
    for value in ("x", "", "-1"):
        code, said = run(env={"TINI_VERBOSITY": value})
        tap.ok(code == USAGE and "TINI_VERBOSITY" in said, f"TINI_VERBOSITY={value}: exit {code}", said)
    tap.equal(run([], ["--", "sh", "-c", "exit 4"])[0], 4, "-- ends the options")


def help_and_version():
    for option in ("-h", "--help"):
        got = subprocess.run([INIT, option], capture_output=True, text=True)
        tap.ok(
            got.returncode == 0 and got.stdout.startswith("usage: ktls-init ") and not got.stderr,
            f"{option}: usage on the standard output",
            got,
        )
    with open(os.path.join(proc.ROOT, "package", "info")) as info:
        version = info.read().split("version=")[1].split()[0]
    got = subprocess.run([INIT, "--version"], capture_output=True, text=True)
    tap.equal((got.returncode, got.stdout), (0, f"ktls-init {version}\n"), "--version")


def verbosity():
    def said(options=(), env=None, subreaper=True):
        argv = [INIT, "-n", *(["-s"] if subreaper else []), *options, "true"]
        got = subprocess.run(argv, env=init.environment(**(env or {})), capture_output=True, text=True)
        return got.stderr

    tap.equal(said(), "", "nothing to say by default")
    become = f"import ctypes, os; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); os.execv({INIT!r}, ['i', '-n', 'true'])"
    got = subprocess.run([sys.executable, "-c", become], env=init.environment(), capture_output=True, text=True)
    tap.equal((got.returncode, got.stderr), (0, ""), "whoever executes us is a subreaper already: no warning")
    tap.ok("warning" in said(subreaper=False), "neither process 1 nor a subreaper: a warning")
    tap.equal(said(subreaper=False, env={"TINI_VERBOSITY": "0"}), "", "TINI_VERBOSITY=0: no warning")
    if PROCESS_1 in BOTH:
        tap.equal(run(how=PROCESS_1), (0, ""), "process 1: no warning")
    else:
        tap.skip("process 1", "no namespaces can be made here")
    info = said(["-v"])
    tap.ok("info: true is process" in info and "exited: 0" in info, "-v: what becomes of the program", info)
    tap.ok("info" in said(env={"TINI_VERBOSITY": "2"}), "TINI_VERBOSITY=2: the same")
    tap.ok("info" in said(["-v"], {"TINI_VERBOSITY": "1"}), "-v is added to TINI_VERBOSITY")
    tap.equal(said(["-v"], {"TINI_VERBOSITY": "0"}), "", "-v is added to TINI_VERBOSITY=0")
    with Init(options=["-vv"]) as one:
        one.ready().send(signal.SIGUSR1)
        one.signals(signal.SIGUSR1)
        tap.ok("debug: passing on signal 10" in one.proc.stderr(), "-vv: the signals", one.proc.stderr())


def variables():
    for name, field, options in (
        ("TINI_SUBREAPER", "", ()),
        ("TINI_KILL_PROCESS_GROUP", "", ("-s",)),
    ):
        got = subprocess.run(
            [INIT, *options, "sh", "-c", f'echo "${{{name}-unset}}"'],
            env=init.environment(**{name: field}),
            capture_output=True,
            text=True,
        )
        tap.equal((got.stdout, got.stderr), ("\n", ""), f"{name}: set but empty counts, and is passed on")


def what_the_program_is_given():
    """Masks, dispositions and descriptors as ktls-init got them itself."""
    wrapper = ["env", "--ignore-signal=HUP,CHLD,WINCH,USR1"]
    for blocked in ((), (signal.SIGUSR2, signal.SIGTERM, signal.SIGCHLD, signal.SIGTTOU)):
        held = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
        try:
            wanted = direct(wrapper)
            for how in BOTH:
                with Init(how, wrapper=wrapper) as one:
                    got = one.ready().facts
                    case = f"{how}, {len(blocked)} blocked"
                    for name in ("SigBlk", "SigIgn", "fds"):
                        tap.equal(got[name], wanted[name], f"{case}: {name}")
                    tap.equal(got["pgrp"], got["pid"], f"{case}: a process group of its own")
                    tap.equal(one.stop(3), 3, f"{case}: ignored SIGCHLD, and yet the exit code")
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)


def direct(wrapper):
    """What the witness tells without ktls-init around it."""
    with proc.Proc([*wrapper, WITNESS, "report"], init.environment(), {0: "pipe", 1: "pipe"}) as witness:
        output = witness.read(until=rb"watching\n")
        witness.close()
        return init.facts(output)


def idle():
    """Waits without waking up."""
    for how in BOTH:
        with Init(how) as one:
            one.ready()
            proc.await_true(lambda: init.state(one.pid) == "S", "ktls-init to sleep")

            def switches():
                return init.field(one.pid, "voluntary_ctxt_switches")

            before = switches()
            one.proc.write(b"hello\n")  # and its program does not sleep
            one.expect(rb"read hello")
            try:
                one.proc.read(limit=1.5, until=rb"never")
            except proc.Timeout:
                pass
            tap.equal(switches(), before, f"{how}: not a single wake-up in 1.5 s")
            if not SANITIZED:
                size = int(init.field(one.pid, "VmRSS"))
                tap.ok(size < 2048, f"{how}: {size} KiB of memory")


tap.main(
    exit_codes,
    cannot_execute,
    scripts,
    file_limit,
    expected_codes,
    usage,
    help_and_version,
    verbosity,
    variables,
    what_the_program_is_given,
    idle,
)
