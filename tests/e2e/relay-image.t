#!/usr/bin/python3
# What the engine of an idle connection costs, and what is not in it.
# runs: host; not: sanitizers; takes: long
# runs: newest kernel; not: sanitizers; takes: long

import lib
import relay
import tap

tap.main(host=relay.bound(relay.IMAGE, "user"), kernel=relay.bound(relay.IMAGE[:1], "relay"))
