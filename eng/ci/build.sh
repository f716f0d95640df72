#!/usr/bin/env bash
# Restores in locked mode, checks the format, and builds everything with analyzers, warnings as errors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dotnet restore LambdaStreaming.Client.sln --locked-mode
dotnet format whitespace --folder . --exclude artifacts --verify-no-changes
dotnet build LambdaStreaming.Client.sln --no-restore -p:RunAnalyzersDuringBuild=true
