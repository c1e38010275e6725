#!/usr/bin/env bash
# Formatting, lints and documentation; every warning is an error. Workflows where actionlint is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --check
cargo clippy --all-targets --all-features -- -D warnings
cargo clippy --all-targets --no-default-features -- -D warnings
cargo clippy --all-targets --no-default-features --features wall,cuda -- -D warnings
# What paired runs build.
cargo clippy --no-default-features --features chapters,cuda -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
if command -v actionlint >/dev/null; then
  actionlint
else
  echo "lint.sh: no actionlint, so the workflows are not checked" >&2
fi
