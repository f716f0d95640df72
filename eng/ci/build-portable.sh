#!/usr/bin/env bash
# Restores in locked mode and builds the projects that support all operating systems. These are all projects except
# tests/AotSmoke, whose lock file has the packages of Linux. Runs in bash 3.2 (macOS) and in Git for Windows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CI=true
mkdir -p artifacts/ci

# A solution filter has paths with backslashes on all operating systems. JSON escapes each backslash with another one.
projects=$(dotnet sln LambdaStreaming.Client.sln list | tr -d '\r' | sed -e 's|\\|/|g' | grep '\.csproj$' |
  grep -v '^tests/AotSmoke/' | sed -e 's|/|\\\\|g' -e 's|.*|"&",|')
printf '{"solution":{"path":"../../LambdaStreaming.Client.sln","projects":[%s]}}\n' "${projects%,}" \
  >artifacts/ci/portable.slnf
dotnet restore artifacts/ci/portable.slnf --locked-mode
dotnet build artifacts/ci/portable.slnf --no-restore
