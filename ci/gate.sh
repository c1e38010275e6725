#!/usr/bin/env bash
# Counts instructions and heap use of every case and compares with the committed baselines.
# Arguments go to `stepmark gate`; with `--skip instructions`, or where no selected case is counted,
# nothing is. The exit codes are those of `stepmark gate --help`. STEPMARK is the command, by default
# one that cargo builds first, as for tests: it times nothing itself.
set -euo pipefail
cd "$(dirname "$0")/.."
read -ra command <<<"${STEPMARK:-cargo run --quiet --}"
# What is started here does not get the lock, which so ends with this script, however that ends.
stepmark() { "${command[@]}" "$@" 9>&-; }

if command -v flock >/dev/null; then
  folder=${CARGO_TARGET_DIR:-target}/stepmark
  mkdir -p "$folder"
  exec 9>"$folder/gate.lock"
  flock --nonblock 9 ||
    { echo "gate.sh: another gate.sh is under way in this checkout; wait until it ends" >&2; exit 1; }
fi
selection=()
if [[ " $* " =~ \ (--filter|--exact)[\ =]([^\ ]+) ]]; then selection=("${BASH_REMATCH[@]:1:2}"); fi
case " $* " in
*" --skip instructions "* | *" --skip=instructions "*) counted= ;;
*) counted=$(stepmark list --cpu "${selection[@]}") ;;
esac
if [ -z "$counted" ]; then
  stepmark gate "$@"
  exit
fi
for tool in valgrind iai-callgrind-runner; do
  command -v "$tool" >/dev/null || { echo "gate.sh: no $tool; ci/install.sh installs it" >&2; exit 1; }
done
if ! cargo bench --no-default-features --features chapters,instructions --bench instructions 9>&-; then
  echo "gate.sh: the bench failed; are the answers right?" >&2
  answers=0
  stepmark check "${selection[@]}" || answers=$?
  # Wrong ones are a verdict, which the outputs tell; any other failure is none.
  [ "$answers" != 4 ] || stepmark gate --skip instructions "$@" || exit
  exit 1
fi
stepmark record
stepmark gate "$@"
