#!/usr/bin/env bash
# Compiles lambda-stream to a native executable, tries it, and packs it: native.sh [RID].
# RID is a runtime identifier of this operating system, and by default that of this machine. A processor other than that
# of this machine needs a cross compiler. Writes artifacts/release/native/lambda-stream-VERSION-RID.tar.gz, on Windows
# .zip. The executable remains in artifacts/native/RID.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
host=$(dotnet --info | sed -n 's/^ *RID: *\([a-z0-9-]*\).*/\1/p')
rid=${1:-$host}
version=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' Directory.Build.props)
name=lambda-stream-$version-$rid
folder=artifacts/native/$rid
archives=artifacts/release/native
root=$PWD suffix=
[[ "$rid" != win-* ]] || { root=$(cygpath -m "$PWD") suffix=.exe; }
program=$folder/lambda-stream$suffix

# The lock files do not contain the compiler's packages, which depend on the operating system.
publish() {
  rm -rf "$folder"
  dotnet publish src/LambdaStreaming.Tool -c Release -f net10.0 -r "$rid" -o "$folder" -p:PublishAot=true \
    -p:ArtifactsPath="$root/artifacts/native-build" -p:RestoreLockedMode=false \
    -p:NuGetLockFilePath=obj/packages.aot.lock.json -v quiet
}

try() { # runs the program: version, help, and an invocation of a function that it serves
  local output=artifacts/native/try log=artifacts/native/try.log url
  [[ "$("$program" --version)" == "$version"* ]] || fail "--version does not print $version"
  "$program" --help | grep '^Exit codes:' >/dev/null || fail "--help does not print the exit codes"
  "$program" serve --function 'hello=text:Hello from a native executable' --port 0 >"$output" 2>"$log" &
  server=$!
  trap 'kill $server 2>/dev/null || true' EXIT
  for _ in $(seq 300); do
    ! grep -q serving "$log" || break
    kill -0 $server 2>/dev/null || break
    sleep 0.1
  done
  # export NAME=URL, or on Windows: $env:NAME = 'URL'
  url=$(sed -n "s/.*AWS_ENDPOINT_URL_LAMBDA *= *'*\([^' ]*\).*/\1/p" "$output" | tr -d '\r')
  [ "$("$program" invoke hello --local --endpoint-url "$url")" = 'Hello from a native executable' ] ||
    fail "the function cannot be invoked: $(cat "$log")"
  trap - EXIT
  kill $server
  wait $server || true
}

pack() {
  local content=artifacts/native/$name
  rm -rf "$content"
  mkdir -p "$content" "$archives"
  cp "$program" LICENSE "$content"
  cp src/LambdaStreaming.Tool/README.md "$content"
  if [ -n "$suffix" ]; then
    (cd artifacts/native && 7z a -bso0 "../release/native/$name.zip" "$name")
  else
    tar -czf "$archives/$name.tar.gz" -C artifacts/native "$name"
  fi
}

publish
if [ "$rid" = "$host" ]; then try; else say "$rid was not tried on $host"; fi
pack
say "packed $(find "$archives" -name "$name.*")"
