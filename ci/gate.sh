#!/usr/bin/env bash
# Counts instructions and heap use of every case and compares with the committed baselines.
# Arguments go to `stepmark gate`; the exit codes are those of `stepmark gate --help`.
# STEPMARK is the command, by default one that cargo builds first.
set -euo pipefail
cd "$(dirname "$0")/.."
read -ra command <<<"${STEPMARK:-cargo run --release --quiet --}"
stepmark() { "${command[@]}" "$@"; }

for tool in valgrind iai-callgrind-runner; do
  command -v "$tool" >/dev/null || { echo "gate.sh: no $tool; ci/install.sh installs it" >&2; exit 1; }
done
if ! cargo bench --features instructions --bench instructions; then
  echo "gate.sh: the bench failed; are the answers right?" >&2
  stepmark check || exit
  exit 1
fi
stepmark record
stepmark gate "$@"
