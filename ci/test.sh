#!/usr/bin/env bash
# The README's test command; beside it the tests that build another crate and this one with a workload
# more, and those that need Valgrind, where it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
# Tests take the paths that the processor has.
grep -qsw avx512bw /proc/cpuinfo || echo "test.sh: no AVX-512 here: its paths are not tested"
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
touch "$logs/tests"

# They wait for one compiler most of the time, which leaves a core to the other tests. Only one cargo
# builds at a time, so they start when the first has built all.
copies() {
  until grep -qE '^ +Running ' "$logs/tests"; do sleep 1; done
  ci/filtered.sh library:: -- cargo test --test it -- --ignored
  if command -v valgrind >/dev/null && command -v iai-callgrind-runner >/dev/null; then
    ci/filtered.sh end_to_end:: -- cargo test --test it -- --ignored --nocapture
  else
    echo "test.sh: no Valgrind or no iai-callgrind-runner (ci/install.sh installs both):" \
      "the end-to-end test was not run"
  fi
}
copies &>"$logs/copies" &
failed=0
cargo test |& tee "$logs/tests" || failed=1
# Where nothing was built, nothing else begins.
grep -qE '^ +Running ' "$logs/tests" || { kill $!; exit 1; }
wait $! || failed=1
cat "$logs/copies"
exit $failed
