#!/usr/bin/env bash
# Makes a virtual environment of Python in FOLDER with these wheels from PyPI and nothing else, unless it is there.
#
#   ci/wheels.sh FOLDER NAME==VERSION..
set -euo pipefail
[ $# -gt 1 ] || { sed -n '4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
venv=$1
shift
[ "$(cat "$venv/wheels" 2>/dev/null)" != "$*" ] || exit 0
rm -rf "$venv"
mkdir -p "$(dirname "$venv")"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary=:all: "$@"
echo "$*" >"$venv/wheels"
