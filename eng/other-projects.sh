#!/usr/bin/env bash
# Runs the test data of other projects: other-projects.sh. tests/TestData/suites/README.md has the suites.
# Reads copies of their repositories from LAMBDASTREAMING_SUITES. Without that variable, clones them from github.com.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

copy() { # OWNER/REPOSITORY FOLDER: clones one folder, as it is in the repository
  local target=$LAMBDASTREAMING_SUITES/${1#*/}
  [ ! -d "$target" ] || return 0
  git clone --quiet --depth 1 --filter=blob:none --sparse --config core.autocrlf=false "https://github.com/$1" "$target"
  git -C "$target" sparse-checkout set "$2"
}

if [ -z "${LAMBDASTREAMING_SUITES:-}" ]; then
  export LAMBDASTREAMING_SUITES=$PWD/artifacts/suites
  copy smithy-lang/smithy-typescript packages/eventstream-codec/test_vectors
  copy smithy-lang/smithy smithy-aws-protocol-tests/model/restJson1
  copy awslabs/aws-c-auth tests/aws-signing-test-suite/v4
  copy web-platform-tests/wpt eventsource
fi
client=tests/LambdaStreaming.Client.Tests
dotnet test --project "$client" --filter-namespace LambdaStreaming.Tests.OtherProjects --fail-skips on
dotnet test --project tests/LambdaStreaming.Testing.Tests --filter-class "*.SigV4SuiteTests" --fail-skips on
