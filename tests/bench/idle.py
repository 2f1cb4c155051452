"""What an idle connection keeps of the memory."""

import os
import socket

import proc

KERNEL_STACK = 16  # KiB for each thread


def per_connection(server, number):
    """KiB of PSS, page tables and kernel stacks for one of so many connections that wait."""
    meter, visit, ends = server.start(), server.visit(), []
    try:
        before = _memory(meter.pid)
        for _ in range(number):
            ends.append(_open(visit, meter.port))
        after = proc.await_true(lambda: _settled(meter.pid), "the server's processes to be idle")
    except (OSError, RuntimeError) as e:
        raise server.failure(meter, e) from e
    finally:
        for end in ends:
            end.close()
        meter.stop()
    return [(b - a) / number for a, b in zip(before, after)]


def _open(visit, port):
    if hasattr(visit, "handshake"):
        return visit.handshake(port)
    return socket.create_connection(("127.0.0.1", port), 60)


def _settled(pid):
    """Twice the same processes, all asleep, with the same memory."""
    first = _memory(pid)
    states = [_field(process, "State")[0] for process in proc.descendants(pid)]
    return first if set(states) <= {"S"} and _memory(pid) == first else None


def _memory(pid):
    """KiB of all descendants; processes that end meanwhile are left out."""
    total = [0, 0, 0]
    for process in proc.descendants(pid):
        try:
            with open(f"/proc/{process}/smaps_rollup") as f:
                pss = next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
            tables = int(_field(process, "VmPTE").split()[0])
            threads = len(os.listdir(f"/proc/{process}/task"))
        except (OSError, StopIteration):
            continue
        for i, value in enumerate((pss, tables, threads * KERNEL_STACK)):
            total[i] += value
    return total


def _field(process, name):
    try:
        with open(f"/proc/{process}/status") as f:
            return next((line.split(":")[1].strip() for line in f if line.startswith(name + ":")), "Z")
    except OSError:
        return "Z"
