"""Namespaces of a test's own: made as root, or as root of a user namespace, which
not every system lets its users have, and none in a chroot."""

import functools
import os
import subprocess

import proc
import tap

_AS_ROOT = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]


def unshare(*options):
    """The words that go before a command."""
    return ["unshare", *_AS_ROOT, *options]


@functools.lru_cache(maxsize=None)
def possible(*options):
    return subprocess.run([*unshare(*options), "true"], stderr=subprocess.DEVNULL).returncode == 0


def needed(*options):
    """A test that is left out where such namespaces cannot be made."""

    def decorate(function):
        @functools.wraps(function)
        def run():
            if not possible(*options):
                return tap.skip(function.__name__, "no namespaces can be made here: unshare " + " ".join(options))
            return function()

        return run

    return decorate


def with_file(file, place):
    """The words before a command that finds the file in that place; None: it cannot be."""
    if not possible("-m"):
        return tap.skip(place, "no namespaces can be made here")
    return unshare("-m", "sh", "-c", f'mount --bind {file} {place} && exec "$@"', "sh")


def with_hosts(text):
    """The words before a command that has this /etc/hosts, and looks nowhere else."""
    hosts, order = proc.temp("hosts"), proc.temp("nsswitch.conf")
    for path, content in ((hosts, text), (order, "hosts: files\nservices: files\n")):
        with open(path, "w") as f:
            f.write(content)
    first = with_file(hosts, "/etc/hosts")
    if first and os.path.exists("/etc/nsswitch.conf"):
        first += ["sh", "-c", f'mount --bind {order} /etc/nsswitch.conf && exec "$@"', "sh"]
    return first
