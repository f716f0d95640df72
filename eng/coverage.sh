#!/usr/bin/env bash
# Line coverage of LambdaStreaming.Client by its own tests: prints it by file, names the lines that no test reaches, and fails under 95 %.
# coverage.sh builds and runs the tests, coverage.sh --no-build runs them as they are built; coverage.sh REPORT judges a cobertura report that another run has made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
report=${1:-}
if [ -z "$report" ] || [ "$report" = --no-build ]; then
  results=artifacts/coverage
  rm -rf "$results"
  export AWS_EC2_METADATA_DISABLED=true
  # Left out: what repeats for minutes, instrumented, what other tests reach too.
  dotnet test --project tests/LambdaStreaming.Client.Tests ${report:+--no-build} --results-directory "$results" \
    --filter-not-trait Repeats=ForMinutes \
    --coverlet --coverlet-output-format cobertura --coverlet-include '[LambdaStreaming.Client]*' --coverlet-exclude-by-attribute GeneratedCodeAttribute
  report=$(find "$results" -name '*.cobertura*.xml' | head -1)
fi
python3 eng/coverage.py "$report" 95
