#!/usr/bin/env bash
# Runs every wall bench once, quickly, also of the cases that only scale: a wrong answer or a changed digest fails.
# STEPMARK_PROFILE is the profile to build in, by default `bench`.
set -euo pipefail
cd "$(dirname "$0")/.."
bench() { cargo bench --profile "${STEPMARK_PROFILE:-bench}" --bench wall -- --quick "$@"; }
bench
bench --scaling
