#!/usr/bin/env bash
# Runs the CRC-32 tests once for each set of processor instructions that the code can use: crc-paths.sh [PROGRAM].
# PROGRAM is the executable of the client's tests; default: the output of eng/ci/build.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
program=${1:-artifacts/bin/LambdaStreaming.Client.Tests/debug/LambdaStreaming.Client.Tests}
# Source: dotnet/runtime, docs/design/features/hw-intrinsics.md and clrconfignames.h. An unknown variable has no effect.
for disabled in none DOTNET_EnableAVX512 DOTNET_EnableAVX DOTNET_EnableSSE42 DOTNET_EnablePCLMULQDQ \
  DOTNET_EnableHWIntrinsic; do
  echo "crc-paths: disabled: $disabled"
  # Without a matching class, the program succeeds and prints another last line.
  env "$disabled=0" "$program" -noColor -noLogo -class LambdaStreaming.Tests.EventStream.EventStreamCrcTests |
    tail -n 1 | grep 'Total: [1-9]'
done
