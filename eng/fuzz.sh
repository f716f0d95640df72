#!/usr/bin/env bash
# Fuzzes with random mutations in one process. eng/fuzz-afl.sh uses AFL++ instead.
# fuzz.sh [--no-build] SECONDS [SEED [TARGET…]]   divides the time among the targets; default: all
# fuzz.sh executions N [SEED [TARGET…]]   runs each target N times. Several targets can run in several processes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# With a larger youngest generation, the garbage collector runs less often.
export DOTNET_GCgen0size=0x4000000
if [ "${1:-}" = executions ]; then
  dotnet build tests/LambdaStreaming.Fuzz -c Release -v quiet
  exec artifacts/bin/LambdaStreaming.Fuzz/release/LambdaStreaming.Fuzz "$@"
fi
if [ "${1:-}" = --no-build ]; then shift; else dotnet build tests/LambdaStreaming.Fuzz -v quiet; fi
artifacts/bin/LambdaStreaming.Fuzz/debug/LambdaStreaming.Fuzz random "$@"
