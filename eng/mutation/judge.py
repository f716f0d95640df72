"""Runs the client's tests against each mutant in a separate process, and prints the mutation score.

REPORT is the JSON report of Stryker.NET, ASSEMBLY the assembly with all mutants, and TESTS the folder of the built
tests. Stryker.NET's own runner for Microsoft.Testing.Platform reuses the test process, which gives wrong verdicts
(stryker-net issues 3742 and 3832).
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

# Tests of allocations, and a sample of the fault matrix.
EXCLUDED_CLASSES = {"ChunkAllocationTests", "PayloadAllocationTests", "FaultMatrixTests"}
# Tests with random input: the verdict could differ between runs.
EXCLUDED_METHODS = ["*.Read_PayloadSplitAtRandom_ResultIsTheSame"]
# Conformance cases that take seconds, because each split is tested. Smaller cases and DecoderLimitTests test the same
# rules.
LONG_CASES = (
    "total-16-mib-plus", "header-bytes-32767", "header-string-32766-multibyte", "headers-131072", "payload-1-mib",
    "stream-200-frames-then-complete", "headers-100", "payload-6-mib")
# The slow tests that run against the mutants of a folder, as names of test folders (namespaces) or test classes. Other
# slow tests also reach these mutants, but rarely kill one that these tests do not kill.
STREAM_TESTS = [
    "EventStream", "ResponseStream", "Differential", "Security", "Diagnostics", "ApprovedMessages", "IdleTimeoutTests",
    "LifetimeTests", "PayloadContextTests", "PayloadReaderFailureTests"]
CALL_TESTS = ["Configuration", "Errors", "Invocation", "Signing", "Security", "Diagnostics", "ApprovedMessages"]
SLOW_TESTS = {
    "Configuration": CALL_TESTS,
    "Errors": CALL_TESTS,
    "EventStream": STREAM_TESTS,
    "Invocation": CALL_TESTS,
    "Payload": ["Payload", "ResponseStream", "Differential", "Security", "ApprovedMessages"],
    "ResponseStream": STREAM_TESTS,
    "Signing": CALL_TESTS,
}
# The mutants of the CRC-32 code are also tested without these processor instructions, as in eng/ci/crc-paths.sh.
CRC_TESTS = "LambdaStreaming.Tests.EventStream.EventStreamCrcTests"
CRC_DISABLED = ["DOTNET_EnableAVX512", "DOTNET_EnableAVX", "DOTNET_EnableSSE42", "DOTNET_EnablePCLMULQDQ"]
# Classes that take longer than this are slow.
QUICK_SECONDS = 1.0
# One control run, without a mutant, for this number of mutants.
CONTROL_EVERY = 25
MIN_PERCENT = 90

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("report", type=pathlib.Path)
arguments.add_argument("assembly", type=pathlib.Path)
arguments.add_argument("tests", type=pathlib.Path)
arguments.add_argument(
    "--only", action="append", metavar="TEXT",
    help="test only mutants of files whose path contains this text; can be repeated")
arguments.add_argument(
    "--again", type=pathlib.Path,
    help="verdicts.tsv of an earlier run of the same mutants: do not test the mutants that it killed")
arguments.add_argument(
    "--keep-survivors", action="store_true", help="with --again: do not test the mutants that survived, either")
arguments.add_argument(
    "--workers", type=int, default=2 * os.cpu_count(),
    help="number of concurrent test processes (default: 2 per processor, because a mutant can wait for its time limit)")
arguments.add_argument(
    "--reasons", type=pathlib.Path, default=pathlib.Path(__file__).with_name("survivors.tsv"),
    help="accepted survivors, with key, reason, why, place, mutator and line of each")
options = arguments.parse_args()

work = options.assembly.resolve().parent / "judge"
shutil.rmtree(work, ignore_errors=True)
shutil.copytree(options.tests, work / "tests")
shutil.copy(options.assembly, work / "tests/LambdaStreaming.Client.dll")
for name in LONG_CASES:
    for path in (work / "tests").rglob(f"{name}.json"):
        path.unlink()
program = work / "tests/LambdaStreaming.Client.Tests"


def run(classes, mutant=None, coverage=None, timeout=300, disabled=None):
    """Runs test classes, without the instructions that a setting disables.

    Returns the outcome (passed, failed or timeout), the seconds and the first failed test.
    """
    folder = work / f"tmp-{threading.get_ident()}"
    folder.mkdir(exist_ok=True)
    # The limit of the heap stops an endless loop that allocates.
    environment = os.environ | {
        "TMPDIR": str(folder), "DOTNET_GCHeapHardLimit": "0x60000000", "DOTNET_DbgEnableMiniDump": "0",
        "DOTNET_TC_QuickJitForLoops": "1", "DOTNET_TieredPGO": "0"}
    if coverage:
        environment["STRYKER_COVERAGE_FILE"] = coverage
    if disabled:
        environment[disabled] = "0"
    if mutant is not None:
        environment |= {"STRYKER_MUTANT_ID_CONTROL_VAR": "ACTIVE_MUTANT", "ACTIVE_MUTANT": mutant}
    command = [str(program), "-noColor", "-noLogo", "-stopOnFail"]
    for name in classes:
        command += ["-class", name]
    for name in EXCLUDED_METHODS:
        command += ["-method-", name]
    begun = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment,
        start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return "timeout", time.monotonic() - begun, ""
    seconds = time.monotonic() - begun
    if process.returncode == 0:
        return "passed", seconds, ""
    if mutant in (None, "-1"):
        (work / "failed-without-a-mutant.log").open("a").write(output)
    failures = (line.strip().removesuffix(" [FAIL]") for line in output.splitlines() if line.endswith("[FAIL]"))
    return "failed", seconds, next(failures, f"exit {process.returncode}")


def covered_by(name):
    """Runs a test class without a mutant. Returns its name, the mutants that it reaches, and its seconds."""
    found, durations = set(), []
    for disabled in [None, *(CRC_DISABLED if name == CRC_TESTS else [])]:
        outcome, seconds, failed = run([name], coverage=f"{name}.txt", disabled=disabled)
        if outcome != "passed":
            sys.exit(f"judge: without a mutant, {name}: {outcome} {failed}")
        durations.append(seconds)
        for path in (work / f"tmp-{threading.get_ident()}").glob(f"{name}-*.txt"):
            for part in path.read_text().split(";"):
                found |= {number for number in part.split(",") if number}
    return name, found, durations[0]


def is_slow_test_of(name, file):
    """Returns true if a slow test class runs against the mutants of a file."""
    return any(f".{part}." in f"{name}." for part in SLOW_TESTS[file.parent.name])


def judge(mutant, file, classes):
    """Returns the verdict on a mutant (Killed, Timeout or Survived), and the test that killed it.

    Runs first the class that killed the previous mutant of the file, then quick classes, then slow ones. Last, for the
    CRC-32 code, its tests without some instructions.
    """
    first = [name for name in classes if name == last_killer.get(file)]
    others = [name for name in classes if name not in first]
    quick = [name for name in others if seconds_of[name] <= QUICK_SECONDS]
    slow = [name for name in others if seconds_of[name] > QUICK_SECONDS and is_slow_test_of(name, file)]
    stages = [(stage, None) for stage in (first, quick, slow) if stage]
    if file.name.startswith("EventStreamCrc"):
        stages += [([CRC_TESTS], disabled) for disabled in CRC_DISABLED]
    for stage, disabled in stages:
        timeout = 15 + 2 * sum(seconds_of[name] for name in stage)
        outcome, _, failed = run(stage, mutant=mutant, timeout=timeout, disabled=disabled)
        if outcome == "timeout":
            return "Timeout", ""
        if outcome == "failed":
            killers = [name for name in stage if failed.startswith(f"{name}.")]
            last_killer[file] = killers[0] if killers else last_killer.get(file)
            return "Killed", failed
    return "Survived", ""


def log_verdict(number):
    """Appends the verdict on a mutant to verdicts.tsv."""
    path, _, mutant = mutants[number]
    place = f'{path.parent.name}/{path.name}:{mutant["location"]["start"]["line"]}'
    with (work / "verdicts.tsv").open("a") as log:
        log.write("\t".join([keys[number], *verdicts[number], place, mutant["mutatorName"]]) + "\n")


report = json.loads(options.report.read_text())
mutants, keys = {}, {}
for path, file in sorted(report["files"].items()):
    seen = collections.Counter()
    for mutant in file["mutants"]:
        # The key identifies a mutant in later reports, too, in which line and mutant numbers can differ.
        line = file["source"].splitlines()[mutant["location"]["start"]["line"] - 1].strip()
        what = (path.split("/")[-1], line, mutant["mutatorName"], mutant.get("replacement", ""))
        seen[what] += 1
        keys[mutant["id"]] = hashlib.sha256(repr((what, seen[what])).encode()).hexdigest()[:16]
        # Stryker.NET does not run the client's tests: each mutant that compiles has the status Survived.
        if mutant["status"] == "Survived" and any(text in path for text in options.only or [""]):
            mutants[mutant["id"]] = (pathlib.PurePosixPath(path), file["source"].splitlines(), mutant)

list_classes = [str(program), "-list", "classes", "-trait-", "Repeats=ForMinutes"]
names = subprocess.run(list_classes, capture_output=True, text=True, check=True).stdout.split()
names = [name for name in names if name.split(".")[-1] not in EXCLUDED_CLASSES]
seconds_of, reaching = {}, collections.defaultdict(list)
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for name, found, seconds in pool.map(covered_by, names):
        seconds_of[name] = seconds
        for number in found & mutants.keys():
            reaching[number].append(name)
startup = min(seconds_of.values())
seconds_of = {name: seconds - startup for name, seconds in seconds_of.items()}
quick = [name for name in names if seconds_of[name] <= QUICK_SECONDS]
print(
    f"{len(mutants)} mutants. {len(names)} test classes, {len(quick)} of them quick, reach {len(reaching)} mutants.",
    flush=True)

known = {}
if options.again:
    earlier = {}
    for key, verdict, killer, *_ in (line.split("\t") for line in options.again.read_text().splitlines()):
        if verdict != "Survived" or options.keep_survivors:
            earlier[key] = (verdict, killer)
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
    rows = (line.split("\t") for line in options.reasons.read_text().splitlines()[1:])
    reasons = {key: reason for key, reason, *_ in rows}

by_folder, by_file = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(lambda: [0, 0])
unlisted, listed = [], collections.Counter()
for number, (path, source, mutant) in mutants.items():
    verdict, _ = verdicts.get(number, ("NoCoverage", ""))
    killed = verdict in ("Killed", "Timeout")
    place = f"{path.parent.name}/{path.name}"
    for counts in (by_file[place], by_folder[path.parent.name], by_folder["all folders"]):
        counts[0] += killed
        counts[1] += 1
    if killed:
        continue
    if keys[number] in reasons:
        listed[reasons[keys[number]]] += 1
        continue
    line = source[mutant["location"]["start"]["line"] - 1].strip()
    replacement = " ".join(mutant.get("replacement", "").split())[:200]
    unlisted.append(
        "\t".join([keys[number], "?", "?", place, mutant["mutatorName"], f"{line}  ->  {replacement}", verdict]))
for place, (killed, total) in sorted((by_file | by_folder).items()):
    print(f"{place}: {killed} of {total} killed, {100 * killed / total:.1f} %")
timeouts = sum(verdict == "Timeout" for verdict, _ in verdicts.values())
print(f"killed by the time limit: {timeouts}")
print(f"control runs without a mutant: {controls}, failed: {len(failed_controls)} {failed_controls or ''}")
for reason, count in listed.most_common():
    print(f"listed survivors: {count}, {reason}")
print(f"survivors not listed in {options.reasons.name}: {len(unlisted)}")
print("\n".join(unlisted))
lowest = min(100 * killed / total for killed, total in by_folder.values())
# A test that fails without a mutant also fails with one, which would count as killed.
sys.exit(0 if not unlisted and not failed_controls and lowest >= MIN_PERCENT else 1)
