#!/usr/bin/python3
# ktls-init's socket service: when it starts, and what becomes of it.

import lib
import beginnings
import tap

tap.main(*beginnings.ALL)
