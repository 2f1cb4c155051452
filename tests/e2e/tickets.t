#!/usr/bin/python3
# 200 of 200 times prog's first read from a TLS 1.3 server is data: the tickets
# were taken off the connection before.
# runs: every kernel; not: sanitizers; takes: long

import lib
import delay
import outside
import tap
import tickets


def client_first():
    tickets.run("client", 200, 1, "the client speaks first")


def server_first():
    tickets.run("server", 200, 1, "the server speaks first")


def with_delay():
    try:
        link = delay.Link(30)
    except delay.Missing as e:
        for speaker in ("client", "server"):
            tap.skip(f"30 ms away, the {speaker} speaks first", e)
        return
    with link:

        def start(*arguments, wrapper):
            return outside.SServer(*arguments, wrapper=[*link.there, *wrapper], address=link.address)

        tap.ok(link.round_trip() >= 0.055, "the link's delay is there")
        for speaker in ("client", "server"):
            tickets.run(speaker, 200, 8, f"30 ms away, the {speaker} speaks first", link.address, start)


tap.main(client_first, server_first, with_delay)
