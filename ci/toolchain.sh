#!/usr/bin/env bash
# Prints the Rust version that the committed instruction baseline was measured with.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob
versions=()
for folder in baselines/*-rustc-*/instructions; do
  folder=${folder%/instructions}
  versions+=("${folder##*-rustc-}")
done
if [ ${#versions[@]} = 0 ]; then
  echo "toolchain.sh: no baselines/*-rustc-*/instructions; ci/gate.sh and stepmark accept make one" >&2
  exit 1
fi
printf '%s\n' "${versions[@]}" | sort -V | tail -n 1
