#!/usr/bin/env bash
# Validates outcomes of every kind, and those in the files FILE.. that `gate --json` or `duet --json` wrote, against
# src/report/gate.schema.json. Profiles of the reduced-order models are validated against the schemas in src/profile/rom,
# and against those of reference vectors where STEPMARK_CONFORMANCE names their folder. The validator comes from PyPI, at
# fixed versions, into target/schema.
#
# STEPMARK is the command, as in gate.sh.
#
#   ci/schema.sh [FILE..]
set -euo pipefail
files=()
for file in "$@"; do files+=("$(realpath "$file")"); done
cd "$(dirname "$0")/.."

wheels=(
  jsonschema==4.26.0
  jsonschema-specifications==2025.9.1
  attrs==26.1.0
  referencing==0.37.0
  rpds-py==2026.9.1
  typing-extensions==4.16.0
)
work=target/schema
venv=$work/venv
ci/wheels.sh "$venv" "${wheels[@]}"

# A test prints the outcomes, one a line.
ci/filtered.sh outcomes_of_every_kind -- cargo test --lib -- --ignored --nocapture | grep '^{' >"$work/outcomes"
for file in "${files[@]}"; do
  tr -d '\n' <"$file" >>"$work/outcomes"
  echo >>"$work/outcomes"
done
"$venv/bin/python" -B ci/schema.py src/report/gate.schema.json <"$work/outcomes"

rom=$work/rom
read -ra command <<<"${STEPMARK:-cargo run --quiet --}"
"${command[@]}" profile rom --no-plot --scaling --n-trials 10 --n-steps 20 --output-dir "$rom" >/dev/null
analysis=$rom/pipeline_summary.json#/runtime_analysis
for kind in profile comparison scaling; do
  case $kind in
    profile) validated=("$rom"/{MVAR,LSTM}/runtime_profile.json "$analysis"/profiles/{0,1}) ;;
    comparison) validated=("$rom/runtime_comparison.json" "$analysis/comparison") ;;
    scaling) validated=("$rom/runtime_scaling.json") ;;
  esac
  "$venv/bin/python" -B ci/runtime.py "src/profile/rom/runtime_$kind.schema.json" "${validated[@]}"
  reference=${STEPMARK_CONFORMANCE:-none}/rom/runtime/runtime_$kind.schema.json
  if [[ -f $reference ]]; then
    "$venv/bin/python" -B ci/runtime.py --lenient "$reference" "${validated[@]}"
  fi
done
