"""Checks a Cobertura report: coverage.py REPORT PERCENT. Fails if the line coverage is less than PERCENT.

Generated code (logs, JSON, regular expressions) is excluded.
"""
import collections
import pathlib
import sys
import xml.etree.ElementTree

lines = collections.defaultdict(dict)
for unit in xml.etree.ElementTree.parse(sys.argv[1]).iter("class"):
    name = unit.get("filename").replace("\\", "/")
    if "/obj/" in name or name.endswith(".g.cs"):
        continue
    name = name.split("LambdaStreaming.Client/")[-1]
    for line in unit.iter("line"):
        number = int(line.get("number"))
        lines[name][number] = max(lines[name].get(number, 0), int(line.get("hits")))

covered = total = 0
for name, hits in sorted(lines.items()):
    missed = sorted(number for number, count in hits.items() if count == 0)
    covered, total = covered + len(hits) - len(missed), total + len(hits)
    if missed:
        print(f"{name}: {len(hits) - len(missed)} of {len(hits)}; not reached: {', '.join(map(str, missed))}")

if total == 0:
    sys.exit("coverage: the report does not contain lines")
percent = 100 * covered / total
print(f"coverage of LambdaStreaming.Client: {covered} of {total} lines, {percent:.1f} %")
sys.exit(0 if percent >= float(sys.argv[2]) else f"coverage: less than {sys.argv[2]} %")
