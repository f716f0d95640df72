#!/usr/bin/env bash
# Packs all packages of src into artifacts/release/packages, for a release: pack.sh VERSION [--dirty].
# VERSION must equal the version in Directory.Build.props. The work tree must not have changes, except with --dirty.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
version=${1:?usage: pack.sh VERSION [--dirty]}

declared=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' Directory.Build.props)
[ "$version" = "$declared" ] || fail "VERSION is $version, but Directory.Build.props has version $declared"
# The metadata of the packages contains the commit. They must be built from this commit.
[ "${2:-}" = --dirty ] || [ -z "$(git status --porcelain)" ] || fail "the work tree has changes; commit them"

build=$PWD/artifacts/release/build
rm -rf "$packages" "$build"
mkdir -p "$packages"

# All packages in one build, so that shared projects are built once.
projects=$(printf '"%s",' src/*/*.csproj)
echo '{"solution":{"path":"../../LambdaStreaming.Client.sln","projects":['"${projects%,}"']}}' \
  >artifacts/release/packages.slnf
dotnet pack artifacts/release/packages.slnf -c Release -p:PackageOutputPath="$packages" -p:ArtifactsPath="$build" \
  -v quiet
(cd "$packages" && sha256sum -- *.nupkg *.snupkg | tee ../SHA256SUMS)
say "packed $(package_ids | wc -l) packages as $version"
