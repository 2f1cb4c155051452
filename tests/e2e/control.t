#!/usr/bin/python3
# ktls-init's socket service: what can be asked for, and what cannot.
# runs: host
# runs: every kernel

import lib
import control
import strangers
import tap

IN_KERNEL = [
    control.facts,
    control.plain,
    control.client_certificates,
    control.exporters,
    control.paths,
    control.in_flight,
    control.race,
]

tap.main(host=[*control.ALL, *strangers.ALL], kernel=IN_KERNEL)
