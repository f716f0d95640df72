#!/usr/bin/env bash
# Runs the soak tests: soak.sh short|long. They take some seconds or about 40 minutes (docs/internals/reliability.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=artifacts/bin/LambdaStreaming.Soak/debug/LambdaStreaming.Soak
[ -x "$program" ] || dotnet build tests/LambdaStreaming.Soak -v quiet
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
    "$program" mixed 1800
    ;;
  *)
    echo "usage: eng/soak.sh short|long" >&2
    exit 2
    ;;
esac
