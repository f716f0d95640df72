# shellcheck shell=bash disable=SC2034
# Sourced by the scripts in eng/release. Sets the environment and the folders of a release build.

# CI=true makes the build deterministic, and restores in locked mode.
export CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# The order of files must not depend on the machine.
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
script=$(basename "$0" .sh)
packages=$PWD/artifacts/release/packages

fail() { echo "$script: $*" >&2; exit 1; }
say() { echo "$script: $*"; }

# Reads a project file from stdin. Fails if it is not a package.
is_package() { ! grep -q '<IsPackable>false'; }

# Prints the names of the packages.
package_ids() {
  local project
  for project in src/*/*.csproj; do
    if is_package <"$project"; then basename "$project" .csproj; fi
  done
}

# COMMAND...: runs a tool of eng/release/.config/dotnet-tools.json. Paths in the arguments must be absolute.
tool() { (cd eng/release && dotnet tool run "$@"); }
restore_tools() {
  dotnet tool restore --tool-manifest eng/release/.config/dotnet-tools.json >/dev/null ||
    fail "the tools cannot be restored"
}
