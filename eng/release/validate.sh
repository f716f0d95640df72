#!/usr/bin/env bash
# Checks the packages that pack.sh wrote: validate.sh VERSION [BASELINE].
# - Each project of src has a package with symbols. Its metadata contains the commit that is checked out.
# - All target frameworks of a package have a compatible API.
# - The API is compatible with BASELINE, which is a published version or a folder of packages. Default: the version of
#   the last tag before VERSION. Breaking changes are errors, except if docs/support.md allows them in VERSION. In this
#   case, they are printed for comparison with CHANGELOG.md.
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

check_contents() { # ID: checks package, symbols and commit
  local package=$packages/$1.$version.nupkg commit
  [ -f "$package" ] || fail "$1.$version.nupkg was not packed"
  [ -f "${package%.nupkg}.snupkg" ] || fail "$1 does not have a symbol package"
  commit=$(unzip -p "$package" "$1.nuspec" | sed -n 's/.*<repository .*commit="\([0-9a-f]*\)".*/\1/p')
  [ "$commit" = "$(git rev-parse HEAD)" ] || fail "$1 has commit '$commit', but HEAD is $(git rev-parse HEAD)"
}

was_package() { # ID: whether the baseline contains a package, according to its commit
  local project
  project=$(git show "v$baseline:src/$1/$1.csproj" 2>/dev/null) && is_package <<<"$project"
}

get_baseline() { # sets baseline_folder, and downloads the packages that exist in that version
  local id
  baseline_folder=$baseline
  [ ! -d "$baseline" ] || return 0
  git rev-parse --quiet --verify "v$baseline^{commit}" >/dev/null || fail "the tag v$baseline does not exist"
  baseline_folder=artifacts/release/baseline
  rm -rf "$baseline_folder"
  for id in $(package_ids); do
    was_package "$id" || continue
    dotnet package download "$id@$baseline" --output "$baseline_folder" >/dev/null ||
      fail "$id $baseline cannot be downloaded"
  done
}

compare() { # ID: compares the API with the baseline
  local old log
  old=$(find "$(cd "$baseline_folder" && pwd)" -iname "$1.[0-9]*.nupkg" | head -n 1)
  [ -n "$old" ] || { say "$1: new; $baseline does not contain it"; return; }
  if log=$(tool apicompat package "$packages/$1.$version.nupkg" --baseline-package "$old" 2>&1); then
    say "$1: compatible with $(basename "$old" .nupkg)"
    return
  fi
  [ "$may_break" = true ] || fail "$1 has breaking changes from $baseline, which are not allowed in $version:
$log"
  say "$1: breaking changes from $baseline, which CHANGELOG.md must list:
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
  # A tool does not have a public API.
  grep -q '<PackAsTool>true' "src/$id/$id.csproj" && continue
  log=$(tool apicompat package "$packages/$id.$version.nupkg" 2>&1) ||
    fail "$id: the APIs of its target frameworks are not compatible: $log"
  [ -z "$baseline" ] || compare "$id"
done
if [ -n "$baseline" ]; then say "$version is valid, compared with $baseline"
else say "$version is valid; not compared, because an earlier version does not exist"
fi
