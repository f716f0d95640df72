#!/usr/bin/env bash
# Coverage-guided fuzzing of the client: fuzz-afl.sh SECONDS [TARGET…], a share of the time for each target. Needs AFL++ (Debian: apt-get install afl++).
# Findings are in artifacts/fuzz/out/TARGET/default/crashes; `LambdaStreaming.Fuzz replay TARGET FILE` shows one. A second run goes on where the last one stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:?how many seconds}
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

# Branches report themselves in the library alone: the harness and its oracles are not what is explored.
dotnet sharpfuzz "$work/bin/LambdaStreaming.Client.dll"

targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <("$fuzz" targets)
export AFL_SKIP_BIN_CHECK=1 AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_AUTORESUME=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
crashes=0
for target in "${targets[@]}"; do
  mkdir -p "$work/out/$target"
  afl-fuzz -i "$work/seeds/$target" -o "$work/out/$target" -x "$work/seeds/dictionary" -m none -t 20000 -V $((seconds / ${#targets[@]})) \
    -- "$fuzz" afl "$target" >"$work/$target.log" 2>&1 || { tail -20 "$work/$target.log"; exit 1; }
  stats=$work/out/$target/default/fuzzer_stats
  of() { sed -n "s/^$1 *: //p" "$stats"; }
  echo "$target: $(of execs_done) executions, $(of execs_per_sec) a second, $(of edges_found) edges of $(of total_edges), $(of corpus_count) inputs, $(of saved_crashes) crashes, $(of saved_hangs) hangs"
  crashes=$((crashes + $(of saved_crashes) + $(of saved_hangs)))
done
[ "$crashes" -eq 0 ]
