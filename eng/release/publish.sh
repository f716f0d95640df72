#!/usr/bin/env bash
# Pushes the packages of a folder, with their symbols, to nuget.org: publish.sh FOLDER. The key is in NUGET_API_KEY.
# Packages that are already published are skipped, so that an incomplete run can be repeated.
set -euo pipefail
folder=$(cd "${1:?usage: publish.sh FOLDER}" && pwd)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ -n "${NUGET_API_KEY:-}" ] || fail "NUGET_API_KEY is not set"
source=${NUGET_SOURCE:-https://api.nuget.org/v3/index.json}

# The client is first, so that each published package can restore its dependencies.
client=$(find "$folder" -name 'LambdaStreaming.Client.[0-9]*.nupkg')
[ -n "$client" ] || fail "$folder does not contain LambdaStreaming.Client"
for package in "$client" "$folder"/*.nupkg; do
  dotnet nuget push "$package" --source "$source" --api-key "$NUGET_API_KEY" --skip-duplicate
done
