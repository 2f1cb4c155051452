#!/bin/sh
# needs: ktls (every kernel)
exec "$(dirname "$0")/control.t" facts plain client_certificates exporters paths in_flight race
