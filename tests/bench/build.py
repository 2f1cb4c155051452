"""What the measurements compile, and what they know of a build of ours."""

import os
import shlex
import subprocess

import proc
from watch import callgrind

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def prog(*flags):
    """prog.c as a program that all users may execute."""
    path = proc.temp("prog")
    os.chmod(proc.TMP, 0o711)
    words = ["cc", "-O2", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pie", "-no-pie"]
    subprocess.run([*words, *flags, os.path.join(HERE, "prog.c"), "-o", path], check=True)
    os.chmod(path, 0o755)
    return path


class Build:
    """A folder of programs; in the one above it is the config.mak they were made with."""

    def __init__(self, folder, prog_path, has_tls, label):
        self.bin, self.prog, self.has_tls, self.label = os.path.abspath(folder), prog_path, has_tls, label

    def program(self, name):
        return os.path.join(self.bin, name)

    def variables(self):
        try:
            with open(os.path.join(os.path.dirname(self.bin), "config.mak")) as f:
                pairs = [line.split(" := ", 1) for line in f if " := " in line]
        except OSError:
            return {}
        return {name: shlex.split(value) for name, value in pairs}

    def primitives(self):
        """primitives.c with the compiler and the BearSSL of this build."""
        made, path = self.variables(), proc.temp("primitives")
        words = [*made.get("CC", ["cc"]), "-std=c11", "-D_GNU_SOURCE", "-O2", *made.get("CPPFLAGS", ())]
        words += [os.path.join(HERE, "primitives.c"), "-o", path, *made.get("LDFLAGS", ()), "-static"]
        subprocess.run([*words, "-l:libbearssl.a"], check=True, cwd=ROOT)
        return path


class Primitives:
    """They are measured as a server is, without any connection."""

    def __init__(self, build, key):
        self.name, self.program, self.key = build.label + "primitives", build.primitives(), key

    def sample(self, count):
        words = [self.program, self.key, str(count)]
        return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout) / 1e6

    def instructions(self, number=4):
        """Thousands for one of each."""

        def total(repetitions):
            wrapper, count = callgrind()
            subprocess.run([*wrapper, self.program, self.key, str(repetitions)], check=True, capture_output=True)
            return count()

        return (total(number) - total(0)) / number
