#!/usr/bin/env bash
# Packs all packages, and compares their dependencies and files with the lists below. Installs them from a folder into
# an empty app, and runs the app on .NET 10 and, on linux-x64, on .NET 8. With --twice, packs twice and compares the
# bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 AWS_EC2_METADATA_DISABLED=true

# Prints the minimum versions of a package's dependencies, by framework, as in docs/dependencies.md.
expected_dependencies() {
  case $1 in
    LambdaStreaming.Client) cat <<LIST
net10.0 AWSSDK.Core 4.1.0
net10.0 Microsoft.Extensions.Logging.Abstractions 10.0.0
net10.0 Polly.Core 8.9.1
net10.0 System.IO.Hashing 11.0.0
net8.0 AWSSDK.Core 4.0.102.19
net8.0 Microsoft.Extensions.Logging.Abstractions 8.0.3
net8.0 Polly.Core 8.9.1
net8.0 System.IO.Hashing 10.0.14
net8.0 System.IO.Pipelines 8.0.0
net8.0 System.Net.ServerSentEvents 10.0.10
LIST
      ;;
    LambdaStreaming.Extensions.DependencyInjection) cat <<LIST
net10.0 LambdaStreaming.Client $version
net10.0 LambdaStreaming.Http $version
net10.0 Microsoft.Extensions.Http 10.0.0
net8.0 LambdaStreaming.Client $version
net8.0 LambdaStreaming.Http $version
net8.0 Microsoft.Extensions.Http 8.0.1
LIST
      ;;
    LambdaStreaming.Testing) cat <<LIST
net10.0 LambdaStreaming.Client $version
net10.0 System.IO.Hashing 11.0.0
net8.0 LambdaStreaming.Client $version
net8.0 System.IO.Hashing 10.0.14
LIST
      ;;
    LambdaStreaming.Http) cat <<LIST
net10.0 LambdaStreaming.Client $version
net8.0 LambdaStreaming.Client $version
LIST
      ;;
    LambdaStreaming.AspNetCore) cat <<LIST
net10.0 LambdaStreaming.Client $version
net10.0 LambdaStreaming.Http $version
net8.0 LambdaStreaming.Client $version
net8.0 LambdaStreaming.Http $version
LIST
      ;;
    LambdaStreaming.Aspire.Hosting) cat <<LIST
net10.0 Aspire.Hosting 13.6.5
net10.0 LambdaStreaming.Testing $version
LIST
      ;;
    # The package of a tool contains its dependencies.
    LambdaStreaming.Tool) ;;
    *) fail "this script does not list the dependencies of $1" ;;
  esac
}

work=$PWD/artifacts/pack-check
fail() { echo "pack-check: $*" >&2; exit 1; }
say() { echo "pack-check: $*"; }

rm -rf "$work"
mkdir -p "$work/feed"

# All packages in one build, so that shared projects are built once.
projects=$(printf '"%s",' src/*/*.csproj)
echo '{"solution":{"path":"../../LambdaStreaming.Client.sln","projects":['"${projects%,}"']}}' >"$work/packages.slnf"
pack() {
  rm -rf "$work/build"
  dotnet pack "$work/packages.slnf" -c Release -p:PackageOutputPath="$work/$1" -p:ArtifactsPath="$work/build" \
    -v quiet || fail "dotnet pack failed"
}
pack 1
if [ "${1:-}" = --twice ]; then
  pack 2
  for package in "$work"/1/*; do
    cmp "$package" "$work/2/${package##*/}" || fail "${package##*/} differs when it is packed again"
  done
  say "packed $(ls "$work/1" | wc -l) files twice, with the same bytes"
fi

version=$(basename "$work"/1/LambdaStreaming.Client.*.nupkg .nupkg)
version=${version#LambdaStreaming.Client.}
for package in "$work"/1/*.nupkg; do
  id=$(basename "$package" | sed -E 's/\.[0-9]+\.[0-9]+\.[0-9]+.*\.nupkg$//')
  nuspec=$(unzip -p "$package" "$id.nuspec")

  found=$(echo "$nuspec" | awk -F'"' '/<group /{group=$2} /<dependency /{print group " " $2 " " $4}' | LC_ALL=C sort)
  diff <(expected_dependencies "$id") <(echo -n "${found:+$found$'\n'}") ||
    fail "the dependencies of $id are not those that this script lists (< expected, > found)"
  # A here-string, not a pipe: grep -q closes a pipe at the first match, and the command that writes to it fails.
  for element in readme icon license projectUrl releaseNotes tags 'repository type="git"' description; do
    grep -q "<$element" <<<"$nuspec" || fail "the nuspec of $id does not contain $element"
  done

  contents=$(unzip -Z1 "$package")
  frameworks="net8.0 net10.0"
  # An AppHost runs only on developer machines, with the newest framework.
  [ "$id" != LambdaStreaming.Aspire.Hosting ] || frameworks=net10.0
  if [ "$id" = LambdaStreaming.Tool ]; then
    files="tools/net8.0/any/lambda-stream.dll tools/net8.0/any/DotnetToolSettings.xml"
    files="$files tools/net10.0/any/lambda-stream.dll tools/net10.0/any/DotnetToolSettings.xml"
    symbols_folder=tools/%s/any/lambda-stream.pdb
  else
    files=$(for framework in $frameworks; do echo "lib/$framework/$id.dll lib/$framework/$id.xml"; done)
    symbols_folder=lib/%s/$id.pdb
  fi
  for file in README.md icon.png $files; do
    grep -qxF "$file" <<<"$contents" || fail "$id does not contain $file"
  done
  symbols=$(unzip -Z1 "${package%.nupkg}.snupkg")
  for framework in $frameworks; do
    file=$(printf "$symbols_folder" "$framework")
    grep -qxF "$file" <<<"$symbols" || fail "the symbols of $id do not contain $file"
  done
  cp "$package" "$work/feed/"
  say "$id: $(echo "$found" | grep -c . || true) dependencies as listed; has metadata, documentation and symbols"
done

cp -r tests/PackCheck "$work/app"
# A separate package folder, so that these packages do not stay in the user's folder.
export NUGET_PACKAGES=$work/packages
cd "$work/app"
dotnet build -c Release -p:PackedVersion="$version" -v quiet || fail "an empty app does not build with the packages"
output=$(dotnet run --no-build -c Release -f net10.0) || fail "the app fails on .NET 10: $output"
say "installed from a folder: $output"
if [ "$(uname -sm)" = "Linux x86_64" ]; then
  dotnet publish -c Release -f net8.0 -r linux-x64 --self-contained -p:PackedVersion="$version" -o ../net8 -v quiet ||
    fail "the app cannot be published for .NET 8"
  output=$(../net8/PackCheck) || fail "the app fails on .NET 8: $output"
  say "installed from a folder: $output"
fi

# Installs the tool from that folder only, serves a recorded response, and invokes it.
mkdir -p "$work/tool"
cd "$work/tool"
cat > nuget.config <<CONFIG
<configuration><packageSources><clear /><add key="feed" value="$work/feed" /></packageSources></configuration>
CONFIG
dotnet tool install LambdaStreaming.Tool --tool-path "$work/tool/bin" --version "$version" --configfile nuget.config \
  --verbosity quiet || fail "the tool cannot be installed"
printf '%s\n' '{}' '{"afterMilliseconds":1,"text":"from the tool"}' '{"afterMilliseconds":2,"complete":{}}' \
  > recorded.jsonl
bin/lambda-stream serve --replay recorded.jsonl --port 0 > environment 2> log &
server=$!
trap 'kill "$server" 2>/dev/null' EXIT
for _ in $(seq 300); do grep -q serving log && break; sleep 0.1; done
output=$(. ./environment && bin/lambda-stream invoke recorded) || fail "the installed tool fails: $output $(cat log)"
[ "$output" = "from the tool" ] || fail "the installed tool prints '$output'"
kill -TERM "$server"
wait "$server" || fail "the installed server exits with code $?"
trap - EXIT
say "the tool, installed from a folder: $(bin/lambda-stream --version), serve and invoke"
say ok
