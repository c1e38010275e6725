#!/usr/bin/env bash
# Runs the CUDA kernels and all code around them without a GPU: the kernels compiled as C++ behind a
# stand-in for the driver. It is found only by what LD_LIBRARY_PATH is set for here.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/target/cuda

command -v g++ >/dev/null || { echo "cuda.sh: no g++, which compiles the emulator" >&2; exit 1; }
mkdir -p "$work/driver"
# No contraction: a product and a sum are two roundings, as `--fmad=false` makes them on a GPU.
compile() { g++ -std=c++17 -O2 -g -ffp-contract=off -Wall -Wextra -Werror -Wno-unknown-pragmas "$@"; }
compile tests/cuda/emulator.cpp -o "$work/emulator" &
compile -shared -fPIC -fvisibility=hidden tests/cuda/driver.cpp -o "$work/driver/libcuda.so.1"
wait $!
"$work/emulator"

emulated() { STEPMARK_REQUIRE_GPU=1 LD_LIBRARY_PATH=$work/driver "$@"; }

STEPMARK_PROFILE=test ci/gpu.sh pack
echo "cuda.sh: without a GPU"
CUDA_VISIBLE_DEVICES='' target/gpu/bin/bench --bench | grep -x 'no CUDA device: [1-9][0-9]* cases skipped'
for schedule in forward reverse; do
  echo "cuda.sh: threads run $schedule"
  STEPMARK_SCHEDULE=$schedule emulated target/gpu/bin/test
done
emulated ci/filtered.sh profile::lattice::cuda -- cargo test --lib --
if command -v valgrind >/dev/null; then
  echo "cuda.sh: under Valgrind"
  emulated ci/filtered.sh wrong_codes every_batch_size inner_products_name outside_the_domain every_case_is_right -- \
    valgrind --quiet --error-exitcode=9 target/gpu/bin/test --test-threads=1
else
  echo "cuda.sh: no valgrind (ci/install.sh installs it): accesses are not checked"
fi
echo "cuda.sh: the way of a GPU machine"
rm -rf "$work/out"
emulated target/gpu/run.sh "$work/out" --warm-up-time 0.02 --measurement-time 0.05 --sample-size 10 |
  grep -v 'time:'
echo "cuda.sh: a filter of cases on the CPU alone is no error"
emulated target/gpu/bin/bench --bench stream/ | grep '^no case of this bench matches'
# As cargo, which has just built it, would run it.
if CARGO_MANIFEST_DIR=$PWD target/gpu/bin/stepmark --target-dir "$work/out/target" accept \
  --reason 'times of an emulator' --baseline "$work/out/baselines" 2>"$work/accept.log"; then
  echo "cuda.sh: the times of an emulated device were accepted" >&2
  exit 1
fi
grep -q 'emulated device' "$work/accept.log" || { cat "$work/accept.log" >&2; exit 1; }
echo "cuda.sh: their times are refused as a baseline"
echo "cuda.sh: a profile without times of an emulated device"
profile=$work/profile
rm -rf "$profile"
emulated target/gpu/bin/stepmark profile lattice --lattice E8 --batch-sizes 1,100,3000 --matrix-size 64 \
  --no-plot --output-dir "$profile" >"$work/profile.log" || { cat "$work/profile.log" >&2; exit 1; }
for results in "$profile"/{encoding,decoding,combined}_results_*.json; do
  [ "$(grep -c '"cuda_optimized": null' "$results")" = 3 ] &&
    [ "$(grep -c '"cuda_reason": "emulated device"' "$results")" = 3 ] ||
    { echo "cuda.sh: $results does not refuse an emulated device" >&2; exit 1; }
done
