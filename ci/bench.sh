#!/usr/bin/env bash
# Runs every wall bench once, quickly: a wrong answer or a changed digest fails. Arguments go to the bench, as
# `--scaling` for the cases that only scale. STEPMARK_PROFILE is the profile to build in, by default `bench`. A case has
# as many timed runs as fit in 50 ms, at least one: right ones need not be steady.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench --profile "${STEPMARK_PROFILE:-bench}" --bench wall -- --quick --measurement-time 0.05 "$@"
