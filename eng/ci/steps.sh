# Sourced by .ci/run and eng/nightly. Sets the environment of all steps and has functions that run a step. Logs are in
# artifacts/ci.

export CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 AWS_EC2_METADATA_DISABLED=true
# Use one compiler process for all projects. Starting a process for each project takes longer than compiling.
export UseSharedCompilation=true

logs=artifacts/ci
mkdir -p "$logs"
trap 'kill $(jobs -p) 2>/dev/null; dotnet build-server shutdown --vbcscompiler >/dev/null 2>&1' EXIT

failed_steps=()
declare -A begun

# NAME COMMAND...: runs a step and shows its output.
run_step() {
  local name=$1
  shift
  echo
  echo "== $name ($SECONDS s)"
  "$@" && return
  failed_steps+=("$name")
  return 1
}

# NAME COMMAND...: starts a step in the background.
begin_step() {
  local name=$1
  shift
  "$@" >"$logs/$name.log" 2>&1 &
  begun[$name]=$!
}

# NAME: waits for a step in the background and shows the end of its log.
end_step() {
  local lines=12 status=0
  wait "${begun[$1]}" || { status=$?; lines=40; failed_steps+=("$1"); }
  echo
  echo "== $1, started earlier ($SECONDS s)"
  tail -n "$lines" "$logs/$1.log"
  return "$status"
}

# NAME: like end_step, but a failure is only printed. Tests that need the step are skipped.
end_optional_step() {
  wait "${begun[$1]}" || { tail -n 5 "$logs/$1.log"; echo "$1 failed: tests that need it are skipped"; }
}
