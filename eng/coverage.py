"""Merges Cobertura reports and prints the line coverage of each package: coverage.py REPORT...

Fails if a package is below its limit. Generated code (logs, JSON, regular expressions) is excluded.
"""
import collections
import re
import sys
import xml.etree.ElementTree

LIMITS = {"Client": 95, "Http": 95, "Extensions.DependencyInjection": 95, "AspNetCore": 95}
OTHER_LIMIT = 85

packages = collections.defaultdict(lambda: collections.defaultdict(dict))
for report in sys.argv[1:]:
    for unit in xml.etree.ElementTree.parse(report).iter("class"):
        path = unit.get("filename").replace("\\", "/")
        match = re.search(r"(?:^|/)LambdaStreaming\.([\w.]+)/(.*)", path)
        if not match or "/obj/" in path or path.endswith(".g.cs"):
            continue
        lines = packages[match[1]][match[2]]
        for line in unit.iter("line"):
            number = int(line.get("number"))
            lines[number] = max(lines.get(number, 0), int(line.get("hits")))

if "Client" not in packages:
    sys.exit("coverage: the reports do not contain the client")
failed = []
for package, files in sorted(packages.items()):
    covered = total = 0
    for name, hits in sorted(files.items()):
        missed = sorted(number for number, count in hits.items() if count == 0)
        covered, total = covered + len(hits) - len(missed), total + len(hits)
        if missed:
            numbers = ", ".join(map(str, missed))
            print(f"{package}/{name}: {len(hits) - len(missed)} of {len(hits)}; not reached: {numbers}")
    limit = LIMITS.get(package, OTHER_LIMIT)
    percent = 100 * covered / total
    print(f"coverage of LambdaStreaming.{package}: {covered} of {total} lines, {percent:.1f} % (limit {limit} %)")
    if percent < limit:
        failed.append(package)
sys.exit(f"coverage: below the limit: {', '.join(failed)}" if failed else 0)
