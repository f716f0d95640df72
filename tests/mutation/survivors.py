"""Prints the score of a Stryker report by file, and each mutant that no test killed."""
import json
import pathlib
import sys

report = json.loads(pathlib.Path(sys.argv[1]).read_text())
killed = total = 0
survivors = []
for path, file in sorted(report["files"].items()):
    mutants = [mutant for mutant in file["mutants"] if mutant["status"] in ("Killed", "Timeout", "Survived", "NoCoverage")]
    dead = [mutant for mutant in mutants if mutant["status"] in ("Killed", "Timeout")]
    if not mutants:
        continue
    name = pathlib.PurePosixPath(path).name
    print(f"{name}: {len(dead)} of {len(mutants)} killed, {100 * len(dead) / len(mutants):.1f} %")
    killed, total = killed + len(dead), total + len(mutants)
    lines = file["source"].splitlines()
    for mutant in mutants:
        if mutant not in dead:
            line = mutant["location"]["start"]["line"]
            survivors.append(f'{name}:{line} {mutant["mutatorName"]} [{mutant["status"]}]\n    {lines[line - 1].strip()}\n    -> {mutant.get("replacement", "").strip()[:160]}')

print(f"in all: {killed} of {total} killed, {100 * killed / max(total, 1):.1f} %")
print("\n".join(survivors))
