#!/usr/bin/env bash
# Installs the npm packages of the browser tests. Requires node 20 or later and npm. Does not install the browser: the
# tests use Debian's package chromium, or the path in CHROMIUM_PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../tests/browser"
npm ci --no-audit --no-fund
