#!/usr/bin/env bash
# Runs the test command of README.md with the output of eng/ci/build.sh, and writes TRX reports.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command=$(sed -n '/<!-- test-command -->/,/<!-- \/test-command -->/{/^```/d;/<!--/d;p;}' README.md)
[ -n "$command" ] || { echo "README.md does not contain a test command between its markers" >&2; exit 1; }
bash -euo pipefail -c "$command --no-build --results-directory artifacts/test-results --report-trx"
