#!/usr/bin/env bash
# Installs the official clients of the interop tests within the time of a CI run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v node >/dev/null && command -v npm >/dev/null || { echo "no node or npm"; exit 1; }
timeout 300 eng/install-interop.sh
