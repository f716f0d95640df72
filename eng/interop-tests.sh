#!/usr/bin/env bash
# Installs the official clients if they are missing, and runs the tests that use them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -f tests/interop/node_modules/aws-lambda-ric/rapid-client.node ] || eng/install-interop.sh
dotnet test --project tests/LambdaStreaming.Testing.Tests --filter-class "*.InteropTests" "*.RuntimeProcessTests" \
  --fail-skips on
dotnet test --project tests/LambdaStreaming.Http.Tests --filter-class "*.HonoTests" --fail-skips on
dotnet test --project tests/LambdaStreaming.Tool.Tests --filter-class "*.ServeTests"
dotnet test --project tests/LambdaStreaming.Docs.Tests --filter-class "*.TestingSnippets" "*.CommandLinePageTests"
tests/Live/check --local
