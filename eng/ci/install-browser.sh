#!/usr/bin/env bash
# Installs the driver of the browser tests and, as root, Chromium if the machine has none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v node >/dev/null && command -v npm >/dev/null || { echo "no node or npm"; exit 1; }
timeout 240 eng/install-browser.sh
[ -z "${CHROMIUM_PATH:-}" ] || exit 0
for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
  ! command -v "$name" >/dev/null || exit 0
done
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "no Chromium, and no right to install one"; exit 1; }
export DEBIAN_FRONTEND=noninteractive
timeout 60 apt-get update -qq
timeout 240 apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends chromium
