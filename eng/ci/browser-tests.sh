#!/usr/bin/env bash
# Installs the driver of the browser, and runs the tests of the chat page. A skipped test is a failure here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
eng/ci/install-browser.sh
dotnet test --project tests/LambdaStreaming.AspNetCore.Tests --filter-class "*.ChatPageTests" --fail-skips on \
  --results-directory artifacts/test-results --report-trx
