#!/usr/bin/env bash
# Whole gates from end to end: all cases, counted and in pairs against a revision.
#
#   ci/whole.sh OUT [RUNS]    RUNS of them (10 unless given) with nothing changed, which must pass within 6 min once
#                             both builds are there, and within 3 min without pairs; then one for each fault
#                             planted below, which must be found where it is and nowhere else
#
# Appends a line of JSON to OUT for each, and goes on with those of this commit that OUT does not hold; ends with 1
# where one ended otherwise. Works on a clone of what is committed, in target/whole; takes an hour or two, so not
# part of CI.
set -euo pipefail
[ $# -gt 0 ] || { sed -n '4,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$(realpath -m "$1") runs=${2:-10}
touch "$out"
cd "$(dirname "$0")/.."
mkdir -p target/whole
whole=$PWD/target/whole
rm -rf "$whole/tree"
git clone --quiet . "$whole/tree"
cd "$whole/tree"
export CARGO_TARGET_DIR=$whole/build
commit=$(git rev-parse HEAD)

held() { grep -c "\"commit\":\"$commit\".*\"what\":\"$1\"" "$out" || true; } # WHAT: how many of it OUT holds

# A gate that must end with EXIT, and within LIMIT seconds. Each line of FAIL must match ALL, and one must match ONE.
gate() { # WHAT EXIT LIMIT ALL ONE [ARGUMENTS]
  local what=$1 expected=$2 limit=$3 all=$4 one=$5 exit=0 right=true load date start seconds
  shift 5
  load=$(cut -d' ' -f1 /proc/loadavg)
  date=$(date -u +%FT%TZ)
  start=$SECONDS
  ci/gate.sh "$@" >"$whole/$what.log" 2>&1 || exit=$?
  seconds=$((SECONDS - start))
  grep '^FAIL ' "$whole/$what.log" >"$whole/fails" || true
  if [ "$exit" != "$expected" ] || [ "$seconds" -gt "$limit" ] || grep -qvE "$all" "$whole/fails"; then right=false; fi
  if [ "$one" ] && ! grep -qE "$one" "$whole/fails"; then right=false; fi
  if [ "$expected" = 0 ] && ! grep -q '^pass (exit 0)' "$whole/$what.log"; then right=false; fi
  printf '{"date":"%s","commit":"%s","load":%s,"what":"%s","expected":%d,"exit":%d,"seconds":%d,"right":%s,"said":%s}\n' \
    "$date" "$commit" "$load" "$what" "$expected" "$exit" "$seconds" "$right" \
    "$(tail -n 1 "$whole/$what.log" | sed 's/[\\"]/\\&/g; s/.*/"&"/')" | tee -a "$out"
  [ "$right" = true ] || tail -n 20 "$whole/$what.log" >&2
}

plant() { # WHAT EXIT ALL ONE FILE OLD NEW: a gate of the chapter of ALL, with OLD replaced by NEW in FILE
  local text
  [ "$(held "$1")" = 0 ] || return 0
  text=$(<"$5")
  [ "${text/"$6"/}" != "$text" ] || { echo "whole.sh: no \`$6\` in $5" >&2; exit 1; }
  printf '%s\n' "${text/"$6"/"$7"}" >"$5"
  gate "$1" "$2" 3600 "$3" "$4" --against "$commit" --filter "${3%%/*}/"
  git checkout --quiet -- "$5"
}

gate build 0 3600 . '' --against "$commit"
gate instructions 0 180 . ''
while [ "$(held unchanged)" -lt "$runs" ]; do gate unchanged 0 360 . '' --against "$commit"; done

kernel=src/lattice/nearest.rs loop='for i in 0..n {' point='y[k * n + i] = p;' nearest='lattice/nearest-'
plant compute 3 "$nearest" 'instructions .*\+2' "$kernel" "$loop" 'for i in (0..n).chain(0..n / 50) {'
plant locality 3 "$nearest" 'D1 misses' "$kernel" "$loop" 'for j in 0..n { let i = j % 100 * 100 + j / 100;'
plant heap 3 "$nearest" 'heap blocks' "$kernel" "$point" 'y[k * n + i] = *std::hint::black_box(Box::new(p));'
plant wrong 4 "$nearest" "$nearest" "$kernel" "$point" 'y[k * n + i] = -p;'
# Nothing is counted of these cases: only the pairs can tell.
cases=src/memory/cases.rs write=memory/write/mib128
plant memory 3 "$write" 'slower' "$cases" 'write(&mut self.0, VALUE);' \
  'write(&mut self.0, VALUE); write(&mut self.0[..WORDS / 8], VALUE);'
plant removed 5 "$write" 'gone' "$cases" 'Case::new("memory/write/mib128", "portable", work, writing).timed_only(),' ''
! grep "\"commit\":\"$commit\"" "$out" | grep '"right":false'
