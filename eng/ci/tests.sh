#!/usr/bin/env bash
# Runs the test command that README.md tells users to run, on what eng/ci/build.sh has built, and writes TRX reports.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command=$(sed -n '/<!-- test-command -->/,/<!-- \/test-command -->/{/^```/d;/<!--/d;p}' README.md)
[ -n "$command" ] || { echo "README.md has no test command between its markers" >&2; exit 1; }
bash -euo pipefail -c "$command --no-build --results-directory artifacts/test-results --report-trx"
