#!/usr/bin/env bash
# Kills `stepmark rom --config` at 20 random moments of each stage; its files must be those of a run that nobody killed.
#
#   ci/kill_rom.sh OUT    appends a line of JSON to OUT, such as baselines/MACHINE/kill_rom.jsonl
#
# Ends non-zero where a file has other bits. Takes a minute or two, so not part of CI, which kills once in each stage.
set -euo pipefail
[ $# = 1 ] || { sed -n '4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$(realpath -m "$1")
cd "$(dirname "$0")/.."
test=rom::pipeline::killed::a_pipeline_killed_at_twenty_moments_of_each_stage_ends_with_the_same_files
log=$(mktemp)
trap 'rm -f "$log"' EXIT
ci/filtered.sh "$test" -- cargo test --test it -- --ignored --exact --nocapture | tee "$log"
lines=$(sed -n 's/^\([a-z]*\): \([0-9]*\) kills, \([0-9]*\) tries, the same \([0-9]*\) files$/"\1":{"kills":\2,"tries":\3,"files":\4}/p' "$log")
[ "$(wc -l <<<"$lines")" = 4 ] || { echo "found no line for each of the 4 stages" >&2; exit 1; }
printf '{"commit":"%s",%s}\n' "$(git rev-parse HEAD)" "$(paste -sd, <<<"$lines")" >>"$out"
tail -n 1 "$out"
