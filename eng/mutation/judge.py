"""Runs the client's tests against each mutant, in a process of its own, and prints the score.

REPORT is Stryker's JSON report, ASSEMBLY what it compiled with all mutants in it, TESTS the folder of the built tests. Stryker.NET's own runner for
Microsoft.Testing.Platform reuses the process of the tests, and so gives wrong verdicts (stryker-net issues 3742 and 3832).
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

# About speed, allocations and pages.
LEFT_OUT = {"AllocationTests", "FaultMatrixTests"}
LEFT_OUT_METHODS = ["*.Read_CutAtRandom_ResultIsTheSame"]
# Cases whose every cut costs seconds; smaller ones and DecoderLimitTests hold the same rules.
LONG_CASES = ("total-16-mib-plus", "header-bytes-32767", "header-string-32766-multibyte", "headers-131072", "payload-1-mib", "stream-200-frames-then-complete", "headers-100", "payload-6-mib")
# Which slow tests are run against the mutants of a room; the others go through it too, and find little that its own do not.
SLOW_OF = {
    "EventStream": ["EventStream", "Differential", "Security", "Diagnostics", "IdleTimeoutTests", "LifetimeTests"],
    "Http": ["Http", "Signing", "Security", "Diagnostics"],
    "Payload": ["Payload", "Differential", "Security"],
}
QUICK_SECONDS = 1.0
CONTROL_EVERY = 25

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("report", type=pathlib.Path)
arguments.add_argument("assembly", type=pathlib.Path)
arguments.add_argument("tests", type=pathlib.Path)
arguments.add_argument("--only", default="", help="mutants of files whose path has this in it")
arguments.add_argument("--again", type=pathlib.Path, help="verdicts.tsv of an earlier run of the same mutants: what was killed there is not run again")
arguments.add_argument("--workers", type=int, default=2 * os.cpu_count(), help="how many mutants at a time; one that hangs needs no processor")
arguments.add_argument("--reasons", type=pathlib.Path, default=pathlib.Path(__file__).with_name("survivors.tsv"), help="why survivors may live: key, reason, why, place, mutator and line of each")
options = arguments.parse_args()

work = options.assembly.resolve().parent / "judge"
shutil.rmtree(work, ignore_errors=True)
shutil.copytree(options.tests, work / "tests")
shutil.copy(options.assembly, work / "tests/LambdaStreaming.Client.dll")
for name in LONG_CASES:
    for path in (work / "tests").rglob(f"{name}.json"):
        path.unlink()
program = work / "tests/LambdaStreaming.Client.Tests"


def run(classes, mutant=None, coverage=None, timeout=300):
    """The outcome (passed, failed or timeout), the seconds and the first test that failed."""
    folder = work / f"tmp-{threading.get_ident()}"
    folder.mkdir(exist_ok=True)
    # An endless loop that allocates must end too.
    environment = os.environ | {"TMPDIR": str(folder), "DOTNET_GCHeapHardLimit": "0x60000000", "DOTNET_DbgEnableMiniDump": "0", "DOTNET_TC_QuickJitForLoops": "1", "DOTNET_TieredPGO": "0"}
    if coverage:
        environment["STRYKER_COVERAGE_FILE"] = coverage
    elif mutant is not None:
        environment |= {"STRYKER_MUTANT_ID_CONTROL_VAR": "ACTIVE_MUTANT", "ACTIVE_MUTANT": mutant}
    command = [str(program), "-noColor", "-noLogo", "-stopOnFail"]
    for name in classes:
        command += ["-class", name]
    for name in LEFT_OUT_METHODS:
        command += ["-method-", name]
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return "timeout", time.monotonic() - begun, ""
    if process.returncode and mutant in (None, "-1"):
        (work / "failed-without-a-mutant.log").open("a").write(output)
    failed = next((line.strip().removesuffix(" [FAIL]") for line in output.splitlines() if line.endswith("[FAIL]")), f"exit {process.returncode}")
    return ("passed" if process.returncode == 0 else "failed"), time.monotonic() - begun, failed if process.returncode else ""


def covered_by(name):
    """The mutants that a class of tests goes through, and its seconds."""
    outcome, seconds, failed = run([name], coverage=f"{name}.txt")
    if outcome != "passed":
        sys.exit(f"judge: without a mutant, {name}: {outcome} {failed}")
    found = set()
    for path in (work / f"tmp-{threading.get_ident()}").glob(f"{name}-*.txt"):
        for part in path.read_text().split(";"):
            found |= {number for number in part.split(",") if number}
    return name, found, seconds


def judge(mutant, file, classes):
    """The verdict on a mutant: Killed, Timeout or Survived, with the test that killed it. First comes the class that killed the last one of the file, then the quick ones, then slow ones of its room."""
    first = [name for name in classes if name == last_killer.get(file)]
    quick = [name for name in classes if name not in first and seconds_of[name] <= QUICK_SECONDS]
    slow = [name for name in classes if name not in first and seconds_of[name] > QUICK_SECONDS and any(f".{part}." in f"{name}." for part in SLOW_OF[file.parent.name])]
    for stage in filter(None, (first, quick, slow)):
        outcome, _, failed = run(stage, mutant=mutant, timeout=15 + 2 * sum(seconds_of[name] for name in stage))
        if outcome == "timeout":
            return "Timeout", ""
        if outcome == "failed":
            killers = [name for name in stage if failed.startswith(f"{name}.")]
            last_killer[file] = killers[0] if killers else last_killer.get(file)
            return "Killed", failed
    return "Survived", ""


def log_verdict(number):
    path, _, mutant = mutants[number]
    with (work / "verdicts.tsv").open("a") as log:
        log.write("\t".join([keys[number], *verdicts[number], f'{path.parent.name}/{path.name}:{mutant["location"]["start"]["line"]}', mutant["mutatorName"]]) + "\n")


report = json.loads(options.report.read_text())
mutants, keys = {}, {}
for path, file in sorted(report["files"].items()):
    seen = collections.Counter()
    for mutant in file["mutants"]:
        # What names a mutant also in the next report, where lines and numbers may be others.
        line = file["source"].splitlines()[mutant["location"]["start"]["line"] - 1].strip()
        what = (path.split("/")[-1], line, mutant["mutatorName"], mutant.get("replacement", ""))
        seen[what] += 1
        keys[mutant["id"]] = hashlib.sha256(repr((what, seen[what])).encode()).hexdigest()[:16]
        # Stryker has run none of them: what it could compile it calls survived.
        if mutant["status"] == "Survived" and options.only in path:
            mutants[mutant["id"]] = (pathlib.PurePosixPath(path), file["source"].splitlines(), mutant)

names = subprocess.run([str(program), "-list", "classes", "-trait-", "Repeats=ForMinutes"], capture_output=True, text=True, check=True).stdout.split()
names = [name for name in names if name.split(".")[-1] not in LEFT_OUT and ".Docs." not in name]
seconds_of, reaching = {}, collections.defaultdict(list)
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for name, found, seconds in pool.map(covered_by, names):
        seconds_of[name] = seconds
        for number in found & mutants.keys():
            reaching[number].append(name)
startup = min(seconds_of.values())
seconds_of = {name: seconds - startup for name, seconds in seconds_of.items()}
quick = [name for name in names if seconds_of[name] <= QUICK_SECONDS]
print(f"{len(mutants)} mutants, {len(reaching)} of them reached by {len(names)} classes of tests, {len(quick)} of them quick ones", flush=True)

known = {}
if options.again:
    earlier = {key: (verdict, killer) for key, verdict, killer, *_ in (line.split("\t") for line in options.again.read_text().splitlines()) if verdict != "Survived"}
    known = {number: earlier[keys[number]] for number in mutants if keys[number] in earlier}

last_killer = {}
verdicts, controls, failed_controls = dict(known), 0, []
for number in verdicts:
    log_verdict(number)
begun = time.monotonic()
with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
    jobs = {}
    for index, number in enumerate(sorted(reaching.keys() - known.keys(), key=int)):
        if index % CONTROL_EVERY == 0:
            jobs[pool.submit(judge, "-1", mutants[number][0], names)] = None
        jobs[pool.submit(judge, number, mutants[number][0], reaching[number])] = number
    for done, job in enumerate(concurrent.futures.as_completed(jobs), 1):
        if (number := jobs[job]) is None:
            controls += 1
            if job.result()[0] != "Survived":
                failed_controls.append(job.result())
        else:
            verdicts[number] = job.result()
            log_verdict(number)
        if done % 100 == 0:
            print(f"{done} of {len(jobs)} runs, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)

reasons = {}
if options.reasons.exists():
    reasons = {key: reason for key, reason, *_ in (line.split("\t") for line in options.reasons.read_text().splitlines()[1:])}

by_file, alive, explained = collections.defaultdict(lambda: [0, 0]), [], collections.Counter()
for number, (path, source, mutant) in mutants.items():
    verdict, _ = verdicts.get(number, ("NoCoverage", ""))
    dead = verdict in ("Killed", "Timeout")
    for key in (f"{path.parent.name}/{path.name}", f"{path.parent.name} in all", "in all"):
        by_file[key][0] += dead
        by_file[key][1] += 1
    if dead:
        continue
    if keys[number] in reasons:
        explained[reasons[keys[number]]] += 1
        continue
    start = mutant["location"]["start"]
    alive.append("\t".join([keys[number], "?", "?", f'{path.parent.name}/{path.name}', mutant["mutatorName"], f'{source[start["line"] - 1].strip()}  ->  {" ".join(mutant.get("replacement", "").split())[:200]}', verdict]))
for key, (dead, total) in sorted(by_file.items()):
    print(f"{key}: {dead} of {total} killed, {100 * dead / total:.1f} %")
timeouts = sum(verdict == "Timeout" for verdict, _ in verdicts.values())
print(f"{timeouts} of the killed by time; controls without a mutant: {controls}, failed: {len(failed_controls)} {failed_controls or ''}")
for reason, count in explained.most_common():
    print(f"survivors that may live: {count}, {reason}")
print(f"survivors without a reason in {options.reasons.name}: {len(alive)}")
print("\n".join(alive))
rooms = [100 * dead / total for key, (dead, total) in by_file.items() if key.endswith("in all")]
sys.exit(0 if not alive and min(rooms) >= 90 else 1)
