#!/usr/bin/env bash
# Installs what gate.sh, ptx.sh and cuda.sh need beside Rust, if it is missing.
set -euo pipefail
version=0.16.1

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# python3-venv holds what `python3 -m venv` needs; g++ compiles the emulator of the GPU.
missing=()
command -v valgrind >/dev/null || missing+=(valgrind)
command -v g++ >/dev/null || missing+=(g++)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} != 0 ]; then
  as_root apt-get update
  as_root apt-get install -y --no-install-recommends "${missing[@]}"
fi
if ! cargo install --list | grep -q "^iai-callgrind-runner v$version:"; then
  # Not optimised: it only starts Valgrind and reads what that writes.
  cargo install iai-callgrind-runner --version "$version" --locked --debug
fi
