#!/usr/bin/env bash
# Counts the tests in the TRX reports: summary.sh [FAILED-STEP...]. The last line is "N passed, N failed".
# Fails if a test failed, if tests did not run, or if a step failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

count() { # PATTERN: prints the number of results whose outcome matches
  find artifacts/test-results -name '*.trx' -exec grep -ohE '<UnitTestResult [^>]*>' {} + 2>/dev/null |
    grep -cE "[[:space:]]outcome=\"($1)\""
}
all=$(count '[A-Za-z]+')
passed=$(count Passed)
skipped=$(count NotExecuted)
failed=$((all - passed - skipped))

reasons=()
[ "$failed" -eq 0 ] || reasons+=("$failed tests failed")
[ "$passed" -gt 0 ] || reasons+=("tests did not run")
[ $# -eq 0 ] || reasons+=("failed steps, see their output above: $*")
for reason in "${reasons[@]}"; do echo "ci: $reason" >&2; done

line="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
echo "$line"
[ ${#reasons[@]} -eq 0 ]
