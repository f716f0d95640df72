#!/usr/bin/env bash
# Compiles tests/AotSmoke ahead of time, with warnings as errors, and runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dotnet publish tests/AotSmoke -c Release -r linux-x64 -o artifacts/aot -p:ArtifactsPath="$PWD/artifacts/aot-build" \
  -p:RestoreLockedMode=false -p:NuGetLockFilePath=obj/packages.aot.lock.json -v quiet
artifacts/aot/AotSmoke
