#!/usr/bin/env bash
# Whole gates from end to end: all cases, counted and in pairs against a revision.
#
#   ci/whole.sh OUT [RUNS]    RUNS of them (10 unless given) with nothing changed, which must pass, then one
#                             for each fault planted below, which must end as said there
#
# Appends a line of JSON to OUT for each; ends with 1 where one ended otherwise. Works on a clone of what is
# committed, in target/whole; takes hours, so not part of CI.
set -euo pipefail
[ $# -gt 0 ] || { sed -n '4,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$(realpath -m "$1") runs=${2:-10}
cd "$(dirname "$0")/.."
mkdir -p target/whole
whole=$PWD/target/whole
rm -rf "$whole/tree"
git clone --quiet . "$whole/tree"
cd "$whole/tree"
export CARGO_TARGET_DIR=$whole/build
commit=$(git rev-parse HEAD)
failed=0

gate() { # WHAT EXIT: runs a gate that must end with EXIT
  local what=$1 expected=$2 exit=0 start load date
  load=$(cut -d' ' -f1 /proc/loadavg)
  date=$(date -u +%FT%TZ)
  start=$SECONDS
  ci/gate.sh --against "$commit" >"$whole/$what.log" 2>&1 || exit=$?
  printf '{"date":"%s","commit":"%s","load":%s,"what":"%s","expected":%d,"exit":%d,"seconds":%d}\n' \
    "$date" "$commit" "$load" "$what" "$expected" "$exit" $((SECONDS - start)) | tee -a "$out"
  if [ "$exit" != "$expected" ]; then
    failed=1
    tail -n 20 "$whole/$what.log" >&2
  fi
}

plant() { # WHAT EXIT FILE OLD NEW: a gate of the tree with OLD replaced by NEW in FILE
  local text
  text=$(<"$3")
  [ "${text/"$4"/}" != "$text" ] || { echo "whole.sh: no \`$4\` in $3" >&2; exit 1; }
  printf '%s\n' "${text/"$4"/"$5"}" >"$3"
  gate "$1" "$2"
  git checkout --quiet -- "$3"
}

for _ in $(seq "$runs"); do gate unchanged 0; done

kernel=src/lattice/nearest.rs loop='for i in 0..n {' point='y[k * n + i] = p;'
plant compute 3 "$kernel" "$loop" 'for i in (0..n).chain(0..n / 16) {'
plant locality 3 "$kernel" "$loop" 'for j in 0..n { let i = j % 100 * 100 + j / 100;'
plant heap 3 "$kernel" "$point" 'y[k * n + i] = *std::hint::black_box(Box::new(p));'
plant wrong 4 "$kernel" "$point" 'y[k * n + i] = -p;'
# Nothing is counted of these cases: only the pairs can tell.
cases=src/memory/cases.rs
plant memory 3 "$cases" 'write(&mut self.0, VALUE);' \
  'write(&mut self.0, VALUE); write(&mut self.0[..WORDS / 16], VALUE);'
plant removed 5 "$cases" 'Case::new("memory/write/mib128", "portable", work, writing).timed_only(),' ''
exit $failed
