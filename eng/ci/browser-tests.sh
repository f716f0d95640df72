#!/usr/bin/env bash
# Installs the browser driver, and runs the browser tests. A skipped test is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
eng/ci/install-browser.sh
dotnet test --project tests/LambdaStreaming.AspNetCore.Tests --filter-class "*.ChatPageTests" "*.BrowserClientTests" \
  --fail-skips on --results-directory artifacts/test-results --report-trx
