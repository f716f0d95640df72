#!/usr/bin/env bash
# Checks the packages that pack.sh wrote: validate.sh VERSION [BASELINE].
# - Each project of src has a package with symbols. Its metadata contains the commit that is checked out.
# - All target frameworks of a package have a compatible API.
# - The API is compatible with BASELINE, which is a published version or a folder of packages. Default: for each
#   package, the last version before VERSION that has a tag and is on nuget.org. The release of a tag can have failed.
#   Breaking changes are errors, except if docs/support.md allows them in VERSION. In this case, they are printed for
#   comparison with CHANGELOG.md.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
version=${1:?usage: validate.sh VERSION [BASELINE]}
baseline=${2:-}
downloads=$PWD/artifacts/release/baseline
compared=

# Prints the versions to compare with, the latest first.
baseline_versions() {
  if [ -n "$baseline" ]; then echo "$baseline"; return; fi
  { git tag --list 'v[0-9]*' | grep -v -e - -e "^v$version\$" || true; echo "v$version"; } |
    sort --version-sort --reverse |
    awk -v version="v$version" 'earlier { print substr($0, 2) } $0 == version { earlier = 1 }'
}

# Prints the part of a version within which the API must stay compatible: "0.1" of 0.1.2, "1" of 1.2.3.
compatibility_band() { case $1 in 0.*) cut -d . -f 1,2 <<<"$1" ;; *) cut -d . -f 1 <<<"$1" ;; esac; }

check_contents() { # ID: checks package, symbols and commit
  local package=$packages/$1.$version.nupkg commit
  [ -f "$package" ] || fail "$1.$version.nupkg was not packed"
  [ -f "${package%.nupkg}.snupkg" ] || fail "$1 does not have a symbol package"
  commit=$(unzip -p "$package" "$1.nuspec" | sed -n 's/.*<repository .*commit="\([0-9a-f]*\)".*/\1/p')
  [ "$commit" = "$(git rev-parse HEAD)" ] || fail "$1 has commit '$commit', but HEAD is $(git rev-parse HEAD)"
}

# ID: writes the list of versions that nuget.org has, also those that are unlisted, to a file. If nuget.org does not
# know the package, the file does not exist. Without a response, the release fails instead of skipping the comparison.
# Source: NuGet documentation, "Package Content", "Enumerate package versions".
get_published() {
  local id status
  id=$(tr '[:upper:]' '[:lower:]' <<<"$1")
  status=$(curl --silent --show-error --retry 3 --output "$downloads/$1.json" --write-out '%{http_code}' \
    "https://api.nuget.org/v3-flatcontainer/$id/index.json") || fail "the versions of $1 cannot be downloaded"
  case $status in
    200) ;;
    404) rm -f "$downloads/$1.json" ;;
    *) fail "nuget.org responded with status $status to the request for the versions of $1" ;;
  esac
}

# ID: prints the versions in the list of nuget.org, except previews and VERSION.
other_published() { grep -oE '"[0-9]+(\.[0-9]+)+"' "$downloads/$1.json" | grep -vxF "\"$version\"" || true; }

find_baseline() { # ID: sets old_version to the version to compare with, and old to its package, if there is one
  local candidate
  old='' old_version=$baseline
  if [ -d "$baseline" ]; then
    old=$(find "$(cd "$baseline" && pwd)" -iname "$1.[0-9]*.nupkg" | head -n 1)
    return
  fi
  get_published "$1"
  [ -f "$downloads/$1.json" ] || return 0
  [ -n "$(baseline_versions)" ] || [ -z "$(other_published "$1")" ] ||
    fail "nuget.org has versions of $1, but git has no tag of an earlier version; run: git fetch --tags"
  for candidate in $(baseline_versions); do
    if grep -qF "\"$candidate\"" "$downloads/$1.json"; then
      old_version=$candidate
      dotnet package download "$1@$candidate" --output "$downloads" >/dev/null ||
        fail "$1 $candidate cannot be downloaded"
      old=$(find "$downloads" -iname "$1.$candidate.nupkg" | head -n 1)
      [ -n "$old" ] || fail "$1 $candidate was downloaded, but the package was not found"
      return
    fi
    say "$1: nuget.org does not have $candidate"
  done
}

compare() { # ID: compares the API with the baseline
  local old old_version log
  find_baseline "$1"
  [ -n "$old" ] || { say "$1: not compared, because an earlier version was not published"; return; }
  compared+=" $(basename "$old" .nupkg)"
  if log=$(tool apicompat package "$packages/$1.$version.nupkg" --baseline-package "$old" 2>&1); then
    say "$1: compatible with $(basename "$old" .nupkg)"
    return
  fi
  may_break "$old_version" || fail "$1 has breaking changes from $old_version, which are not allowed in $version:
$log"
  say "$1: breaking changes from $old_version, which CHANGELOG.md must list:
$log"
}

# VERSION: whether a release after this version can have breaking changes. A folder of packages has no version.
may_break() { [ ! -d "$1" ] && [ "$(compatibility_band "$version")" != "$(compatibility_band "$1")" ]; }

restore_tools
rm -rf "$downloads"
mkdir -p "$downloads"
for id in $(package_ids); do
  check_contents "$id"
  # A tool does not have a public API.
  grep -q '<PackAsTool>true' "src/$id/$id.csproj" && continue
  log=$(tool apicompat package "$packages/$id.$version.nupkg" 2>&1) ||
    fail "$id: the APIs of its target frameworks are not compatible: $log"
  compare "$id"
done
if [ -n "$compared" ]; then say "$version is valid, compared with$compared"
elif [ -n "$baseline" ]; then fail "$baseline does not have any of the packages"
else say "$version is valid; not compared, because an earlier version was not published"
fi
