#!/usr/bin/env bash
# Builds two clones of this repository in two folders, and compares the client's assemblies. The same commit and SDK
# must produce the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CI=true
for clone in one two; do
  git clone --quiet . "$work/$clone"
  dotnet build "$work/$clone/src/LambdaStreaming.Client" -c Release -v quiet --nologo >"$work/$clone.log" ||
    { cat "$work/$clone.log"; exit 1; }
done
cd "$work/one"
status=0
files=$(find artifacts/bin/LambdaStreaming.Client -name LambdaStreaming.Client.dll -o -name LambdaStreaming.Client.xml)
for file in $files; do
  if cmp -s "$file" "$work/two/$file"; then
    echo "same: $file $(sha256sum "$file" | cut -c1-16)"
  else
    echo "different: $file"
    status=1
  fi
done
exit $status
