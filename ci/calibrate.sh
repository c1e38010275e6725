#!/usr/bin/env bash
# Measures how often paired runs err on this machine, by `stepmark calibrate`, which takes the arguments.
# It gets a second executable, whose code lies elsewhere, for suites of the kind pad.
set -euo pipefail
cd "$(dirname "$0")/.."
plain=target/calibrate/release/stepmark
pad=target/calibrate/pad/release/stepmark

# As paired builds are: each function starts with a cache line.
export RUSTFLAGS="${RUSTFLAGS:-} -Cllvm-args=-align-all-functions=6"
# In folders of their own, so that no other build replaces them while suites run.
cargo build --quiet --profile bench --target-dir target/calibrate
cargo build --quiet --profile bench --target-dir target/calibrate/pad --features pad

# Where each kernel starts.
starts() { nm --demangle "$1" | grep -E ' [tT] <stepmark::.* as stepmark::case::Step>::run$' | sort -k 3; }
moved=$(diff <(starts "$plain") <(starts "$pad") | grep -c '^<' || true)
all=$(starts "$plain" | wc -l || true)
if [ "$all" -eq 0 ] || [ "$moved" -lt $((all / 2)) ]; then
  echo "calibrate.sh: the padding moves $moved of $all kernels; change src/pad.rs" >&2
  exit 1
fi
exec "$plain" calibrate --pad "$pad" "$@"
