"""TICKETKEYFILE: a client comes back to a server and brings a ticket."""

import os
import tempfile

import programs
import tap
from peers import Tls, context, tcp_pair

LINE = b"over again\n"


def new_key():
    return os.urandom(32)


class Keys:
    """A file of ticket keys, the newest first."""

    def __init__(self, *keys):
        self.file = tempfile.NamedTemporaryFile()
        self.path = self.file.name
        self.set(*(keys or (new_key(),)))

    def set(self, *keys):
        with open(self.path, "wb") as f:
            f.write(b"".join(keys))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


class Visitor:
    """A client that keeps its last session."""

    def __init__(self, version, **how):
        self.context = context(version=version, **how)
        self.session, self.name = None, "localhost"

    def visit(self, options, env, program=programs.TLSD):
        """Whether the session was resumed; None where the line did not come back."""
        a, b = tcp_pair()
        with program.start(b, options, program.copy(), env=env) as ours, a:
            tls = Tls(a, self.context, name=self.name, session=self.session)
            tls.handshake()
            tls.write(LINE)
            came_back = tls.read_exactly(len(LINE)) == LINE
            self.session = tls.tls.session
            tls.close_notify(fin=True)
            a.close()
            self.code, self.errors = ours.wait(), ours.stderr()
            return tls.tls.session_reused if came_back else None


def resumes(visitor, options, env, wanted, what, **more):
    tap.equal(visitor.visit(options, env, **more), wanted, f"{what}: {'resumed' if wanted else 'not resumed'}")


def back_and_back_again(version, options, what, env=None, program=programs.TLSD, **how):
    """The ticket of a resumed session is as good as the first."""
    with Keys() as keys:
        visitor = Visitor(version, **how)
        env = {"TICKETKEYFILE": keys.path, **(env or {})}
        for times, wanted in enumerate((False, True, True)):
            resumes(visitor, options, env, wanted, f"{what}, TLS {version}, visit {times + 1}", program=program)
