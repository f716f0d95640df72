#!/usr/bin/env bash
# Writes a software bill of materials for each package to artifacts/release/sbom, in CycloneDX JSON: sbom.sh VERSION.
# Packages that are used only to build are listed with the scope "excluded".
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
version=${1:?usage: sbom.sh VERSION}
sboms=$PWD/artifacts/release/sbom

restore_tools
rm -rf "$sboms"
mkdir -p "$sboms"
for id in $(package_ids); do
  project=$PWD/src/$id/$id.csproj
  type=Library
  ! grep -q '<PackAsTool>true' "$project" || type=Application
  log=$(tool dotnet-CycloneDX "$project" --output "$sboms" --filename "$id.cdx.json" --output-format Json \
    --base-intermediate-output-path "$PWD/artifacts/obj" --recursive --include-project-references --set-nuget-purl \
    --set-name "$id" --set-version "$version" --set-type "$type" 2>&1) || fail "$id: $log"
  grep -q "pkg:nuget/$id@$version" "$sboms/$id.cdx.json" || fail "$id.cdx.json does not contain $id $version"
  say "$id: $(grep -c '"scope": "required"' "$sboms/$id.cdx.json" || true) required components"
done
