#!/usr/bin/python3
# Every program: --help, --version, what it says of options that are wrong, and
# that its manual knows these two.

import os
import re
import subprocess

import lib
import proc
import tap

USAGE = 100


def programs():
    with open(os.path.join(proc.ROOT, "package", "targets.mak")) as f:
        return sorted(re.findall(r"^MAIN_(\S+) :=", f.read(), re.M))


def version():
    with open(os.path.join(proc.ROOT, "package", "info")) as f:
        return re.search(r"^version=(.*)", f.read(), re.M)[1]


def said(name, *words):
    """Exit code, stdout and stderr."""
    done = subprocess.run(
        [os.path.join(proc.BIN, name), *words], capture_output=True, text=True, timeout=proc.LIMIT
    )
    return done.returncode, done.stdout, done.stderr


def help_and_version():
    for name in programs():
        code, out, err = said(name, "--help")
        lines = out.splitlines()
        tap.ok(
            code == 0 and not err and lines and lines[0].startswith(f"usage: {name}"),
            f"{name} --help: its usage on stdout, exit 0",
            f"exit {code}\n{out}{err}",
        )
        tap.equal(said(name, "--version"), (0, f"{name} {version()}\n", ""), f"{name} --version")


def refused(name, options, message):
    code, out, err = said(name, *options)
    tap.ok(
        (code, out) == (USAGE, "")
        and err.startswith(f"{name}: fatal: {message}; usage: {name} ")
        and err.count("\n") == 1,
        f"{name} {' '.join(options)}: {message}; the usage; exit {USAGE}",
        f"exit {code}\n{out}{err}",
    )


def wrong_options():
    for name in programs():
        refused(name, ["--no-such-option"], "unknown option --no-such-option")
        refused(name, ["--no-such-option=x", "true"], "unknown option --no-such-option=x")
        refused(name, ["-%"], "unknown option -%")
        refused(name, ["--version=1"], "option takes no argument --version=1")
    refused("ktls-tlsd", ["-s%", "true"], "unknown option -%")
    refused("ktls-tlsd", ["-m"], "missing argument of option -m")
    refused("ktls-tlsd", ["--mode"], "missing argument of option --mode")
    refused("ktls-tlsd", ["--no", "true"], "unknown option --no")


def manuals():
    folder = os.path.join(proc.ROOT, "doc")
    for name in programs():
        path = os.path.join(folder, f"{name}.1")
        text = open(path).read() if os.path.exists(path) else ""
        for option in ("help", "version"):
            tap.ok(re.search(rf"^\..*-{option}\b", text, re.M), f"{name}.1 has --{option}")


tap.main(help_and_version, wrong_options, manuals)
