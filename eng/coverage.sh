#!/usr/bin/env bash
# Measures the line coverage of LambdaStreaming.Client by its own tests. Prints it by file, with the lines that no test
# reaches. Fails if it is less than 95 %.
# coverage.sh             builds and runs the tests
# coverage.sh --no-build  runs the tests without building them
# coverage.sh REPORT      checks the Cobertura report of an earlier run
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
report=${1:-}
if [ -z "$report" ] || [ "$report" = --no-build ]; then
  results=artifacts/coverage
  rm -rf "$results"
  export AWS_EC2_METADATA_DISABLED=true
  # Excluded: tests that take minutes with instrumentation, and reach only lines that other tests reach.
  dotnet test --project tests/LambdaStreaming.Client.Tests ${report:+--no-build} --results-directory "$results" \
    --filter-not-trait Repeats=ForMinutes \
    --coverlet --coverlet-output-format cobertura --coverlet-include '[LambdaStreaming.Client]*' \
    --coverlet-exclude-by-attribute GeneratedCodeAttribute
  report=$(find "$results" -name '*.cobertura*.xml' | head -1)
fi
python3 eng/coverage.py "$report" 95
