#!/usr/bin/env bash
# Installs what drives the browser: needs node 20 or later and npm. The browser itself comes from the machine: Debian's
# package chromium, or the path in CHROMIUM_PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../tests/browser"
npm ci --no-audit --no-fund
