#!/usr/bin/env bash
# Runs every wall bench of the cases that only scale, as bench.sh does those that gate.
set -euo pipefail
exec "$(dirname "$0")/bench.sh" --scaling
