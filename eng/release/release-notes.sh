#!/usr/bin/env bash
# Prints the section of CHANGELOG.md for a version, without its heading: release-notes.sh VERSION.
# Headings are "## 1.2.3", optionally with brackets and with a date after a dash. Fails if the section does not exist.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
version=${1:?usage: release-notes.sh VERSION}

notes=$(awk -v version="$version" '
  /^## / {
    heading = $2
    gsub(/[\[\]:]/, "", heading)
    in_section = heading == version
    next
  }
  /^\[[^]]*\]: / { next }
  in_section
' CHANGELOG.md)
notes=$(sed -e '/./,$!d' <<<"$notes")
[ -n "$notes" ] || fail "CHANGELOG.md does not contain a section '## $version', or the section is empty"
printf '%s\n' "$notes"
