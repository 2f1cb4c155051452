"""The front ends: command lines as they leave them, and servers that run."""

import contextlib
import os
import re
import shlex

import pki
import proc
import tap
from proc import Proc

TLSSERVER = os.path.join(proc.BIN, "ktls-tlsserver")
TLSCLIENT = os.path.join(proc.BIN, "ktls-tlsclient")
USAGE, NOT_FOUND = 100, 127

# stands for a program of somebody else and shows how it was called
RECORDER = "#!/bin/sh\nprintf '%s\\0' \"${0##*/}\" \"$@\"\n"


# of ucspi-tcp with IPv6, which shows without arguments that it has it
RECORDER_IPV6 = RECORDER.replace("printf", "[ $# -gt 0 ] || { echo 'usage: tcpserver [ -461UX ] host' >&2; exit; }\nprintf", 1)


def folder(*names, recorder=RECORDER):
    """A folder with recorders of these names."""
    path = proc.temp("programs")
    os.mkdir(path)
    for name in names:
        with open(os.path.join(path, name), "w") as f:
            f.write(recorder)
        os.chmod(os.path.join(path, name), 0o755)
    return path


ALL = ("s6-tcpserver", "s6-tcpclient", "tcpserver", "tcpclient", "s6-applyuidgid")


def line(argv, path, more={}):
    """The command line that argv ends in with that PATH; ours without their folder."""
    env = proc.environment(PATH=path, CERTFILE=pki.crt("ec256"), KEYFILE=pki.key("ec256"), CAFILE=pki.ca(), **more)
    with Proc(argv, env, {1: "pipe"}) as ours:
        words = ours.read().decode().split("\0")[:-1]
        if ours.wait():
            return f"exit {ours.wait()}: {ours.stderr().strip()}"
    return " ".join(shlex.quote(word.replace(proc.BIN + "/", "")) for word in words)


def command(program, options, operands, which="auto"):
    """However it was configured: the choice is made by PATH."""
    chosen = f"--tcpserver={which}" if program == TLSSERVER else f"--tcpclient={which}"
    return [program, chosen, *shlex.split(options), *shlex.split(operands)]


def configured():
    """What ./configure --with-tcpserver was told."""
    with open(os.path.join(proc.BUILD, "config.mak")) as f:
        return re.search(r"^TCPSERVER := (\w+)", f.read(), re.M)[1]


def check(program, options, operands, wanted, path, which="auto"):
    argv = command(program, options, operands, which)
    name = os.path.basename(program)
    tap.equal(line(argv, path), wanted, f"{name} {options} {operands}")


def refuse(program, options, operands, words, code=USAGE, *, path, which="auto"):
    argv = command(program, options, operands, which)
    said = line(argv, path)
    tap.ok(
        said.startswith(f"exit {code}: ") and words in said and "\n" not in said,
        f"{os.path.basename(program)} {options} {operands}: {said}",
        f"wanted exit {code} and {words!r}",
    )


@contextlib.contextmanager
def server(options, prog, port="0", ip="127.0.0.1", env=None, wrapper=()):
    """ktls-tlsserver around tcpserver, which prints its port: yields (process, port)."""
    changes = {"CERTFILE": pki.crt("ec256"), "KEYFILE": pki.key("ec256"), "CAFILE": pki.ca(), **(env or {})}
    argv = [*wrapper, TLSSERVER, "-1", "--tcpserver=ucspi", *options, ip, port, *prog]
    with Proc(argv, proc.environment(**changes), {1: "pipe"}) as ours:
        yield ours, int(re.match(rb"(\d+)\n", ours.read(until=rb"\d+\n"))[1])
