#!/usr/bin/env bash
# Restores in locked mode, checks the format, and builds everything with analyzers, warnings as errors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dotnet restore LambdaStreaming.Client.sln --locked-mode || {
  echo "NU1004 means that a lock file is not up to date: run dotnet restore on Linux x64, and commit it." >&2
  exit 1
}
dotnet format whitespace --folder . --exclude artifacts --verify-no-changes
dotnet build LambdaStreaming.Client.sln --no-restore -p:RunAnalyzersDuringBuild=true
