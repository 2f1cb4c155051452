#!/usr/bin/python3
# A TLS connection behaves like a pair of pipes: records in user space; in the kernel,
# where data passes by splice if it can do all of it.
# runs: host
# runs: every kernel

import lib
import relay
import tap

tap.main(host=relay.bound(relay.USER_SPACE, "user"), kernel=relay.bound(relay.KERNEL, "relay"))
