#!/bin/sh
# needs: ktls
exec "$(dirname "$0")/control.t" facts plain client_certificates exporters paths in_flight race
