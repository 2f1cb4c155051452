#!/usr/bin/python3
# Ends of connections: through ktls-relay with records in user space, and in the
# kernel; and when prog holds the kTLS socket itself.
# runs: host
# runs: every kernel

import lib
import close
import proc
import tap
from peers import Tls, context, tcp_pair, tlsc


def close_notify_behind_the_tickets():
    """It was taken off the connection with them: to prog it is the end, even if
    no FIN follows."""
    a, b = tcp_pair()
    with tlsc(a, ["-m", "kernel", "-k", "localhost"], ("sh", "-c", "cat <&6; echo heard >&7")) as ours, b:
        tls = Tls(b, context(server=True, version="1.3", cert="ec256"), server=True)
        tls.handshake(flush=False)
        tls.close_notify()
        try:
            tap.equal(ours.wait(), 0, "close_notify behind the tickets is the end", ours.stderr)
        except proc.Timeout:
            return tap.ok(False, "close_notify behind the tickets is the end", "prog goes on reading")
        before = len(tls.got)
        tls.drain()
        tap.ok(len(tls.got) > before + len("heard\n"), "and prog still writes")


tap.main(
    host=close.all_with(["-m", "user"], raw=False),
    kernel=[
        *close.all_with(["-m", "kernel"], raw=True),
        close_notify_behind_the_tickets,
        *close.all_with(["-m", "relay"], raw=False),
    ],
)
