"""Ends of connections. mode selects the data path; raw: prog holds the kTLS
socket itself, where a close_notify makes read fail instead of ending it."""

import os
import socket
import ssl
import threading

import proc
import tap
from peers import BOTH, Tls, context, tcp_pair, tlsc, tlsd

DATA = b"right behind the handshake\n"
MEGABYTE = os.urandom(1 << 20)
# gives what it reads, and does not mind an error in the place of EOF
SAVE = ("sh", "-c", 'cat <&"$0" >"$1" || test -n "$2"')


def _save(fd, raw):
    path = proc.temp("saved")
    return path, (*SAVE, str(fd), path, "may fail" if raw else "")


def _check_saved(ours, path, wanted, name):
    code = ours.wait()
    with open(path, "rb") as f:
        got = f.read()
    tap.ok(
        got == wanted and code == 0,
        f"{name}: nothing is lost",
        lambda: f"exit {code}, {len(got)} of {len(wanted)} bytes {got[:100]!r}\n{ours.stderr()}",
    )


def server_data_behind_finished(mode, raw):
    """TLS 1.3: the client's Finished, its data and its FIN in one segment.
    TLS 1.2: the data and FIN right behind the server's Finished."""
    for version in BOTH:
        for notify in (False, True):
            for data in (DATA, MEGABYTE[:100_000]):
                path, program = _save(0, raw and notify)
                a, b = tcp_pair()
                with tlsd(b, mode, program) as ours, a:
                    tls = Tls(a, context(version=version))
                    tls.handshake(flush=False)
                    _write_and_end(tls, data, notify)
                    _check_saved(
                        ours,
                        path,
                        data,
                        f"server, TLS {version}, {len(data)} bytes"
                        f"{', close_notify' if notify else ''} and FIN behind Finished",
                    )


def client_data_behind_finished(mode, raw):
    """TLS 1.2: the server's Finished, data and FIN in one segment. TLS 1.3:
    tickets, data and FIN in one segment as soon as the client's Finished is there."""
    for version in BOTH:
        for notify in (False, True):
            for data in (DATA, MEGABYTE[:100_000]):
                path, program = _save(6, raw and notify)
                a, b = tcp_pair()
                with tlsc(a, [*mode, "-k", "localhost"], program) as ours, b:
                    tls = Tls(b, context(server=True, version=version, cert="ec256"), server=True)
                    tls.handshake(flush=False)
                    _write_and_end(tls, data, notify)
                    _check_saved(
                        ours,
                        path,
                        data,
                        f"client, TLS {version}, {len(data)} bytes"
                        f"{', close_notify' if notify else ''} and FIN behind Finished",
                    )


def _write_and_end(tls, data, notify):
    tls.write(data, flush=False)
    if notify:
        tls.close_notify(fin=True)
    else:
        tls.flush(fin=True)


def early_fin(mode, raw):
    """A peer that half-closes behind its Finished still gets all of the answer."""
    for version in BOTH:
        a, b = tcp_pair()
        with tlsd(b, mode, ("sh", "-c", "cat; exec head -c 300000 /dev/zero")) as ours, a:
            tls = Tls(a, context(version=version))
            tls.handshake(flush=False)
            tls.flush(fin=True)
            tap.equal(
                tls.read_exactly(300_000),
                bytes(300_000),
                f"half-closed peer gets the whole reply, TLS {version}",
                ours.stderr,
            )
            tap.equal(ours.wait(), 0, f"half-closed peer, TLS {version}: exit code", ours.stderr)


def bulk(mode, raw):
    """A megabyte there and back, in records of every shape."""
    for version in BOTH:
        a, b = tcp_pair()
        with tlsd(b, mode) as ours, a:
            tls = Tls(a, context(version=version))
            tls.handshake()
            turn = threading.Lock()  # OpenSSL's, whose connections are not for two threads at a time
            writer = threading.Thread(target=_write_shapes, args=(tls, turn))
            writer.start()
            got = _read_all(tls, turn, len(MEGABYTE))
            writer.join()
            tap.ok(
                got == MEGABYTE,
                f"a megabyte there and back, TLS {version}",
                lambda: f"{len(got)} bytes\n{ours.stderr()}",
            )
            a.shutdown(socket.SHUT_WR)
            tap.equal(ours.wait(), 0, f"a megabyte there and back, TLS {version}: exit code", ours.stderr)


def _write_shapes(tls, turn):
    at, sizes = 0, [1, 2, 15, 16, 17, 1000, 16383, 16384, 16385, 40000]
    while at < len(MEGABYTE):
        size = sizes[at % len(sizes)]
        with turn:
            tls.tls.write(MEGABYTE[at : at + size])
            sealed = tls.outgoing.read()
        tls.sock.sendall(sealed)
        at += size


def _read_all(tls, turn, size):
    data = b""
    while len(data) < size:
        try:
            with turn:
                data += tls.tls.read(65536)
        except ssl.SSLWantReadError:
            if not tls.fill():
                break
    return data


EXIT = "head -c 100000 /dev/zero"
READ_ON = "head -c 100000 /dev/zero; exec >&-; cat >$0"  # having ended its output
BOTH_WAYS = "cat <&1 >&0; head -c 100000 /dev/zero >&0"  # on one socket
ANSWER = "cat; head -c 100000 /dev/zero"  # when the peer has ended

# options, prog; what the peer does before it reads the end, which is this with TLS 1.2 and 1.3
ENDINGS = [
    ([], EXIT, None, "close_notify", "close_notify"),
    (["-S"], EXIT, None, "close_notify", "close_notify"),
    (["-s"], EXIT, None, "FIN", "FIN"),
    ([], READ_ON, None, "close_notify", "close_notify"),  # with TLS 1.2 after a while
    (["-S"], READ_ON, None, "close_notify", "close_notify"),
    (["-s"], READ_ON, None, "FIN", "FIN"),
    ([], ANSWER, "FIN", "close_notify", "close_notify"),
    (["-s"], ANSWER, "FIN", "FIN", "FIN"),
    (["--socket"], EXIT, None, "close_notify", "close_notify"),
    (["--socket", "-s"], EXIT, None, "FIN", "FIN"),
    (["--socket"], BOTH_WAYS, "FIN", "close_notify", "close_notify"),
    # Python takes no data after its own close_notify
    ([], "cat", "close_notify", "close_notify", "close_notify"),
    (["-s"], "cat", "close_notify", "close_notify", "close_notify"),
]


def _ending(words, script, before, version, wanted):
    a, b = tcp_pair()
    name = f"{' '.join(words) or 'by default'}, {script}, TLS {version}"
    with tlsd(b, words, ("sh", "-c", script, proc.temp("rest"))) as ours, a:
        tls = Tls(a, context(version=version))
        tls.handshake()
        if before == "FIN":
            a.shutdown(socket.SHUT_WR)
        if before == "close_notify":
            tls.close_notify()
        else:
            got = tls.read_exactly(100_000)
            tap.equal(got, bytes(100_000), f"{name}: prog's last words arrive", ours.stderr)
        tap.equal(tls.end_of_stream(), wanted, f"{name}: {wanted}", ours.stderr)
        a.close()
        tap.equal(ours.wait(), 0, f"{name}: exit code", ours.stderr)
        tap.equal(ours.stderr(), "", f"{name}: nothing on stderr")


def endings(mode, raw):
    """The kernel knows only one."""
    rows = [([], EXIT, None, "FIN", "FIN")] if raw else ENDINGS
    for words, script, before, *wanted in rows:
        for version, end in zip(BOTH, wanted):
            _ending([*mode, *words], script, before, version, end)


def close_notify(mode, raw):
    """-S: close_notify at prog's end; and the peer's close_notify is EOF."""
    for version in BOTH:
        a, b = tcp_pair()
        with tlsd(b, [*mode, "-S"], ("cat",)) as ours, a:
            tls = Tls(a, context(version=version))
            tls.handshake()
            tls.write(DATA)
            tap.equal(tls.read_exactly(len(DATA)), DATA, f"-S: echo, TLS {version}", ours.stderr)
            tls.close_notify()
            tap.equal(
                tls.end_of_stream(),
                "close_notify",
                f"-S: close_notify at the end, TLS {version}",
                ours.stderr,
            )
            a.close()
            tap.equal(ours.wait(), 0, f"-S: exit code, TLS {version}", ours.stderr)


def all_with(mode, raw):
    functions = [server_data_behind_finished, client_data_behind_finished, early_fin, bulk, endings]
    if not raw:
        functions.append(close_notify)

    return tap.bound(functions, mode, raw)
