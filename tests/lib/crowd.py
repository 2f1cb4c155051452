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
        argv += ["ktls-tlsd", *options, *prog]
        self.proc = proc.Proc(argv, proc.environment(**changes), {1: "pipe"})
        self.port = int(self.proc.read(until=rb"\n", size=1 << 10).split(b"\n")[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.end()


class Crowd:
    """Each shakes hands, waits until all have, and only then asks for its answer.
    .connected and .answered count; .failures are what went wrong."""

    def __init__(self, port, count):
        self.port, self.count = port, count
        self.connected = self.answered = 0
        self.failures = []
        self.context = context()

    async def _client(self, number):
        opened = asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.context, server_hostname="localhost", ssl_handshake_timeout=60
        )
        reader, writer = await opened
        self.connected += 1
        if self.connected == self.count:
            self.everybody.set()
        await self.everybody.wait()
        writer.write(LINE % number)
        answer = await reader.readexactly(len(LINE % number))
        self.answered += answer == LINE % number
        writer.close()

    async def _all(self, limit, while_all_are_there):
        self.everybody = asyncio.Event()
        tasks = [asyncio.ensure_future(self._client(i)) for i in range(self.count)]
        tasks.append(asyncio.ensure_future(self._look(while_all_are_there)))
        done, late = await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_EXCEPTION)
        self.failures = [repr(t.exception()) for t in done if t.exception()]
        if late:
            self.failures.append(f"{len(late)} clients had not finished")
            for task in late:
                task.cancel()
            await asyncio.wait(late)

    async def _look(self, while_all_are_there):
        await self.everybody.wait()
        self.seen = while_all_are_there()

    def run(self, limit, while_all_are_there):
        asyncio.run(self._all(limit, while_all_are_there))


def raise_descriptor_limit(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        tap.skip_all(f"no more than {hard} descriptors for a process here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def serve(count, options, env, name, limit):
    """All open at once, and each gets its answer."""
    raise_descriptor_limit(count + 100)
    with Server(count + 100, options, ("cat",), env) as server:
        crowd = Crowd(server.port, count)
        servers = lambda: sum(command == "cat" for _, command, _ in proc.descendants(server.proc.pid).values())
        crowd.run(limit, servers)
        tap.equal(crowd.connected, count, f"{name}: {count} connections at the same time", crowd.failures[:3])
        tap.equal(getattr(crowd, "seen", 0), count, f"{name}: {count} progs at the same time")
        tap.equal(crowd.answered, count, f"{name}: {count} answers", crowd.failures[:3])
        tap.equal(crowd.failures, [], f"{name}: no failure")
        gone = lambda: not proc.descendants(server.proc.pid)
        tap.ok(proc.await_true(gone, "the end of all"), f"{name}: and no process is left of them")
        errors = server.proc.stderr()
        tap.ok("fatal" not in errors, f"{name}: no program complains", errors[-1000:])
