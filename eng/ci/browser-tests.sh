#!/usr/bin/env bash
# Installs the driver of the browser, and runs the tests in the browser. A skipped test is a failure here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
eng/ci/install-browser.sh
dotnet test --project tests/LambdaStreaming.AspNetCore.Tests --filter-class "*.ChatPageTests" "*.BrowserClientTests" \
  --fail-skips on --results-directory artifacts/test-results --report-trx
