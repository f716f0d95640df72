#!/usr/bin/env bash
# Runs the client's tests on the .NET 8 runtime, self-contained, with the minimum versions of the packages:
# net8-tests.sh [--upgraded]. With --upgraded (eng/nightly), runs them also with the AWSSDK.Core that an app can upgrade
# to (docs/dependencies.md). Tests that repeat for minutes are excluded.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
upgraded=4.1.0
results=$PWD/artifacts/test-results

# NAME [PROPERTY…]: publishes the tests to artifacts/NAME. Uses separate lock files, because -r adds sections to them.
publish() {
  local name=$1
  shift
  dotnet publish tests/LambdaStreaming.Client.Tests -c Release -r linux-x64 --self-contained -o "artifacts/$name" \
    -p:TestOnNet8=true -p:ArtifactsPath="$PWD/artifacts/net8-build" \
    -p:RestoreLockedMode=false -p:NuGetLockFilePath="obj/packages.$name.lock.json" -v quiet "$@"
}

# NAME VERSION: runs the tests in artifacts/NAME, which must have been published with that AWSSDK.Core.
run() {
  grep -q "\"AWSSDK.Core/$2\"" "artifacts/$1/LambdaStreaming.Client.Tests.deps.json" || {
    echo "net8-tests: artifacts/$1 does not have AWSSDK.Core $2" >&2
    return 1
  }
  echo "== the client's tests on .NET 8 with AWSSDK.Core $2"
  AWS_EC2_METADATA_DISABLED=true "artifacts/$1/LambdaStreaming.Client.Tests" -noColor -trait- Repeats=ForMinutes \
    -result-trx "$results/LambdaStreaming.Client.Tests_$1.trx"
}

mkdir -p "$results"
minimum=$(sed -n '/net8.0"/,/<\/ItemGroup>/s/.*"AWSSDK.Core" Version="\([^"]*\)".*/\1/p' Directory.Packages.props)
publish net8
status=0
run net8 "$minimum" || status=$?
[ "${1:-}" = --upgraded ] || exit $status
publish net8-upgraded -p:AwsSdkCoreVersion="$upgraded"
run net8-upgraded "$upgraded" || status=$?
exit $status
