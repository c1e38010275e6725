#!/usr/bin/env bash
# Tests and benches on a machine that has a GPU and its driver, but needs neither cargo nor CUDA.
#
#   ci/gpu.sh pack          build; collect executables and this script in target/gpu
#   target/gpu/run.sh OUT   there: test, sanitize, bench; logs, samples and the records gpu/*.json in the folder OUT
#   ci/gpu.sh run OUT       both, on this machine
#
# To accept the times: unpack OUT/samples.tar.gz into target, then `stepmark record` and `accept --reason TEXT`.
# Arguments after OUT go to Criterion. The clocks, power and modes of the card are left alone.
set -euo pipefail

pack() {
  cd "$(dirname "$0")/.."
  # CI packs with the profile of the tests, which builds sooner.
  local profile=${STEPMARK_PROFILE:-bench} out=target/gpu
  rm -rf "$out"
  mkdir -p "$out/bin"
  executable() { # NAME KIND CARGO-ARGUMENTS..: the executable of that kind; a bench builds the binary too
    local name=$1 kind=$2 built
    shift 2
    built=$(cargo "$@" --message-format=json |
      { grep -F "\"kind\":[\"$kind\"]" | grep -o '"executable":"[^"]*"' | cut -d'"' -f4 || true; })
    [ -n "$built" ] || { echo "gpu.sh: cargo $* builds no executable" >&2; return 1; }
    strip -o "$out/bin/$name" "$built"
  }
  executable test test test --test gpu --no-run
  executable bench bench bench --bench gpu --no-run --profile "$profile"
  executable stepmark bin bench --bench gpu --no-run --profile "$profile"
  cp ci/gpu.sh "$out/run.sh"
  cp ci/filtered.sh "$out/bin"
  echo "gpu.sh: $(du -sh "$out" | cut -f1) in $out; there, run.sh OUT"
}

run() {
  [ $# -gt 0 ] || { echo "gpu.sh: the folder OUT is missing" >&2; exit 2; }
  mkdir -p "$1"
  local out bin
  out=$(cd "$1" && pwd)
  bin=$(cd "$(dirname "$0")" && pwd)/bin
  shift
  cd "$out"
  if command -v nvidia-smi >/dev/null; then
    { nvidia-smi && nvidia-smi -q -d CLOCK,POWER,PERFORMANCE,ECC; } >nvidia-smi.txt 2>&1 || true
  fi
  # Right before fast.
  echo "gpu.sh: tests"
  STEPMARK_REQUIRE_GPU=1 "$bin/test" >test.log 2>&1 || { tail -n 40 test.log >&2; exit 1; }
  grep '^test result' test.log
  if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck initcheck synccheck; do
      echo "gpu.sh: compute-sanitizer $tool"
      STEPMARK_REQUIRE_GPU=1 "$bin/filtered.sh" every_batch_size wrong_codes outside_the_domain -- \
        compute-sanitizer --tool $tool --error-exitcode 9 "$bin/test" >"$tool.log" 2>&1 ||
        { tail -n 40 "$tool.log" >&2; exit 1; }
    done
  else
    echo "gpu.sh: no compute-sanitizer: kernels run without it"
  fi
  echo "gpu.sh: benches"
  CARGO_TARGET_DIR=$out/target "$bin/bench" --bench --noplot "$@" >bench.log 2>&1 ||
    { tail -n 40 bench.log >&2; exit 1; }
  grep -E 'skipped|time:|thrpt:' bench.log || true
  "$bin/stepmark" --target-dir "$out/target" record
  cp -r target/stepmark/gpu .
  tar czf samples.tar.gz -C target stepmark
  echo "gpu.sh: results are in $out"
}

case "$(basename "$0") ${1:-}" in
"gpu.sh pack") pack ;;
"gpu.sh run")
  shift
  out=$(realpath -m "${1:?the folder OUT is missing}")
  shift
  (pack)
  exec "$(dirname "$0")/../target/gpu/run.sh" "$out" "$@"
  ;;
run.sh*) run "$@" ;;
*)
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
