#!/usr/bin/env bash
# Pushes the packages of a folder and their symbols to nuget.org: publish.sh FOLDER. The key is in NUGET_API_KEY.
# What is already published is skipped, so that an incomplete run can be repeated.
set -euo pipefail
folder=$(cd "${1:?usage: publish.sh FOLDER}" && pwd)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ -n "${NUGET_API_KEY:-}" ] || fail "NUGET_API_KEY is not set"
source=${NUGET_SOURCE:-https://api.nuget.org/v3/index.json}

push() { # FILE [OPTION...]
  dotnet nuget push "$@" --source "$source" --api-key "$NUGET_API_KEY" --skip-duplicate
}

# Packages on which others depend are first, so that each published package can restore its dependencies.
first=()
for id in LambdaStreaming.Client LambdaStreaming.Http LambdaStreaming.Testing; do
  package=$(find "$folder" -name "$id.[0-9]*.nupkg")
  [ -n "$package" ] || fail "$folder does not contain $id"
  first+=("$package")
done
for package in "${first[@]}"; do push "$package" --no-symbols; done
for package in "$folder"/*.nupkg; do
  case " ${first[*]} " in *" $package "*) ;; *) push "$package" --no-symbols ;; esac
done
# Separately, because NuGet does not push the symbols of a package that it skips.
for symbols in "$folder"/*.snupkg; do push "$symbols"; done
