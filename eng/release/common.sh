# shellcheck shell=bash disable=SC2034
# Sourced by the scripts in eng/release: the environment of a release build, and where its files are.

# CI makes the build deterministic and the restore locked.
export CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
script=$(basename "$0" .sh)
packages=$PWD/artifacts/release/packages

fail() { echo "$script: $*" >&2; exit 1; }
say() { echo "$script: $*"; }

# Prints the names of the packages: each folder of src is one.
package_ids() { for project in src/*/*.csproj; do basename "$project" .csproj; done; }

# COMMAND...: runs a tool of eng/release/dotnet-tools.json. Paths among its arguments must be absolute.
tool() { (cd eng/release && dotnet tool run "$@"); }
restore_tools() { dotnet tool restore --tool-manifest eng/release/dotnet-tools.json >/dev/null || fail "no tools"; }
