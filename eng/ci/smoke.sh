#!/usr/bin/env bash
# Runs fuzz tests and soak tests for a short time, in parallel: smoke.sh [--no-build]. eng/nightly runs them longer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p artifacts/ci
# One after the other, because both builds write the same files.
if [ "${1:-}" != --no-build ]; then
  dotnet build tests/LambdaStreaming.Fuzz -v quiet
  dotnet build tests/LambdaStreaming.Soak -v quiet
fi
eng/fuzz.sh --no-build 10 >artifacts/ci/fuzz.log 2>&1 &
fuzz=$!
status=0
eng/soak.sh --no-build short || status=$?
wait "$fuzz" || status=$?
tail -n 12 artifacts/ci/fuzz.log
exit "$status"
