#!/usr/bin/env bash
# Installs what gate.sh needs beside Rust, if it is missing.
set -euo pipefail
version=0.16.1

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

if ! command -v valgrind >/dev/null; then
  as_root apt-get update
  as_root apt-get install -y --no-install-recommends valgrind
fi
if ! cargo install --list | grep -q "^iai-callgrind-runner v$version:"; then
  cargo install iai-callgrind-runner --version "$version" --locked
fi
