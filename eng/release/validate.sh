#!/usr/bin/env bash
# Checks the packages that pack.sh wrote: validate.sh VERSION [BASELINE].
# - There is a package with symbols for each project of src, and each names the commit that is checked out.
# - All target frameworks of a package have a compatible API.
# - The API is compatible with BASELINE: a published version or a folder of packages; by default, the version of the
#   last tag before VERSION. Breaking changes are errors, except if VERSION may have them (docs/support.md): then they
#   are printed, so that they can be compared with CHANGELOG.md.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
version=${1:?usage: validate.sh VERSION [BASELINE]}
baseline=${2:-}

if [ -z "$baseline" ]; then
  baseline=$({ git tag --list 'v[0-9]*' | grep -v -e - -e "^v$version\$" || true; echo "v$version"; } |
    sort --version-sort | grep -B 1 "^v$version\$" | head -n 1)
  baseline=${baseline#v}
fi
[ "$baseline" != "$version" ] || baseline=

# Prints the part of a version within which the API must stay compatible: "0.1" of 0.1.2, "1" of 1.2.3.
compatibility_band() { case $1 in 0.*) cut -d . -f 1,2 <<<"$1" ;; *) cut -d . -f 1 <<<"$1" ;; esac; }

check_contents() { # ID: package, symbols and commit
  local package=$packages/$1.$version.nupkg commit
  [ -f "$package" ] || fail "$1.$version.nupkg was not packed"
  [ -f "${package%.nupkg}.snupkg" ] || fail "$1 has no symbols"
  commit=$(unzip -p "$package" "$1.nuspec" | sed -n 's/.*<repository .*commit="\([0-9a-f]*\)".*/\1/p')
  [ "$commit" = "$(git rev-parse HEAD)" ] || fail "$1 names commit '$commit', but HEAD is $(git rev-parse HEAD)"
}

get_baseline() { # makes $baseline_folder from $baseline; a package that the version did not have is missing there
  baseline_folder=$baseline
  [ ! -d "$baseline" ] || return 0
  baseline_folder=artifacts/release/baseline
  rm -rf "$baseline_folder"
  dotnet package download "LambdaStreaming.Client@$baseline" --output "$baseline_folder" >/dev/null ||
    fail "LambdaStreaming.Client $baseline cannot be downloaded"
  for id in $(package_ids); do
    dotnet package download "$id@$baseline" --output "$baseline_folder" >/dev/null 2>&1 || true
  done
}

compare() { # ID: compares the API with the baseline
  local old log
  old=$(find "$(cd "$baseline_folder" && pwd)" -iname "$1.[0-9]*.nupkg" | head -n 1)
  [ -n "$old" ] || { say "$1: no package of $baseline: new"; return; }
  if log=$(tool apicompat package "$packages/$1.$version.nupkg" --baseline-package "$old" 2>&1); then
    say "$1: compatible with $(basename "$old" .nupkg)"
    return
  fi
  [ "$may_break" = true ] || fail "$1 breaks $baseline, which $version must not do:
$log"
  say "$1: $version may break $baseline. CHANGELOG.md must list:
$log"
}

restore_tools
[ -z "$baseline" ] || get_baseline
may_break=false
if [ -n "$baseline" ] && [ ! -d "$baseline" ]; then
  [ "$(compatibility_band "$version")" = "$(compatibility_band "$baseline")" ] || may_break=true
fi
for id in $(package_ids); do
  check_contents "$id"
  # A tool has no public API.
  grep -q '<PackAsTool>true' "src/$id/$id.csproj" && continue
  log=$(tool apicompat package "$packages/$id.$version.nupkg" 2>&1) || fail "$id: its frameworks differ: $log"
  [ -z "$baseline" ] || compare "$id"
done
if [ -n "$baseline" ]; then say "$version is valid, compared with $baseline"
else say "$version is valid; there is no earlier version to compare with"
fi
