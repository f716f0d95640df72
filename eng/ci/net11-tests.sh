#!/usr/bin/env bash
# Runs the client's tests, built for .NET 10, on the .NET 11 runtime in a folder: net11-tests.sh FOLDER.
# SDK 10 cannot build for .NET 11. An app on .NET 11 uses the same net10.0 assemblies.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
runtime=${1:?usage: net11-tests.sh FOLDER, which contains shared/Microsoft.NETCore.App/11.*}
version=$(find "$runtime/shared/Microsoft.NETCore.App" -maxdepth 1 -name '11.*' -printf '%f\n' 2>/dev/null |
  sort --version-sort | tail -n 1)
[ -n "$version" ] || { echo "net11-tests: $runtime does not contain a .NET 11 runtime" >&2; exit 1; }

dotnet build tests/LambdaStreaming.Client.Tests -v quiet
mkdir -p artifacts/test-results
echo "== the client's tests on .NET $version"
DOTNET_ROOT=$runtime DOTNET_ROLL_FORWARD=LatestMajor AWS_EC2_METADATA_DISABLED=true \
  artifacts/bin/LambdaStreaming.Client.Tests/debug/LambdaStreaming.Client.Tests -noColor -trait- Repeats=ForMinutes \
  -result-trx "$PWD/artifacts/test-results/LambdaStreaming.Client.Tests_net11.trx" | tee artifacts/net11-tests.log
grep -q "\.NET $version" artifacts/net11-tests.log || {
  echo "net11-tests: the tests did not run on .NET $version" >&2
  exit 1
}
