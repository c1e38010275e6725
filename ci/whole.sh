#!/usr/bin/env bash
# Whole gates from end to end: all cases, counted and in pairs against a revision.
#
#   ci/whole.sh OUT [RUNS [WHAT]]    one for each fault of src/*/planted.sh, which must be found where it is and nowhere
#                                    else; then RUNS (10 unless given) with nothing changed, which must pass within
#                                    6 min once both builds are there, and within 3 min without pairs; WHAT matches
#                                    the whole names of those that are run, by default all
#
# Appends a line of JSON to OUT for each, and goes on with those of this commit that OUT does not hold, right or not,
# but for the build and the gate without pairs, which it takes again; ends with 1 where one ended otherwise. Works on
# a clone of what is committed, in target/whole; takes an hour or two, so not part of CI.
set -euo pipefail
[ $# -gt 0 ] || { sed -n '4,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$(realpath -m "$1") runs=${2:-10} wanted="^(${3:-.*})\$"
touch "$out"
cd "$(dirname "$0")/.."
mkdir -p target/whole
whole=$PWD/target/whole
rm -rf "$whole/tree"
git clone --quiet . "$whole/tree"
cd "$whole/tree"
export CARGO_TARGET_DIR=$whole/build
commit=$(git rev-parse HEAD)
# A clean tree is compared with a commit before it, though nothing has changed since.
git -c user.name=whole.sh -c user.email=whole.sh@localhost commit --quiet --allow-empty --message 'nothing changed'

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
  if [ "$exit" != "$expected" ] || [ "$seconds" -ge "$limit" ] || grep -qvE "$all" "$whole/fails"; then right=false; fi
  if [ "$one" ] && ! grep -qE "$one" "$whole/fails"; then right=false; fi
  if [ "$expected" = 0 ] && ! grep -q '^pass (exit 0)' "$whole/$what.log"; then right=false; fi
  printf '{"date":"%s","commit":"%s","load":%s,"what":"%s","expected":%d,"exit":%d,"seconds":%d,"right":%s,"said":%s}\n' \
    "$date" "$commit" "$load" "$what" "$expected" "$exit" "$seconds" "$right" \
    "$(tail -n 1 "$whole/$what.log" | sed 's/[\\"]/\\&/g; s/.*/"&"/')" | tee -a "$out"
  [ "$right" = true ] || tail -n 20 "$whole/$what.log" >&2
}

# Runs COMMAND, which appends a line of WHAT, until OUT holds RUNS of them, or once for `again`; if WHAT is wanted.
take() { # WHAT RUNS COMMAND [ARGUMENTS]
  local what=$1 runs=$2
  shift 2
  [[ $what =~ $wanted ]] || return 0
  [ "$runs" != again ] || runs=$(($(held "$what") + 1))
  while [ "$(held "$what")" -lt "$runs" ]; do "$@"; done
}

# The faults of each chapter stand beside what they change, as calls of this.
plant() { take "$1" 1 planted "$@"; }

planted() { # WHAT EXIT FILTER ALL ONE FILE OLD NEW: a gate of the cases of FILTER, with OLD replaced by NEW in FILE
  local text
  text=$(<"$6")
  [ "${text/"$7"/}" != "$text" ] || { echo "whole.sh: no \`$7\` in $6" >&2; exit 1; }
  printf '%s\n' "${text/"$7"/"$8"}" >"$6"
  gate "$1" "$2" 3600 "$4" "$5" --against "$commit" --filter "$3"
  git checkout --quiet -- "$6"
}

for faults in src/*/planted.sh; do
  source "$faults"
done

build() {
  # With the other side there, so that the command is built and this side of it, whose source has changed. Of a case
  # that is prepared and timed in no time, for this is about the build; not counted, for that is a build of its own.
  local one=(--against "$commit" --exact mvar/step-d20-p5/n64 --skip instructions)
  ci/gate.sh "${one[@]}" >"$whole/first.log" 2>&1
  date +'// Changed at %s.' >>src/lib.rs
  gate build 0 100 . '' "${one[@]}"
  git checkout --quiet -- src/lib.rs
}
take build again build
take instructions again gate instructions 0 180 . ''
take unchanged "$runs" gate unchanged 0 360 . '' --against "$commit"

! grep "\"commit\":\"$commit\"" "$out" | grep '"right":false'
