#!/usr/bin/python3
# ktls-init's socket service: clients that are not who made their channel.

import lib
import impostors
import tap

tap.main(*impostors.ALL)
