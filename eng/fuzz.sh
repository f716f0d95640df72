#!/usr/bin/env bash
# Fuzzes the client with random mutations in one process: fuzz.sh SECONDS [SEED]. eng/fuzz-afl.sh uses AFL++ instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=artifacts/bin/LambdaStreaming.Fuzz/debug/LambdaStreaming.Fuzz
[ -x "$program" ] || dotnet build tests/LambdaStreaming.Fuzz -v quiet
"$program" random "$@"
