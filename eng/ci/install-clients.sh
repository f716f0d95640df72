#!/usr/bin/env bash
# Installs the official clients of the interop tests, with a time limit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v node >/dev/null && command -v npm >/dev/null || { echo "node or npm is missing"; exit 1; }
# Compiling the Node.js runtime would delay the build by minutes. eng/nightly compiles and tests it.
timeout 240 eng/install-interop.sh --without-runtime
