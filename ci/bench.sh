#!/usr/bin/env bash
# Runs every wall bench once, quickly: a wrong answer or a changed digest fails.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench --bench wall -- --quick
