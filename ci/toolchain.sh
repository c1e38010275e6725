#!/usr/bin/env bash
# Prints the Rust version that the committed instruction baseline was measured with.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob
versions=()
for file in baselines/*-rustc-*/instructions.json; do
  folder=${file%/instructions.json}
  versions+=("${folder##*-rustc-}")
done
if [ ${#versions[@]} = 0 ]; then
  echo "toolchain.sh: no baselines/*-rustc-*/instructions.json; ci/gate.sh and stepmark accept make one" >&2
  exit 1
fi
printf '%s\n' "${versions[@]}" | sort -V | tail -n 1
