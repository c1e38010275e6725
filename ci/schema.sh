#!/usr/bin/env bash
# Validates outcomes of every kind, and those in the files FILE.. that `gate --json` or `duet --json` wrote, against
# src/report/gate.schema.json. Profiles of molecular dynamics, of 64 atoms of silicon among others, and of reduced-order
# models are validated against the schemas in src/profile, the latter also against those of reference vectors where
# STEPMARK_CONFORMANCE names their folder. The validator comes from PyPI, at fixed versions, into target/schema.
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

read -ra command <<<"${STEPMARK:-cargo run --quiet --}"
valid() { "$venv/bin/python" -B ci/profiles.py "$@"; }

rom=$work/rom
"${command[@]}" profile rom --no-plot --scaling --n-trials 10 --n-steps 20 --output-dir "$rom" >/dev/null
analysis=$rom/pipeline_summary.json#/runtime_analysis
for kind in profile comparison scaling; do
  case $kind in
    profile) validated=("$rom"/{MVAR,LSTM}/runtime_profile.json "$analysis"/profiles/{0,1}) ;;
    comparison) validated=("$rom/runtime_comparison.json" "$analysis/comparison") ;;
    scaling) validated=("$rom/runtime_scaling.json") ;;
  esac
  valid "src/profile/rom/runtime_$kind.schema.json" "${validated[@]}"
  reference=${STEPMARK_CONFORMANCE:-none}/rom/runtime/runtime_$kind.schema.json
  if [[ -f $reference ]]; then
    valid --lenient "$reference" "${validated[@]}"
  fi
done

md=$work/md
rm -rf "$md"
profile() { "${command[@]}" profile md --no-plot --output-dir "$md" "$@" >/dev/null; }
# First, for it writes profiles of its models, too.
profile --compare-all --system silicon --n-steps 5
profile --model sw --properties energy,forces,stress
profile --model lj --system-sizes 32,64,108 --n-steps 5 --no-memory --reference lj-mixed
"${command[@]}" compare "$md"/lj_scaling_{64,64}.json --json "$md/compared.json" >/dev/null
valid src/profile/md/profile.schema.json "$md"/{sw,sw-mixed}_profile.json "$md"/lj_scaling_{32,64,108}.json
valid src/profile/md/extended.schema.json "$md"/{sw,sw-mixed}_profile.extended.json "$md"/lj_scaling_64.extended.json
valid src/profile/md/scaling.schema.json "$md/lj_scaling.json"
valid src/profile/md/comparison.schema.json "$md"/comparison_*.json
valid src/profile/compare/comparison.schema.json "$md/compared.json"
