#!/usr/bin/env bash
# Measures the line coverage of all packages by their tests. Prints it by file, with the lines that no test reaches.
# Fails if a package is below its limit: 95 % for the client, Http, dependency injection and ASP.NET Core, 85 % for the
# others.
# coverage.sh             builds and runs the tests
# coverage.sh --no-build  runs the tests without building them
# coverage.sh REPORT…     checks the Cobertura reports of an earlier run
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ $# -eq 0 ] || [ "$1" = --no-build ]; then
  results=$PWD/artifacts/coverage
  rm -rf "$results"
  export AWS_EC2_METADATA_DISABLED=true
  [ $# -gt 0 ] || dotnet build
  for project in Client Http Extensions.DependencyInjection AspNetCore Testing Tool Aspire.Hosting; do
    # Excluded: tests that take minutes with instrumentation, and reach only lines that other tests reach.
    dotnet test --project "tests/LambdaStreaming.$project.Tests" --no-build --results-directory "$results/$project" \
      --filter-not-trait Repeats=ForMinutes --coverlet --coverlet-output-format cobertura \
      --coverlet-include '[LambdaStreaming.*]*' --coverlet-include '[lambda*stream]*' \
      --coverlet-exclude '[*.Tests]*' --coverlet-exclude-by-attribute GeneratedCodeAttribute
  done
  mapfile -t reports < <(find "$results" -name '*.cobertura*.xml')
  set -- "${reports[@]}"
fi
python3 eng/coverage.py "$@"
