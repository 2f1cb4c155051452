"""A kernel with TLS that runs one command after the other: starting it takes longer than
most of them."""

import os
import shlex
import subprocess
import time

from tree import ROOT

UML = os.path.join(ROOT, "tools", "uml")
LOOP = """
n=0
while [ ! -e "$1/end" ]; do
    if [ -e "$1/go.$n" ]; then
        sh "$1/go.$n" >/dev/null 2>&1 </dev/null
        echo $? >"$1/status.new"
        mv "$1/status.new" "$1/status.$n"
        n=$((n + 1))
    else
        sleep 0.03
    fi
done
"""


def available():
    return os.access((os.environ.get("KTLS_UML") or "/usr/bin/linux.uml").split(":")[-1], os.X_OK)


class Guest:
    def __init__(self, work):
        self.folder = None
        self.work = work

    def _start(self):
        Guest.count = getattr(Guest, "count", 0) + 1
        self.folder, self.number = os.path.join(self.work, f"guest.{Guest.count}"), 0
        os.mkdir(self.folder)
        kernel = (os.environ.get("KTLS_UML") or "/usr/bin/linux.uml").split(":")[-1]
        self.uml = subprocess.Popen(
            [UML, "-t", "86400", "sh", "-c", LOOP, "sh", self.folder], env={**os.environ, "KTLS_UML": kernel},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def run(self, argv, env, limit):
        """The exit status; 124 where time ran out, or the kernel did not survive it."""
        if self.folder is None:
            self._start()
        go = os.path.join(self.folder, f"go.{self.number}")
        status = os.path.join(self.folder, f"status.{self.number}")
        with open(go + ".new", "w") as f:
            words = [f"{name}={shlex.quote(value)}" for name, value in env.items() if name != "PATH"]
            f.write(f"exec timeout -k 1 {int(limit)} env {' '.join(words)} {shlex.join(argv)}\n")
        os.rename(go + ".new", go)
        self.number += 1
        end = time.monotonic() + limit + 60
        while not os.path.exists(status):
            if self.uml.poll() is not None or time.monotonic() > end:
                self.close()
                return 124
            time.sleep(0.02)
        with open(status) as f:
            return int(f.read())

    def close(self):
        if self.folder is None:
            return
        with open(os.path.join(self.folder, "end"), "w"):
            pass
        try:
            self.uml.wait(20)
        except subprocess.TimeoutExpired:
            self.uml.terminate()
            self.uml.wait()
        self.folder = None
