#!/usr/bin/python3
# ktls-init's socket service: whose files, ports and channels.

import lib
import tap
import owners

tap.main(*owners.ALL)
