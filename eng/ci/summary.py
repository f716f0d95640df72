#!/usr/bin/env python3
"""Counts the tests in the TRX reports and shows those that failed: summary.py [FAILED-STEP...].

The last line is "N passed, N failed". The exit code is 1 if a test failed, if no test ran, or if a step failed.
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ET

TRX = "{http://microsoft.com/schemas/VisualStudio/TeamTest/2010}"
OUTPUT_LINES = 60  # per failed test

root = pathlib.Path(__file__).resolve().parents[2]
outcomes = collections.Counter()
reasons = []


def count(report):
    for _, result in ET.iterparse(report):
        if result.tag != TRX + "UnitTestResult":
            continue
        outcome = result.get("outcome")
        outcomes[outcome] += 1
        if outcome not in ("Passed", "NotExecuted"):
            print(f"\n== {outcome}: {result.get('testName')} ({report.name}, started {result.get('startTime')})")
            lines = [line for text in result.itertext() for line in text.splitlines() if line.strip()]
            print("\n".join(lines[:OUTPUT_LINES]))
        result.clear()


for report in sorted(root.glob("artifacts/test-results/**/*.trx")):
    try:
        count(report)
    except ET.ParseError as error:
        reasons.append(f"{report.name} is not complete: {error}")

passed, skipped = outcomes["Passed"], outcomes["NotExecuted"]
failed = outcomes.total() - passed - skipped
if failed:
    reasons.append(f"{failed} tests failed")
if not passed:
    reasons.append("tests did not run")
if sys.argv[1:]:
    reasons.append("failed steps, see their output above: " + " ".join(sys.argv[1:]))
for reason in reasons:
    print(f"ci: {reason}")
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(bool(reasons))
