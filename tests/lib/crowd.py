"""Very many clients of one tcpserver, all connected at the same time."""

import asyncio
import resource

import pki
import proc
import tap
from peers import context

LINE = b"one of many: %d\n"


class Server:
    """`tcpserver -c LIMIT ... ktls-tlsd OPTIONS PROG`, with room for all in its backlog."""

    def __init__(self, limit, options, prog, env):
        changes = {"CERTFILE": pki.crt("ec256"), "KEYFILE": pki.key("ec256"), **env}
        argv = ["tcpserver", "-1", "-RHl0", "-c", str(limit), "-b", str(limit), "127.0.0.1", "0"]
        argv += ["ktls-tlsd", *options, prog]
        self.prog = prog
        self.proc = proc.Proc(argv, proc.environment(**changes), {1: "pipe"})
        self.port = int(self.proc.read(until=rb"\n", size=1 << 10).split(b"\n")[0])

    def progs(self):
        return sum(command == self.prog for _, command, _ in proc.descendants(self.proc.pid).values())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.end()


class Crowd:
    """Each shakes hands, waits until all have and each has its prog, and only
    then asks for its answer. .connected, .progs and .answered count; .failures
    are what went wrong."""

    def __init__(self, server, count):
        self.server, self.count = server, count
        self.connected = self.progs = self.answered = 0
        self.failures = []
        self.context = context()

    async def _client(self, number):
        opened = asyncio.open_connection(
            "127.0.0.1",
            self.server.port,
            ssl=self.context,
            server_hostname="localhost",
            ssl_handshake_timeout=proc.LIMIT,
        )
        reader, writer = await opened
        self.connected += 1
        await self.everybody.wait()
        writer.write(LINE % number)
        answer = await reader.readexactly(len(LINE % number))
        self.answered += answer == LINE % number
        writer.close()

    async def _watch(self):
        """A client has connected a little before its prog is there."""
        while self.progs < self.count:
            await asyncio.sleep(0.05)
            if self.connected == self.count:
                self.progs = self.server.progs()
        self.everybody.set()

    async def _all(self, limit):
        self.everybody = asyncio.Event()
        work = [self._client(i) for i in range(self.count)] + [self._watch()]
        tasks = [asyncio.ensure_future(w) for w in work]
        done, late = await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_EXCEPTION)
        self.failures = [repr(t.exception()) for t in done if t.exception()]
        if late:
            self.failures.append(f"{len(late)} had not finished")
            for task in late:
                task.cancel()
            await asyncio.wait(late)

    def run(self, limit):
        asyncio.run(self._all(limit))


def raise_descriptor_limit(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        tap.skip_all(f"no more than {hard} descriptors for a process here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def serve(count, options, env, name, limit):
    """All open at once, and each gets its answer."""
    raise_descriptor_limit(count + 100)
    with Server(count + 100, options, "cat", env) as server:
        crowd = Crowd(server, count)
        crowd.run(limit)
        tap.equal(crowd.connected, count, f"{name}: {count} connections at the same time")
        tap.equal(crowd.progs, count, f"{name}: {count} progs at the same time")
        tap.equal(crowd.answered, count, f"{name}: {count} answers")
        tap.equal(crowd.failures[:5], [], f"{name}: no failure")
        gone = lambda: not proc.descendants(server.proc.pid)
        tap.ok(proc.await_true(gone, "the end of all"), f"{name}: and no process is left of them")
        errors = server.proc.stderr()
        tap.ok("fatal" not in errors, f"{name}: no program complains", errors[-1000:])
