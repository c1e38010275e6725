#!/usr/bin/env bash
# Formatting, lints and documentation, README's results among it; every warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --check
cargo clippy --all-targets -- -D warnings
cargo clippy --all-targets --all-features -- -D warnings
cargo clippy --all-targets --no-default-features -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
# In the profile of the tests, which are built next.
cargo run --profile test --quiet -- report --splice README.md --check
