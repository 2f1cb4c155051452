#!/usr/bin/env python3
# ISC license.
#
# Python's http.server on descriptor 0, a socket that is read and written:
#
#   ktls-tlsserver --socket 0.0.0.0 443 python3 server.py
#   ktls-tlsserver -m eof --socket 0.0.0.0 443 python3 server.py
#                                       the same, without a process beside it where the
#                                       kernel has TLS
#
# It serves the current folder.

import os
import socket
from http.server import SimpleHTTPRequestHandler


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"


client = os.environ.get("TCPREMOTEIP", ""), int(os.environ.get("TCPREMOTEPORT", 0))
with socket.socket(fileno=0) as connection:
    Handler(connection, client, None)
