#!/usr/bin/env bash
# The README's test command, then the tests that build another crate and this one with a workload
# more, then the tests that need Valgrind, where it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
# Tests take the paths that the processor has.
grep -qsw avx512bw /proc/cpuinfo || echo "test.sh: no AVX-512 here: its paths are not tested"
cargo test
ci/filtered.sh library:: -- cargo test --test it -- --ignored
if command -v valgrind >/dev/null && command -v iai-callgrind-runner >/dev/null; then
  ci/filtered.sh end_to_end:: -- cargo test --test it -- --ignored --nocapture
else
  echo "test.sh: no Valgrind or no iai-callgrind-runner (ci/install.sh installs both):" \
    "the end-to-end test was not run"
fi
