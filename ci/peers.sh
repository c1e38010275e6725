#!/usr/bin/env bash
# Times what one would use instead of this crate, and our own kernels in turn with it, and prints the ratios.
# Arguments are runners of benches/peers; without any, those that take little to install.
# ROUNDS is how many rounds there are: 5, unless it is set. All is measured on one core, where taskset is there.
set -euo pipefail
cd "$(dirname "$0")/.."
stepmark() { cargo run --release --quiet -- "$@"; }
[ $# -gt 0 ] || set -- faiss_sq numpy_codec numpy_ridge numpy_svd openblas_mvar onnxruntime_lstm roof_rom scipy_rom
count=${ROUNDS:-5}
target=${CARGO_TARGET_DIR:-target}
python=$target/peers-venv/bin/python
runs=$target/stepmark/runs/peers
fresh=$target/peers-fresh
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# OpenBLAS chooses its kernels by the processor.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

for peer in "$@"; do
  [ -f "benches/peers/$peer.py" ] || { echo "peers.sh: no benches/peers/$peer.py" >&2; exit 2; }
done
python3 -m venv "$target/peers-venv"
"$python" -m pip install --quiet --requirement benches/peers/requirements.txt
for peer in "$@"; do
  extra=benches/peers/requirements-$peer.txt
  [ ! -f "$extra" ] || "$python" -m pip install --quiet --requirement "$extra"
done

# The chapters of the cases that runners named.
chapters() { sed -E 's/.*"case": *"([^"/]+).*/\1/' "$@" | sort -u; }

# A round holds its own times only, and these short ones are for no baseline.
forget() {
  for chapter in $(cat "$fresh/chapters"); do
    for instrument in wall scaling; do
      rm -rf "$target/stepmark/runs/$instrument/$chapter" "$target/stepmark/$instrument/$chapter.json"
    done
  done
}

on_one_core=()
! command -v taskset >/dev/null || on_one_core=(taskset -c "$(taskset -pc $$ | grep -o '[0-9]*$')")
cargo bench --no-run --bench wall

rm -rf "$fresh" "$runs"
mkdir -p "$fresh"
: > "$fresh/chapters"
trap forget EXIT
for round in $(seq "$count"); do
  echo "peers.sh: round $round of $count"
  rm -f "$fresh"/*.jsonl
  for peer in "$@"; do
    # -B: a bytecode cache in benches/ would count as a change of the sources.
    "${on_one_core[@]}" "$python" -B "benches/peers/$peer.py" | tee "$fresh/$peer.jsonl"
  done
  chapters "$fresh"/*.jsonl > "$fresh/chapters"
  forget
  # The cases that they name.
  cases=$(sed -E 's/.*"case": *"([^"]+)".*/\1/' "$fresh"/*.jsonl | sort -u | paste -sd '|')
  found=
  for list in "" --scaling; do
    # They may all be in one list, and a bench without a case fails.
    stepmark list $list > "$fresh/list"
    grep -Eqx "$cases" "$fresh/list" || continue
    found=yes
    "${on_one_core[@]}" cargo bench --bench wall -- $list "^($cases)\$" --warm-up-time 0.3 --measurement-time 1
  done
  [ "$found" ] || { echo "peers.sh: no case is $cases" >&2; exit 1; }
  for chapter in $(cat "$fresh/chapters"); do
    mkdir -p "$runs/$chapter/$round"
    for peer in "$@"; do
      lines=$(grep -E "\"case\": *\"$chapter/" "$fresh/$peer.jsonl") || continue
      echo "$lines" > "$runs/$chapter/$round/$peer.jsonl"
    done
    for list in "wall:" "scaling:--scaling"; do
      instrument=${list%%:*}
      [ -d "$target/stepmark/runs/$instrument/$chapter" ] || continue
      stepmark record --filter "$chapter/" ${list#*:}
      cp "$target/stepmark/$instrument/$chapter.json" "$runs/$chapter/$round/$instrument.json"
    done
  done
done
stepmark record --peers
stepmark report --peers
