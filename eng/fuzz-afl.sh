#!/usr/bin/env bash
# Coverage-guided fuzzing with AFL++: fuzz-afl.sh SECONDS [TARGET…]. Divides the time among the targets;
# default: all. FUZZ_JOBS is the number of targets that run at the same time (default: 1).
# Requires AFL++ (Debian: apt-get install afl++).
# Findings are in artifacts/fuzz/out/TARGET/default/crashes. `LambdaStreaming.Fuzz replay TARGET FILE` runs one of them.
# A second run continues the previous one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:?usage: fuzz-afl.sh SECONDS [TARGET…]}
shift
work=artifacts/fuzz
fuzz=$work/bin/LambdaStreaming.Fuzz

command -v afl-fuzz >/dev/null || { echo "afl-fuzz is missing: install AFL++" >&2; exit 1; }
dotnet tool restore >/dev/null
dotnet build tests/LambdaStreaming.Fuzz -c Release -v quiet
rm -rf "$work/bin" "$work/seeds"
mkdir -p "$work/out"
cp -r artifacts/bin/LambdaStreaming.Fuzz/release "$work/bin"
"$fuzz" seeds "$work/seeds"

# Only the libraries and the tool are instrumented: AFL++ must not explore the fuzz targets and their checks.
for assembly in "$work"/bin/LambdaStreaming.*.dll "$work/bin/lambda-stream.dll"; do
  [ "$assembly" = "$work/bin/LambdaStreaming.Fuzz.dll" ] || dotnet sharpfuzz "$assembly"
done

targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <("$fuzz" targets)
export AFL_SKIP_BIN_CHECK=1 AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_AUTORESUME=1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
jobs=${FUZZ_JOBS:-1}
duration=$((seconds * jobs / ${#targets[@]}))

run_target() {
  local target=$1 stats=$work/out/$1/default/fuzzer_stats
  of() { sed -n "s/^$1 *: //p" "$stats"; }
  mkdir -p "$work/out/$target"
  afl-fuzz -i "$work/seeds/$target" -o "$work/out/$target" -x "$work/seeds/dictionary" -m none -t 20000 \
    -V "$duration" -- "$fuzz" afl "$target" >"$work/$target.log" 2>&1 || { tail -20 "$work/$target.log"; return 1; }
  echo "$target: $(of execs_done) executions, $(of execs_per_sec) per second," \
    "$(of edges_found) edges of $(of total_edges), $(of corpus_count) inputs," \
    "$(of saved_crashes) crashes, $(of saved_hangs) hangs," \
    "the last new input $(($(of last_update) - $(of last_find))) s and" \
    "the last new edge $(awk -F ', ' 'NR > 1 && $13 != edges { edges = $13; at = $1 } END { print $1 - at }' \
      "$work/out/$target/default/plot_data") s before the end"
  [ "$(($(of saved_crashes) + $(of saved_hangs)))" -eq 0 ]
}

export -f run_target
export work fuzz duration
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I '{}' bash -c 'run_target "$1"' _ '{}'
