#!/usr/bin/env bash
# Installs the official clients of the interop tests within the time of a CI run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v node >/dev/null && command -v npm >/dev/null || { echo "no node or npm"; exit 1; }
# The Node.js runtime is not compiled next to the build, which it would delay by minutes: eng/nightly tests it.
timeout 240 eng/install-interop.sh --without-runtime
