#!/usr/bin/env bash
# Mutation tests of the client's folders that stryker-config.json lists: run.sh [OPTION…]. The options are those of
# judge.py, such as --only Decoder. Takes more than an hour on two processors.
# Stryker.NET creates the mutants and compiles them into one assembly. judge.py runs the tests against each mutant.
# Score and survivors are in artifacts/mutation/report.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$PWD/artifacts/mutation
mkdir -p "$work"
export AWS_EC2_METADATA_DISABLED=true

dotnet tool restore
dotnet build tests/LambdaStreaming.Client.Tests
(
  cd eng/mutation
  MUTATED_ASSEMBLY=$work/LambdaStreaming.Client.dll dotnet stryker --output "$work/stryker" --skip-version-check
)
python3 eng/mutation/judge.py "$work/stryker/reports/mutation-report.json" "$work/LambdaStreaming.Client.dll" \
  artifacts/bin/LambdaStreaming.Client.Tests/debug "$@" | tee "$work/report.txt"
