#!/usr/bin/env bash
# Runs some tests of an executable or of `cargo test`, which end well where there are none: fails where no test ran,
# or a filter matches none.
#
#   ci/filtered.sh [FILTER..] -- COMMAND ..    the filters go to the end of the command
set -euo pipefail
filters=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  filters+=("$1")
  shift
done
[ $# -gt 1 ] || { sed -n '5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$@" "${filters[@]}" | tee "$log"
ran=$(grep '^test .* \.\.\. ' "$log" | grep -v ' \.\.\. ignored' || true)
[ "$ran" ] || { echo "filtered.sh: no test ran: $*" >&2; exit 1; }
for filter in "${filters[@]}"; do
  [[ $ran == *"$filter"* ]] || { echo "filtered.sh: no test has \`$filter\` in its name" >&2; exit 1; }
done
