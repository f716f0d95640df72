#!/usr/bin/env bash
# Runs fuzz tests and soak tests for a short time, in parallel. eng/nightly runs them longer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p artifacts/ci
eng/fuzz.sh 10 >artifacts/ci/fuzz.log 2>&1 &
fuzz=$!
status=0
eng/soak.sh short || status=$?
wait "$fuzz" || status=$?
tail -n 12 artifacts/ci/fuzz.log
exit "$status"
