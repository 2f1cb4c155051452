#!/usr/bin/python3
# needs: ktls (every kernel)
# What tests/e2e/better.t says about the ends of connections, where the kernel has TLS.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import ends
import tap


def better_3_a_prog_that_stops_reading_is_heard_to_the_end():
    ends.deaf_prog("3", ["-m", "relay"])


def better_4_a_peer_that_says_close_notify_gets_the_whole_reply():
    """A prog that has the socket itself sees an error in the place of the end."""
    for mode in ("auto", "kernel", "relay"):
        ends.close_notify_and_fin("4", ["-m", mode])


tap.main(
    better_3_a_prog_that_stops_reading_is_heard_to_the_end,
    better_4_a_peer_that_says_close_notify_gets_the_whole_reply,
)
