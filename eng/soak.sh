#!/usr/bin/env bash
# Runs the soak tests: soak.sh [--no-build] short|long. They take some seconds or about 40 minutes
# (docs/internals/reliability.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ "${1:-}" = --no-build ]; then shift; else dotnet build tests/LambdaStreaming.Soak -v quiet; fi
program=artifacts/bin/LambdaStreaming.Soak/debug/LambdaStreaming.Soak
case ${1:-} in
  short)
    "$program" calls 1000
    "$program" mixed 10
    ;;
  long)
    "$program" faults
    "$program" calls 100000
    "$program" streams 1000
    "$program" passthrough 500
    "$program" races 20000
    "$program" mixed 1800
    ;;
  *)
    echo "usage: eng/soak.sh [--no-build] short|long" >&2
    exit 2
    ;;
esac
