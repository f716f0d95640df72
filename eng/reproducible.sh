#!/usr/bin/env bash
# Builds the client twice, in two places and from nothing, and compares the assemblies: the same commit and SDK give the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CI=true
for place in one two; do
  git clone --quiet . "$work/$place"
  dotnet build "$work/$place/src/LambdaStreaming.Client" -c Release -v quiet --nologo >"$work/$place.log" || { cat "$work/$place.log"; exit 1; }
done
cd "$work/one"
status=0
for file in $(find artifacts/bin/LambdaStreaming.Client -name 'LambdaStreaming.Client.dll' -o -name 'LambdaStreaming.Client.xml'); do
  if cmp -s "$file" "$work/two/$file"; then echo "same: $file $(sha256sum "$file" | cut -c1-16)"; else echo "different: $file"; status=1; fi
done
exit $status
