#!/usr/bin/env bash
# Times what one would use instead of this crate, and our own kernels in turn with it, and prints the ratios.
# Arguments are runners of benches/peers; without any, those that take little to install.
set -euo pipefail
cd "$(dirname "$0")/.."
stepmark() { cargo run --release --quiet -- "$@"; }
[ $# -gt 0 ] || set -- faiss_sq numpy_codec
chapter=lattice
target=${CARGO_TARGET_DIR:-target}
python=$target/peers-venv/bin/python
rounds=$target/stepmark/runs/peers/$chapter
export OMP_NUM_THREADS=1

for peer in "$@"; do
  [ -f "benches/peers/$peer.py" ] || { echo "peers.sh: no benches/peers/$peer.py" >&2; exit 2; }
done
python3 -m venv "$target/peers-venv"
"$python" -m pip install --quiet --requirement benches/peers/requirements.txt
for peer in "$@"; do
  extra=benches/peers/requirements-$peer.txt
  [ ! -f "$extra" ] || "$python" -m pip install --quiet --requirement "$extra"
done

# A round holds its own times only, and these short ones are for no baseline.
forget() {
  for instrument in wall scaling; do
    rm -rf "$target/stepmark/runs/$instrument/$chapter" "$target/stepmark/$instrument/$chapter.json"
  done
}
trap forget EXIT

rm -rf "$rounds"
for round in 1 2 3; do
  forget
  echo "peers.sh: round $round of 3"
  mkdir -p "$rounds/$round"
  for peer in "$@"; do
    # -B: a bytecode cache in benches/ would count as a change of the sources.
    "$python" -B "benches/peers/$peer.py" | tee "$rounds/$round/$peer.jsonl"
  done
  # The cases that they name.
  cases=$(sed -E 's/.*"case": *"([^"]+)".*/\1/' "$rounds/$round"/*.jsonl | sort -u | paste -sd '|')
  cargo bench --bench wall -- "^($cases)\$" --warm-up-time 0.3 --measurement-time 1
  cargo bench --bench wall -- --scaling "^($cases)\$" --warm-up-time 0.3 --measurement-time 1
  stepmark record --filter "$chapter/"
  stepmark record --filter "$chapter/" --scaling
  for instrument in wall scaling; do
    cp "$target/stepmark/$instrument/$chapter.json" "$rounds/$round/$instrument.json"
  done
done
stepmark record --peers
stepmark report --peers
